package source

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A field is what a column or a key contains.
type field byte

const (
	unknown field = iota
	userID
	nick
	faceURL
	ignored
	unnamed // a column without a name: it must be empty
)

// fieldNames contains the names of fields in options and messages.
var fieldNames = map[string]field{"userid": userID, "nick": nick, "face_url": faceURL}

// aliases contains the names of columns and keys as [folded] writes them: of Rollcall, of
// the vendor's API, and of the list of accounts in the vendor's console in English and
// Chinese (documents 1047/50301 and 269/38656). What an import cannot set is ignored.
var aliases = map[string]field{
	"userid": userID, "identifier": userID, "username": userID,
	"用户名": userID, "用户id": userID, "用户名(userid)": userID, "账号": userID, "帐号": userID, "账号id": userID,
	"nick": nick, "nickname": nick, "tagprofileimnick": nick, "昵称": nick, "用户昵称": nick,
	"faceurl": faceURL, "profilephoto": faceURL, "tagprofileimimage": faceURL,
	"头像": faceURL, "头像url": faceURL, "头像地址": faceURL, "用户头像": faceURL,
	"type": ignored, "accounttype": ignored, "账号类型": ignored, "帐号类型": ignored,
	"creationtime": ignored, "创建时间": ignored,
	"internalid": ignored, "createdat": ignored, "updatedat": ignored,
}

// folded returns name as aliases are written: in lower case, without blanks, underlines and
// hyphens.
func folded(name string) string {
	name = strings.NewReplacer(" ", "", "_", "", "-", "", "（", "(", "）", ")").Replace(name)
	return strings.ToLower(name)
}

// naming finds the field of a column or key.
type naming struct {
	known map[string]field // by the names that occurred
	given map[string]field // by names in lower case, of the options
}

// newNaming returns the naming of o. Its error names the option.
func newNaming(o Options) (*naming, error) {
	n := &naming{known: map[string]field{}, given: map[string]field{}}
	for column, name := range o.Map {
		f, ok := fieldNames[name]
		if !ok {
			return nil, fmt.Errorf("%s=%s: an account has userid, nick and face_url; map the column to one of them", column, name)
		}
		n.given[strings.ToLower(strings.TrimSpace(column))] = f
	}
	for _, column := range o.Ignore {
		n.given[strings.ToLower(strings.TrimSpace(column))] = ignored
	}
	return n, nil
}

// of returns the field of a name.
func (n *naming) of(name []byte) field {
	if f, ok := n.known[string(name)]; ok {
		return f
	}
	text := strings.TrimSpace(string(name))
	f, ok := n.given[strings.ToLower(text)]
	if !ok {
		f = aliases[folded(text)]
	}
	if text == "" {
		f = unnamed
	}
	if len(n.known) < 1000 { // a stranger's file may have any number of keys
		n.known[string(name)] = f
	}
	return f
}

// columns returns the fields of the columns of a header.
func (n *naming) columns(header [][]byte) ([]field, error) {
	fields := make([]field, len(header))
	var strange []string
	for i, name := range header {
		fields[i] = n.of(name)
		if fields[i] == unknown {
			strange = append(strange, strings.TrimSpace(string(name)))
		}
	}
	if !slices.Contains(fields, userID) {
		return nil, n.headless(header)
	}
	if len(strange) > 0 {
		return nil, unknownNames("column", strange)
	}
	for _, f := range []field{userID, nick, faceURL} {
		if err := twice(header, fields, f); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// headless returns the error of a first line without a column of ids.
func (n *naming) headless(header [][]byte) error {
	return fmt.Errorf("%s is no header, because no column is called userid: write a first line such as userid,nick,face_url,"+
		" say which column has the ids with --map COLUMN=userid, or, if each line is one id, give --format ids", shortened(bytes.Join(header, []byte(","))))
}

// unknownNames returns the error of columns or keys that mean nothing.
func unknownNames(what string, names []string) error {
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

// twice returns an error if two columns are the field f.
func twice(header [][]byte, fields []field, f field) error {
	i := slices.Index(fields, f)
	if i < 0 {
		return nil
	}
	j := slices.Index(fields[i+1:], f)
	if j < 0 {
		return nil
	}
	a, b := strings.TrimSpace(string(header[i])), strings.TrimSpace(string(header[i+1+j]))
	if strings.EqualFold(a, b) {
		return fmt.Errorf("the column %s occurs twice: remove or rename one", word(a))
	}
	return fmt.Errorf("the columns %s and %s mean the same: drop one with --ignore %s", word(a), word(b), word(b))
}

// set sets a field to a value. It reports whether the value is allowed there.
func (r *Row) set(f field, value []byte) bool {
	switch f {
	case userID:
		r.UserID = value
	case nick:
		r.Nick = value
	case faceURL:
		r.FaceURL = value
	case unnamed:
		return len(value) == 0
	}
	return true
}

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
