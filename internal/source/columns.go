package source

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/account"
)

// A field is what a column or a key contains.
type field byte

const (
	unknown field = iota
	userID
	nick
	faceURL
	profileTag // the tag of the column
	profile    // of JSON: an object of tags
	deletedAt  // not empty: the id is deleted
	ignored
	unnamed // a column without a name: it must be empty
)

// A column is what the name of a column or a key means.
type column struct {
	field     field
	tag       string // of a profileTag
	number    bool   // the tag takes a number
	inProfile bool   // the name can be in an object of tags
	quoted    string // the name in JSON with its colon; "" if it needs escapes
}

// fieldNames contains the names of fields in options and messages.
var fieldNames = map[string]field{"userid": userID, "nick": nick, "face_url": faceURL}

// aliases contains the names of columns and keys as [folded] writes them: of Rollcall, of
// the vendor's API, and of the list of accounts in the vendor's console in English and
// Chinese (documents 1047/50301 and 269/38656). What an import cannot set is ignored, and
// so are the columns that a file of rejected rows has in addition.
var aliases = map[string]field{
	"userid": userID, "identifier": userID, "username": userID,
	"用户名": userID, "用户id": userID, "用户名(userid)": userID, "账号": userID, "帐号": userID, "账号id": userID,
	"nick": nick, "nickname": nick, "tagprofileimnick": nick, "昵称": nick, "用户昵称": nick,
	"faceurl": faceURL, "profilephoto": faceURL, "tagprofileimimage": faceURL,
	"头像": faceURL, "头像url": faceURL, "头像地址": faceURL, "用户头像": faceURL,
	"type": ignored, "accounttype": ignored, "账号类型": ignored, "帐号类型": ignored,
	"creationtime": ignored, "创建时间": ignored,
	"internalid": ignored, "createdat": ignored, "updatedat": ignored, "kickedat": ignored,
	"rollcallline": ignored, "rollcallreason": ignored,
	"profile": profile, "deletedat": deletedAt,
}

// folded returns name as aliases are written: in lower case, without blanks, underlines and
// hyphens.
func folded(name string) string {
	name = strings.NewReplacer(" ", "", "_", "", "-", "", "（", "(", "）", ")").Replace(name)
	return strings.ToLower(name)
}

// naming finds the meaning of the name of a column or key.
type naming struct {
	known map[string]*column // by the names that occurred
	given map[string]column  // by names in lower case, of the options
}

// newNaming returns the naming of o. Its error names the option.
func newNaming(o Options) (*naming, error) {
	n := &naming{known: map[string]*column{}, given: map[string]column{}}
	for name, field := range o.Map {
		c := column{field: fieldNames[field]}
		if c.field == unknown {
			c = tagColumn(field)
		}
		if c.field == unknown {
			return nil, fmt.Errorf("%s=%s: map the column to userid, nick or face_url, or to a tag such as Tag_Profile_IM_Gender", name, field)
		}
		c.inProfile = c.field != userID
		n.given[strings.ToLower(strings.TrimSpace(name))] = c
	}
	for _, name := range o.Ignore {
		n.given[strings.ToLower(strings.TrimSpace(name))] = column{field: ignored, inProfile: true}
	}
	return n, nil
}

// of returns the meaning of a name. It stays valid.
func (n *naming) of(name []byte) *column {
	if c := n.known[string(name)]; c != nil {
		return c
	}
	c := n.find(strings.TrimSpace(string(name)))
	c.inProfile = c.inProfile || strings.HasPrefix(string(name), account.ProfilePrefix)
	if plain(name) == len(name) {
		c.quoted = `"` + string(name) + `":`
	}
	if len(n.known) < 1000 { // a stranger's file may have any number of keys
		n.known[string(name)] = &c
	}
	return &c
}

func (n *naming) find(name string) column {
	if name == "" {
		return column{field: unnamed}
	}
	if c, ok := n.given[strings.ToLower(name)]; ok {
		return c
	}
	if f := aliases[folded(name)]; f != unknown {
		return column{field: f}
	}
	return tagColumn(name)
}

// numberSuffix follows the name of a custom tag in the header of a table, if the tag is a
// number. The standard tags are known.
const numberSuffix = ":number"

// tagColumn returns the column of a profile tag. It is unknown if no app can have the tag.
func tagColumn(name string) column {
	name, number := strings.CutSuffix(name, numberSuffix)
	tag := account.Tag(name)
	spec, standard := account.StandardTag(tag)
	switch {
	case standard && (spec.IsNumber || !number):
		return column{field: profileTag, tag: name, number: spec.IsNumber}
	case tag.ValidCustom():
		return column{field: profileTag, tag: name, number: number}
	}
	return column{}
}

// columns returns the columns of a header.
func (n *naming) columns(header [][]byte) ([]*column, error) {
	columns := make([]*column, len(header))
	var strange []string
	for i, name := range header {
		columns[i] = n.of(name)
		if f := columns[i].field; f == unknown || f == profile {
			strange = append(strange, strings.TrimSpace(string(name)))
		}
	}
	if !slices.ContainsFunc(columns, func(c *column) bool { return c.field == userID }) {
		return nil, n.headless(header)
	}
	if len(strange) > 0 {
		return nil, unknownNames("column", strange)
	}
	return columns, twice(header, columns)
}

