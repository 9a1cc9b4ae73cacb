package source

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
)

// maxKeys limits the keys that a scanner compares with each other.
const maxKeys = 8 + maxTags

// A scanner reads objects of the form that programs usually write: flat, or with an object
// of tags. Its methods return false for any other text, whether it is wrong or only
// unusual, and give no reason; the decoder of JSON then reads it. They never accept what the
// decoder refuses, and never read another value.
type scanner struct {
	names *naming
	text  []byte    // UTF-8
	at    int       // text[:at] has been read
	keys  []*column // of objects before, in their order
	seen  []*column
	texts []byte // of values with escapes
}

// object reads the object that is text into r.
func (s *scanner) object(text []byte, r *Row) bool {
	s.text, s.at, s.seen, s.texts = text, 0, s.seen[:0], s.texts[:0]
	return s.members(r, false) && s.skip() == 0 && s.at == len(s.text) && r.UserID != nil
}

// members reads an object. inside says that it is the object of tags.
func (s *scanner) members(r *Row, inside bool) bool {
	if !s.accept('{') {
		return false
	}
	if s.accept('}') {
		return true
	}
	for {
		c := s.key()
		if c == nil || inside && !c.inProfile || !s.once(c) || !s.value(c, r) {
			return false
		}
		if s.accept('}') {
			return true
		}
		if !s.accept(',') {
			return false
		}
	}
}

// skip skips white space and returns the next byte, or 0 at the end of the text.
func (s *scanner) skip() byte {
	for ; s.at < len(s.text); s.at++ {
		if c := s.text[s.at]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

// accept skips white space and reads c. It returns false if the next byte is another one.
func (s *scanner) accept(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c || s.skip() == c && c != 0 {
		s.at++
		return true
	}
	return false
}

// key reads a name and its colon. It returns nil for a name that is new or has escapes.
// Objects of a file mostly have the same names in the same order, so it tries that first.
func (s *scanner) key() *column {
	s.skip()
	n, rest := len(s.seen), s.text[s.at:]
	if n < len(s.keys) {
		c := s.keys[n]
		if q := c.quoted; q != "" && len(rest) > len(q) && string(rest[:len(q)]) == q {
			s.at += len(q)
			return c
		}
	}
	name, ok := s.string()
	if !ok || !s.accept(':') {
		return nil
	}
	c := s.names.known[string(name)]
	if c == nil || c.field == unknown || c.field == unnamed || n >= maxKeys {
		return nil
	}
	if n < len(s.keys) {
		s.keys[n] = c
	} else {
		s.keys = append(s.keys, c)
	}
	return c
}

// once reports whether c is neither a column before it, nor means the same as one.
func (s *scanner) once(c *column) bool {
	for _, d := range s.seen {
		if c == d || c.field == d.field && c.field != ignored && c.tag == d.tag {
			return false
		}
	}
	s.seen = append(s.seen, c)
	return true
}

// value reads the value of c.
func (s *scanner) value(c *column, r *Row) bool {
	first := s.skip()
	switch {
	case first == '"':
		text, ok := s.string()
		return ok && s.set(c, text, r)
	case first == 'n':
		return c.field != userID && s.literal("null")
	case c.field == profile:
		return s.members(r, true)
	case c.field == profileTag:
		return s.number(c, r)
	case c.field == ignored:
		return s.scalar(first)
	}
	return false
}

// set sets c to a text.
func (s *scanner) set(c *column, text []byte, r *Row) bool {
	switch c.field {
	case userID:
		r.UserID = text
	case nick:
		r.Nick = text
	case faceURL:
		r.FaceURL = text
	case profileTag:
		return !c.number && len(r.Tags) < maxTags && r.setTag(c, text)
	case deletedAt:
		return len(text) == 0
	default:
		return c.field == ignored
	}
	return true
}

// number reads the number of a tag.
func (s *scanner) number(c *column, r *Row) bool {
	n, ok := unsigned(s.digits())
	if !ok || len(r.Tags) == maxTags || !c.number && strings.HasPrefix(c.tag, account.StandardPrefix) {
		return false
	}
	r.Tags = append(r.Tags, Tag{Name: c.tag, Number: n, IsNumber: true})
	return true
}

// digits reads digits. It returns none if the first of several is a zero.
func (s *scanner) digits() []byte {
	from := s.at
	for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
		s.at++
	}
	digits := s.text[from:s.at]
	if len(digits) > 1 && digits[0] == '0' {
		return nil
	}
	return digits
}

// scalar reads a value that nobody needs, and that is no text.
func (s *scanner) scalar(first byte) bool {
	switch first {
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	}
	return len(s.digits()) > 0
}

func (s *scanner) literal(word string) bool {
	if rest := s.text[s.at:]; len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

// string reads a text with its quotes.
func (s *scanner) string() ([]byte, bool) {
	if s.at == len(s.text) || s.text[s.at] != '"' {
		return nil, false
	}
	from := s.at + 1
	end := from + plain(s.text[from:])
	switch {
	case end == len(s.text):
		return nil, false
	case s.text[end] == '"':
		s.at = end + 1
		return s.text[from:end:end], true
	case s.text[end] == '\\':
		return s.escaped(end)
	}
	return nil, false // a control character
}

// escaped reads a text whose first escape is at a position.
func (s *scanner) escaped(end int) ([]byte, bool) {
	for end < len(s.text) && s.text[end] != '"' {
		if s.text[end] == '\\' {
			end++
		}
		end++
		end += plain(s.text[min(end, len(s.text)):])
	}
	if end >= len(s.text) {
		return nil, false
	}
	texts, err := jsontext.AppendUnquote(s.texts, s.text[s.at:end+1])
	if err != nil {
		return nil, false
	}
	from := len(s.texts)
	s.at, s.texts = end+1, append(texts, 0) // so that an empty text is not nil
	return texts[from:len(texts):len(texts)], true
}

// plain returns the number of bytes at the start of b that are no control characters and
// need no escape.
func plain(b []byte) int {
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		if special := specialBytes(binary.LittleEndian.Uint64(b[n:])); special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
	}
	for n < len(b) && ' ' <= b[n] && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// specialBytes returns 0 if none of the eight bytes of x is a control character, a quote or
// a backslash. Otherwise the lowest bit that is set belongs to the first such byte. The bits
// above it have no meaning, because a subtraction may borrow from the bytes above.
func specialBytes(x uint64) uint64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	quote, slash := x^(ones*'"'), x^(ones*'\\')
	return ((x-ones*' ')&^x | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}
