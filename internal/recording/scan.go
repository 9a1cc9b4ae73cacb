package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A rewriter decides what takes the place of the parts of a body. The field is the name
// of the innermost member that a value belongs to.
type rewriter interface {
	name(name string) string
	text(field, text string) string
	number(field, number string) string
	bare(word string) string // what is neither JSON nor white space
}

// maxDepth is the depth up to which values are assigned to fields.
const maxDepth = 256

// A scanner rewrites a body. It reads JSON, and also what is almost JSON, because
// malformed requests are worth recording: it finds a part for every byte.
type scanner struct {
	rewriter
	in    []byte
	out   bytes.Buffer
	stack []frame
	deep  int // containers beyond maxDepth
}

// A frame is an object or an array around the current position.
type frame struct {
	object bool
	named  bool   // the name of the member was read, its value follows
	field  string // name of the member, or that of the array
}

// rewrite returns body with its parts replaced by those that r returns.
func rewrite(body []byte, r rewriter) []byte {
	s := &scanner{rewriter: r, in: body}
	s.out.Grow(len(body))
	for len(s.in) > 0 {
		s.next()
	}
	return s.out.Bytes()
}

// next rewrites one token.
func (s *scanner) next() {
	switch c := s.in[0]; c {
	case '{', '[':
		s.copy(1)
		s.push(c == '{')
	case '}', ']':
		s.copy(1)
		s.pop()
	case ',':
		s.copy(1)
		s.top().named = false
	case ':', ' ', '\t', '\n', '\r':
		s.copy(1)
	case '"':
		s.quoted()
	default:
		s.word()
	}
}

func (s *scanner) copy(n int) {
	s.out.Write(s.in[:n])
	s.in = s.in[n:]
}

// top returns the innermost frame, or an empty one outside of all.
func (s *scanner) top() *frame {
	if len(s.stack) == 0 {
		return new(frame)
	}
	return &s.stack[len(s.stack)-1]
}

func (s *scanner) push(object bool) {
	if len(s.stack) == maxDepth {
		s.deep++
		return
	}
	s.stack = append(s.stack, frame{object: object, field: s.top().field})
}

func (s *scanner) pop() {
	switch {
	case s.deep > 0:
		s.deep--
	case len(s.stack) > 0:
		s.stack = s.stack[:len(s.stack)-1]
	}
}

// quoted rewrites a string, which is the name of a member or a value.
func (s *scanner) quoted() {
	end, whole := endOfString(s.in)
	source := s.in[1:end]
	text := unquote(source)
	var changed string
	if top := s.top(); top.object && !top.named && colonFollows(s.in[end:]) {
		top.named, top.field = true, text
		changed = s.name(text)
	} else {
		changed = s.text(s.top().field, text)
	}
	s.out.WriteByte('"')
	s.out.Write(requote(source, text, changed))
	s.in = s.in[end:]
	if whole {
		s.copy(1)
	}
}

// endOfString returns the position of the quote that ends the string at the beginning of
// b, or the length of b if none does.
func endOfString(b []byte) (end int, whole bool) {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i, true
		}
	}
	return len(b), false
}

// colonFollows reports whether a colon is the first after the byte that b begins with.
func colonFollows(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	rest := bytes.TrimLeft(b[1:], " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

// literals are those of JSON, and what programs write by mistake in their place.
var literals = map[string]bool{
	"true": true, "false": true, "null": true,
	"none": true, "nil": true, "nan": true, "undefined": true, "infinity": true, "-infinity": true,
}

// word rewrites a number, a literal, or anything else up to the next token.
func (s *scanner) word() {
	n := bytes.IndexAny(s.in, "{}[],:\" \t\r\n")
	if n < 0 {
		n = len(s.in)
	}
	word := string(s.in[:n])
	switch top := s.top(); {
	case literals[strings.ToLower(word)]:
	case top.object && !top.named && colonFollows(s.in[n-1:]):
		top.named, top.field = true, word
		word = s.name(word)
	case isNumber(word):
		word = s.number(top.field, word)
	default:
		word = s.bare(word)
	}
	s.out.WriteString(word)
	s.in = s.in[n:]
}

// isNumber reports whether word is a number in JSON.
func isNumber(word string) bool {
	return (word[0] == '-' || '0' <= word[0] && word[0] <= '9') && json.Valid([]byte(word))
}

// unquote returns the text of source, the inside of a string. What is not valid in JSON
// stands for itself.
func unquote(source []byte) string {
	var b []byte
	for len(source) > 0 {
		r, n := nextRune(source)
		if r == malformed {
			b = append(b, source[0])
		} else {
			b = utf8.AppendRune(b, r)
		}
		source = source[n:]
	}
	return string(b)
}

// malformed stands for a byte that is not part of UTF-8, and for a backslash and a letter
// that are no escape.
const malformed rune = -1

// nextRune returns the first character of source and the number of its bytes there.
func nextRune(source []byte) (r rune, n int) {
	if source[0] == '\\' && len(source) > 1 {
		switch c := source[1]; c {
		case '"', '\\', '/':
			return rune(c), 2
		case 'b', 'f', 'n', 'r', 't':
			return rune(map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[c]), 2
		case 'u':
			return escaped(source)
		}
		if source[1] < utf8.RuneSelf {
			return malformed, 2
		}
	}
	r, n = utf8.DecodeRune(source)
	if r == utf8.RuneError && n == 1 {
		return malformed, 1
	}
	return r, n
}

// escaped returns the character of an escape such as \u4f60 or of a pair of them.
func escaped(source []byte) (rune, int) {
	high, ok := hex4(source)
	if !ok {
		return malformed, 2
	}
	if !utf16.IsSurrogate(high) {
		return high, 6
	}
	if low, ok := hex4(source[6:]); ok {
		if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
			return r, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 reads \uXXXX.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}

// requote returns the inside of a string for changed, which takes the place of text. If
// both have as many characters, each character has the form that it has in source.
func requote(source []byte, text, changed string) []byte {
	if utf8.RuneCountInString(text) != utf8.RuneCountInString(changed) {
		b, _ := line(changed) // a text always encodes
		return b[1 : len(b)-2]
	}
	var b []byte
	for _, r := range changed {
		old, n := nextRune(source)
		switch {
		case old == malformed && n == 2:
			b = append(b, `\q`...)
		case old == malformed:
			b = append(b, 0xff)
		case old == r:
			b = append(b, source[:n]...)
		case source[0] == '\\' && r <= 0xffff:
			b = fmt.Appendf(b, `\u%04x`, r)
		case source[0] == '\\':
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = utf8.AppendRune(b, r)
		}
		source = source[n:]
	}
	return b
}
