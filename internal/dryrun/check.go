package dryrun

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"rollcall/internal/account"
	"rollcall/internal/source"
)

// A checker judges single rows as a server does that stores them.
type checker struct {
	app   *account.App // nil if it is unknown
	words *account.WordList
}

func newChecker(app *account.App) *checker {
	c := &checker{app: app}
	if app != nil {
		c.words = account.NewWordList(app.Settings.Words)
	}
	return c
}

// reason returns why a row is rejected, or "". shape describes its id.
func (c *checker) reason(r *source.Row, shape class) string {
	if r.Fault != "" {
		return r.Fault
	}
	if c.words != nil || shape&^(letter|digit|word) != 0 || tooLong(r) || len(r.UserID) == 0 {
		if reason := c.refusal(r); reason != "" {
			return reason
		}
	}
	for i := range r.Tags {
		if err := c.tag(&r.Tags[i]); err != nil {
			return account.DetailOf(err)
		}
	}
	return ""
}

// tooLong reports whether a text of r is longer than allowed.
func tooLong(r *source.Row) bool {
	return len(r.UserID) > account.MaxUserIDBytes || len(r.Nick) > account.MaxValueBytes || len(r.FaceURL) > account.MaxValueBytes
}

// refusal applies the rules of an import.
func (c *checker) refusal(r *source.Row) string {
	u := account.Upsert{ID: account.UserID(r.UserID), Nick: string(r.Nick), FaceURL: string(r.FaceURL)}
	err := u.Validate(c.app != nil && c.app.Settings.StrictIDs)
	if err == nil {
		err = u.CheckWords(c.words)
	}
	return account.DetailOf(err)
}

// tag applies the rules of a tag. If the app is unknown, it may have any custom tag.
func (c *checker) tag(t *source.Tag) error {
	tag, v, app := account.Tag(t.Name), account.Value{Text: string(t.Text), Number: t.Number, IsNumber: t.IsNumber}, c.app
	if app == nil {
		app = new(account.App)
		if tag.ValidCustom() {
			return account.CustomTag{Number: t.IsNumber}.Spec().Validate(tag, v)
		}
	}
	_, err := app.CheckTag(tag, v, c.words)
	return err
}

// A class says which kinds of characters there are in an id.
type class byte

const (
	letter class = 1 << iota
	digit
	word // _ and -
	blank
	other
)

var classes, lower = characters()

// characters returns the class of each byte, and the byte in lower case.
func characters() (classes [256]class, lower [256]byte) {
	for i := range 256 {
		c := byte(i)
		lower[c] = c
		switch {
		case 'a' <= c && c <= 'z':
			classes[c] = letter
		case 'A' <= c && c <= 'Z':
			classes[c], lower[c] = letter, c|0x20
		case '0' <= c && c <= '9':
			classes[c] = digit
		case c == '_' || c == '-':
			classes[c] = word
		case c == ' ':
			classes[c] = blank
		default:
			classes[c] = other
		}
	}
	return classes, lower
}

// foldedID contains an id in lower case.
type foldedID struct {
	bytes [account.MaxUserIDBytes]byte
	n     int
}

// fold sets f to id in lower case, if it is not too long, and returns its class.
func (f *foldedID) fold(id []byte) (c class) {
	f.n = min(len(id), len(f.bytes))
	for i, b := range id[:f.n] {
		c |= classes[b]
		f.bytes[i] = lower[b]
	}
	return c
}

// Kinds of what is suspicious about single rows.
const (
	bent = iota
	blanks
	control
	replaced
	null
	numKinds
)

var suspicions = [numKinds]Problem{
	bent:     {Kind: "bent", What: "with an id like a number that a spreadsheet has rounded, such as 1.38E+10: format the column as text and export again"},
	blanks:   {Kind: "blanks", What: "with a blank at the beginning or end of the id: remove it if it is not meant"},
	control:  {Kind: "control", What: "with control characters such as line breaks in nick or picture: remove them if they are not meant"},
	replaced: {Kind: "replaced", What: "with the character U+FFFD in nick or picture, so something was lost in an earlier conversion: export again as UTF-8"},
	null:     {Kind: "null", What: "with a word for nothing, such as NULL, as id or nick: leave the nick empty, and give the id"},
}

// suspicious calls found with each kind of suspicion about an account, and the value.
func suspicious(r *source.Row, shape class, found func(kind int, value []byte)) {
	id := r.UserID
	if shape&blank != 0 && (id[0] == ' ' || id[len(id)-1] == ' ') {
		found(blanks, id)
	}
	if id[0]-'0' <= 9 && shape&letter != 0 && exponent(id) {
		found(bent, id)
	}
	if nothing(id) {
		found(null, id)
	}
	if nothing(r.Nick) {
		found(null, r.Nick)
	}
	for _, value := range [...][]byte{r.Nick, r.FaceURL} {
		wide, low := special(value)
		if low {
			found(control, value)
		}
		if wide && bytes.ContainsRune(value, utf8.RuneError) {
			found(replaced, value)
		}
	}
}

// exponent reports whether id is a number such as 1.38E+10 or 5e12.
func exponent(id []byte) bool {
	i := bytes.IndexAny(id, "eE")
	if i < 1 {
		return false
	}
	whole, part, point := bytes.Cut(id[:i], []byte("."))
	power := bytes.TrimPrefix(id[i+1:], []byte("+"))
	// A hexadecimal id such as 12e4 is no rounded number: those have one digit in front.
	return len(whole) == 1 && allDigits(whole) && (!point || allDigits(part)) && len(power) <= 3 && allDigits(power) && (point || len(power) == 2)
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c-'0' > 9 {
			return false
		}
	}
	return len(b) > 0
}

// nothing reports whether text is what programs write for no value.
func nothing(text []byte) bool {
	switch len(text) {
	case 2:
		return string(text) == `\N`
	case 3, 4, 9:
	default:
		return false
	}
	switch strings.ToLower(string(text)) {
	case "nil", "nan", "null", "none", "undefined":
		return true
	}
	return false
}

// special reports whether text has bytes that are not ASCII, and whether it has control
// characters. It looks at eight bytes at once: the highest bit of a byte of each term is set
// if it is such a byte. A subtraction borrows only from the bytes above such a byte.
func special(text []byte) (wide, low bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	var all, controls uint64
	for ; len(text) >= 8; text = text[8:] {
		x := binary.LittleEndian.Uint64(text)
		del := x ^ (ones * 0x7f)
		all |= x
		controls |= (x-ones*' ')&^x | (del-ones)&^del
	}
	wide, low = all&highs != 0, controls&highs != 0
	for _, c := range text {
		wide = wide || c >= utf8.RuneSelf
		low = low || c < ' ' || c == 0x7f
	}
	return wide, low
}
