package wire

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// A scanner reads JSON of the shapes that clients usually send. Its methods
// return false for any other input, whether it is wrong or only unusual, and
// give no reason. The generic decoder then decodes that input. The methods may
// therefore be narrow. They must never accept what the generic decoder refuses,
// and never return another result.
type scanner struct {
	b    []byte
	i    int     // b[:i] has been read
	text *[]byte // buffer for texts that had escapes
}

// skip skips white space and returns the next byte without reading it. At the
// end of the body it returns 0, which no JSON token begins with.
func (s *scanner) skip() byte {
	for ; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// accept skips white space and reads c. It returns false if the next byte is
// another one.
func (s *scanner) accept(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c { // few clients send white space
		s.i++
		return true
	}
	return s.acceptAfterSpace(c)
}

func (s *scanner) acceptAfterSpace(c byte) bool {
	if s.skip() != c {
		return false
	}
	s.i++
	return true
}

// end reports whether only white space is left.
func (s *scanner) end() bool {
	s.skip()
	return s.i == len(s.b)
}

// key reads the name of a member and its colon. The name is returned as it is
// written. A name with an escape therefore matches none of the expected names.
func (s *scanner) key() []byte {
	if !s.accept('"') {
		return nil
	}
	rest := s.b[s.i:]
	n := plain(rest)
	if s.i += n + 1; n == len(rest) || rest[n] != '"' || !s.accept(':') {
		return nil
	}
	return rest[:n]
}

// A member is a text member of an object, with the field to store it in.
type member struct {
	name string
	to   *Text
}

// object reads an object that has only the given members, each at most once.
// The texts must be zero. Those of absent members stay zero.
func (s *scanner) object(members []member) bool {
	if !s.accept('{') {
		return false
	}
	if s.skip() == '}' {
		s.i++
		return true
	}
	seen := 0 // one bit for each member
	for {
		i := find(members, s.key())
		if i < 0 || seen>>i&1 == 1 || !s.value(members[i].to) {
			return false
		}
		seen |= 1 << i
		if s.accept('}') {
			return true
		}
		if !s.accept(',') {
			return false
		}
	}
}

func find(members []member, name []byte) int {
	for i := range members {
		if members[i].name == string(name) {
			return i
		}
	}
	return -1
}

// value reads a string or null into t, which must be zero.
func (s *scanner) value(t *Text) bool {
	switch s.skip() {
	case '"':
		s.i++
		t.Kind = Valid
		return s.string(&t.V)
	case 'n':
		null := bytes.HasPrefix(s.b[s.i:], []byte("null"))
		s.i += len("null")
		return null // t stays absent
	}
	return false
}

// string reads the rest of a string, after its opening quote.
func (s *scanner) string(v *string) bool {
	rest := s.b[s.i:]
	n := plain(rest)
	if n == len(rest) {
		return false
	}
	if rest[n] == '"' {
		s.i += n + 1
		*v = alias(rest[:n])
		return true
	}
	return s.specialString(v, n)
}

// specialString reads the rest of a string whose first n bytes are plain and
// whose next byte is not.
func (s *scanner) specialString(v *string, n int) bool {
	rest, escaped := s.b[s.i:], false
	for ; ; n++ {
		switch {
		case n >= len(rest) || rest[n] < ' ':
			return false
		case rest[n] == '\\':
			escaped = true
			n++
			continue
		case rest[n] != '"':
			continue
		}
		break
	}
	quoted := s.b[s.i-1 : s.i+n+1]
	s.i += n + 1
	if escaped {
		return s.unquote(v, quoted)
	}
	*v = alias(rest[:n])
	return utf8.Valid(rest[:n])
}

// unquote reads a string with escapes. The unescaped text is never longer than
// the escaped one, so the buffer grows at most once for a body.
func (s *scanner) unquote(v *string, quoted []byte) bool {
	if cap(*s.text) < len(s.b) {
		*s.text = make([]byte, 0, len(s.b))
	}
	n := len(*s.text)
	text, err := jsontext.AppendUnquote(*s.text, quoted)
	*s.text = text
	*v = alias(text[n:])
	return err == nil
}

// list reads an array of 1 to most items into l. The limit bounds the memory
// that a [Decoder] keeps. The memory of l is reused. It is zero beyond the items
// that were read.
func list[T any](s *scanner, l *List[T], most int, item func(*scanner, *T) bool) bool {
	if l.V == nil {
		l.V = make([]T, 0, most)
	}
	l.Kind = Valid
	if !s.accept('[') {
		return false
	}
	for n := range most {
		l.V = l.V[:n+1]
		switch {
		case !item(s, &l.V[n]):
			return false
		case s.accept(']'):
			return true
		case !s.accept(','):
			return false
		}
	}
	return false
}

// alias returns b as a string without copying it. The string changes if b
// changes.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf returns the bytes of s without copying them. The caller must not
// change them.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// plain returns the number of bytes at the start of b that are ASCII and need
// no escape in a JSON string.
func plain(b []byte) int {
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		if special := specialBytes(binary.LittleEndian.Uint64(b[n:])); special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
	}
	for n < len(b) && ' ' <= b[n] && b[n] < utf8.RuneSelf && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// specialBytes looks at the eight bytes of x, the lowest first. It returns 0 if
// all are plain. Otherwise the lowest bit that is set in the result belongs to
// the first byte that is not plain. The bits above it have no meaning, because
// a subtraction may borrow from the bytes above.
func specialBytes(x uint64) uint64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	quote, slash := x^(ones*'"'), x^(ones*'\\')
	control := (x - ones*' ') &^ x
	return (x | control | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}