// headless returns the error of a first line without a column of ids.
func (n *naming) headless(header [][]byte) error {
	return fmt.Errorf("%s is no header, because no column is called userid: write a first line such as userid,nick,face_url,"+
		" say which column has the ids with --map COLUMN=userid, or, if each line is one id, give --format ids", shortened(bytes.Join(header, []byte(","))))
}

// unknownNames returns the error of columns or keys that mean nothing.
func unknownNames(what string, names []string) error {
	isTag := func(name string) bool { return strings.HasPrefix(name, account.ProfilePrefix) }
	if i := slices.IndexFunc(names, isTag); i >= 0 {
		name := word(names[i])
		return fmt.Errorf("the %s %s is no tag that an app can have: correct its spelling, or drop it with --ignore %s; a custom tag is %s with 1 to %d letters",
			what, name, name, account.CustomPrefix, account.MaxCustomKey)
	}
	words := make([]string, min(len(names), 5))
	for i := range words {
		words[i] = word(names[i])
	}
	list := strings.Join(words, ",")
	if len(names) > 1 {
		return fmt.Errorf("the %ss %s are unknown: drop them with --ignore %s, or say what they are, as in --map %s=nick", what, list, list, words[0])
	}
	return fmt.Errorf("the %s %s is unknown: drop it with --ignore %s, or say what it is, as in --map %s=nick", what, list, list, list)
}

// word returns a name for a message: as it is, or quoted if it is long or not one plain word.
func word(name string) string {
	strange := func(r rune) bool { return r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r) }
	if len(name) <= 60 && !strings.ContainsFunc(name, strange) {
		return name
	}
	return shortened([]byte(name))
}

// twice returns an error if two columns set the same.
func twice(header [][]byte, columns []*column) error {
	for j, c := range columns {
		i := slices.IndexFunc(columns[:j], c.same)
		if i < 0 || c.field > profileTag {
			continue
		}
		a, b := strings.TrimSpace(string(header[i])), strings.TrimSpace(string(header[j]))
		if strings.EqualFold(a, b) {
			return fmt.Errorf("the column %s occurs twice: remove or rename one", word(a))
		}
		return fmt.Errorf("the columns %s and %s mean the same: drop one with --ignore %s", word(a), word(b), word(b))
	}
	return nil
}

func (c *column) same(d *column) bool { return c.field == d.field && c.tag == d.tag }

// set sets what the column c contains to the value of a cell. It reports whether the value
// is allowed there; see [column.refusal].
func (r *Row) set(c *column, value []byte) bool {
	switch c.field {
	case userID:
		r.UserID = value
	case nick:
		r.Nick = value
	case faceURL:
		r.FaceURL = value
	case profileTag:
		return r.setTag(c, value)
	case unnamed, deletedAt:
		return len(value) == 0
	}
	return true
}

// setTag sets a tag to the value of a cell. An empty cell keeps the stored value.
func (r *Row) setTag(c *column, value []byte) bool {
	if len(value) == 0 {
		return true
	}
	t := Tag{Name: c.tag, Text: value}
	if c.number {
		n, ok := unsigned(value)
		if !ok {
			return false
		}
		t = Tag{Name: c.tag, Number: n, IsNumber: true}
	}
	r.Tags = append(r.Tags, t)
	return true
}

// unsigned returns the number that digits are.
func unsigned(digits []byte) (n uint64, ok bool) {
	for _, c := range digits {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, len(digits) > 0
}

// refusal says why the column i, from 0, may not have a value, and what to do.
func (c *column) refusal(i int) string {
	switch c.field {
	case deletedAt:
		return errDeleted.Error()
	case profileTag:
		return fmt.Sprintf("column %d has the tag %s, which takes digits: write a whole number, or leave it empty", i+1, c.tag)
	}
	return fmt.Sprintf("column %d has a value here but no name in the header: name it, or remove the value", i+1)
}

var errDeleted = errors.New("it is a deleted id, and an import deletes nothing: remove the line, or export without deleted ids")

// shortened returns a text for a message: quoted, and not longer than a line.
func shortened(text []byte) string {
	const most = 60
	if len(text) > most {
		return fmt.Sprintf("%q…", bytes.ToValidUTF8(text[:most], nil))
	}
	return fmt.Sprintf("%q", text)
}

// Check returns an error if the options contradict each other or name what does not exist.
func (o Options) Check() error {
	if o.Format != "" && !slices.Contains(Formats, o.Format) {
		return fmt.Errorf("--format %s: it is one of %s", o.Format, listed(Formats))
	}
	if _, ok := encodings[o.Encoding]; o.Encoding != "" && !ok {
		return fmt.Errorf("--encoding %s: it is one of %s", o.Encoding, listed(Encodings()))
	}
	if strings.IndexByte("\"\r\n", o.Delimiter) >= 0 || o.Delimiter >= 0x80 {
		return errors.New("--delimiter is one character of ASCII, and neither a quote nor the end of a line")
	}
	if _, err := newNaming(o); err != nil {
		return fmt.Errorf("--map %w", err)
	}
	return nil
}

func listed[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}
