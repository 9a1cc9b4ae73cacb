package wire

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// A scanner reads JSON of the shapes that clients send all the time. Its
// methods return false for everything else, be it wrong or only unusual, and
// say nothing about it: what they refuse goes to the generic decoder. So they
// may be narrow, but must never accept what that one would not, nor read it
// differently.
type scanner struct {
	b    []byte
	i    int     // b[:i] has been read
	text *[]byte // what escaped texts stand for
}

// skip passes over white space and returns the byte after it without reading
// it. At the end of the body that is 0, which begins nothing.
func (s *scanner) skip() byte {
	for ; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// take reads c, after white space.
func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c { // few clients send white space
		s.i++
		return true
	}
	return s.takeLater(c)
}

func (s *scanner) takeLater(c byte) bool {
	if s.skip() != c {
		return false
	}
	s.i++
	return true
}

// end reports whether nothing but white space is left.
func (s *scanner) end() bool {
	s.skip()
	return s.i == len(s.b)
}

// key reads the name of a member, as it stands, and its colon. A name with an
// escape in it equals none that is looked for.
func (s *scanner) key() []byte {
	if !s.take('"') {
		return nil
	}
	rest := s.b[s.i:]
	n := plain(rest)
	if s.i += n + 1; n == len(rest) || rest[n] != '"' || !s.take(':') {
		return nil
	}
	return rest[:n]
}

// A member is a text of an object, and where it goes.
type member struct {
	name string
	to   *Text
}

// object reads an object that has no other members than these, and none twice.
// The texts must be zero; those without a member stay so.
func (s *scanner) object(members []member) bool {
	if !s.take('{') {
		return false
	}
	if s.skip() == '}' {
		s.i++
		return true
	}
	seen := 0 // a bit for each member
	for {
		i := find(members, s.key())
		if i < 0 || seen>>i&1 == 1 || !s.value(members[i].to) {
			return false
		}
		seen |= 1 << i
		if s.take('}') {
			return true
		}
		if !s.take(',') {
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

// value reads a string or null into t, which is zero.
func (s *scanner) value(t *Text) bool {
	switch s.skip() {
	case '"':
		s.i++
		t.Kind = Valid
		return s.string(&t.V)
	case 'n':
		null := bytes.HasPrefix(s.b[s.i:], []byte("null"))
		s.i += len("null")
		return null // and so absent
	}
	return false
}

// string reads the rest of a string.
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
	return s.oddString(v, n)
}

// oddString reads the rest of a string of which n bytes are plain and the next
// is not.
func (s *scanner) oddString(v *string, n int) bool {
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

// unquote reads a string with escapes. What they stand for is never longer than
// they are, so one growth does for a body.
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

// list reads an array of 1 to [MaxBatch] items into l. That bounds what a
// [Decoder] keeps. The memory of l is used again; it is all zero beyond what was
// read.
func list[T any](s *scanner, l *List[T], item func(*scanner, *T) bool) bool {
	if l.V == nil {
		l.V = make([]T, 0, MaxBatch)
	}
	l.Kind = Valid
	if !s.take('[') {
		return false
	}
	for n := range MaxBatch {
		l.V = l.V[:n+1]
		switch {
		case !item(s, &l.V[n]):
			return false
		case s.take(']'):
			return true
		case !s.take(','):
			return false
		}
	}
	return false
}

// alias returns the text of b without copying it. It changes if b does.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf returns the bytes of s without copying them. They must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// plain returns how many bytes at the start of b stand for themselves inside a
// JSON string and are ASCII.
func plain(b []byte) int {
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		if odd := oddBytes(binary.LittleEndian.Uint64(b[n:])); odd != 0 {
			return n + bits.TrailingZeros64(odd)/8
		}
	}
	for n < len(b) && ' ' <= b[n] && b[n] < utf8.RuneSelf && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// oddBytes returns a word in which the lowest bit that is set belongs to the
// first of eight bytes that is not plain; 0 if all are. The bits above it mean
// nothing, for a subtraction may borrow from the bytes above.
func oddBytes(x uint64) uint64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	quote, slash := x^(ones*'"'), x^(ones*'\\')
	control := (x - ones*' ') &^ x
	return (x | control | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}
