package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// inside finds the first error of a body that begins with a brace.
func inside(body []byte) string {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	for {
		_, err := dec.ReadToken()
		switch depth := dec.StackDepth(); {
		case errors.Is(err, jsontext.ErrDuplicateName):
			e, _ := errors.AsType[*jsontext.SyntacticError](err)
			return fmt.Sprintf("the body has %s twice, again at byte %d; send each key once", pathOf(e.JSONPointer), errorPosition(body, dec).at+1)
		case err == io.EOF:
			return ErrJSON.Error() // no known error
		case err != nil:
			return errorPosition(body, dec).diagnose(body)
		case depth > MaxDepth:
			return fmt.Sprintf("the body is nested deeper than %d levels, at byte %d; send flat data", MaxDepth, dec.InputOffset())
		case depth == 0:
			return after(body, int(dec.InputOffset()))
		}
	}
}

// after diagnoses what follows the object that ends at the offset end.
func after(body []byte, end int) string {
	at := skipSpace(body, end)
	if at == len(body) {
		return ErrJSON.Error() // no known error
	}
	if diagnosis := lookalike(body, at); diagnosis != "" {
		return diagnosis
	}
	switch c := body[at]; c {
	case '{':
		return fmt.Sprintf("a second object begins at byte %d; send one object in a call", at+1)
	case '}', ']':
		return fmt.Sprintf("byte %d is a %c too many; remove it", at+1, c)
	default:
		return fmt.Sprintf("byte %d, %s, comes after the end of the object; send nothing after it", at+1, showByte(c))
	}
}

// An expectation is the token that the grammar allows at a position.
type expectation uint8

const (
	wantKey   expectation = iota // or the end of an object without members
	wantColon                    // after a key
	wantValue                    // or the end of an array without items
	wantComma                    // or the end of the object or array
)

// A position is the place where a body stops being valid JSON.
type position struct {
	at        int // offset of the first unexpected byte; the length of the body if it ends early
	want      expectation
	comma     bool // whether a comma comes before
	container jsontext.Kind
	open      int // number of open brackets
}

// errorPosition returns the position after the last token that dec read.
func errorPosition(body []byte, dec *jsontext.Decoder) position {
	p := position{at: skipSpace(body, int(dec.InputOffset())), open: dec.StackDepth()}
	var n int64
	p.container, n = dec.StackIndex(dec.StackDepth())
	switch {
	case p.container == jsontext.KindBeginObject && n%2 == 1:
		p.want = wantColon
		p.skipMark(body, ':', wantValue)
	case n > 0:
		p.want = wantComma
		p.comma = p.skipMark(body, ',', wantKey)
		if p.comma && p.container == jsontext.KindBeginArray {
			p.want = wantValue
		}
	case p.container == jsontext.KindBeginArray:
		p.want = wantValue
	}
	return p
}

// skipMark moves p past the byte c, if it is the next one, and sets what is
// expected there to want. It reports whether it moved.
func (p *position) skipMark(body []byte, c byte, want expectation) bool {
	if p.at == len(body) || body[p.at] != c {
		return false
	}
	p.at, p.want = skipSpace(body, p.at+1), want
	return true
}

func skipSpace(body []byte, at int) int {
	rest := bytes.TrimLeft(body[at:], " \t\r\n")
	return len(body) - len(rest)
}

// diagnose says what is wrong at p.
func (p position) diagnose(body []byte) string {
	if p.at >= len(body) {
		return endsEarly(body, plural(p.open, "bracket")+" open")
	}
	c := body[p.at]
	if c == '"' && (p.want == wantKey || p.want == wantValue) {
		if diagnosis := inString(body, p.at); diagnosis != "" {
			return diagnosis
		}
	}
	if diagnosis := lookalike(body, p.at); diagnosis != "" {
		return diagnosis
	}
	switch p.want {
	case wantKey:
		return p.inPlaceOfKey(body, c)
	case wantColon:
		return fmt.Sprintf("byte %d is %s, where a colon must follow the key; write {\"key\":value}", p.at+1, showByte(c))
	case wantValue:
		return p.inPlaceOfValue(body, c)
	}
	return p.inPlaceOfComma(body, c)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "with 1 " + noun
	}
	return fmt.Sprintf("with %d %ss", n, noun)
}

// endsEarly describes a body that ends before its object is complete.
func endsEarly(body []byte, where string) string {
	return fmt.Sprintf("the body ends early, at byte %d, %s; it was cut, or its Content-Length is too small", len(body), where)
}

func (p position) inPlaceOfKey(body []byte, c byte) string {
	switch name := word(body[p.at:]); {
	case c == '}' && p.comma:
		return fmt.Sprintf("byte %d ends an object after a comma; remove the comma", p.at+1)
	case name != "":
		return fmt.Sprintf("the key %s at byte %d is not quoted; write \"%s\"", name, p.at+1, name)
	}
	return fmt.Sprintf("byte %d is %s, where a key in double quotes must stand; correct it", p.at+1, showByte(c))
}

func (p position) inPlaceOfValue(body []byte, c byte) string {
	switch {
	case (c == ']' || c == '}') && p.comma:
		return fmt.Sprintf("byte %d ends an array after a comma; remove the comma", p.at+1)
	case c == '}' || c == ',' || c == ']':
		return fmt.Sprintf("byte %d is %c, where a value must stand; write null or leave the key out", p.at+1, c)
	case '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.':
		return p.number(body)
	}
	name := word(body[p.at:])
	switch name {
	case "":
		return fmt.Sprintf("byte %d is %s, which begins no JSON value; quote texts with double quotes", p.at+1, showByte(c))
	case "None", "nil", "undefined", "NULL", "Null", "NaN", "Infinity":
		return fmt.Sprintf("byte %d begins %s, which is no JSON value; write null or leave the key out", p.at+1, name)
	case "True", "TRUE", "False", "FALSE":
		return fmt.Sprintf("byte %d begins %s, which is no JSON value; write it in lower case", p.at+1, name)
	}
	return fmt.Sprintf("byte %d begins %s, which is no JSON value; quote texts with double quotes", p.at+1, name)
}

// number describes a malformed number.
func (p position) number(body []byte) string {
	rest := body[p.at:]
	if len(rest) > 1 && word(rest[1:]) == "Infinity" {
		return fmt.Sprintf("byte %d begins Infinity, which is no JSON value; write null or leave the key out", p.at+1)
	}
	return fmt.Sprintf("the number stops being one of JSON at byte %d, %s; write it like -12.5e3, or quote it", p.at+1, showByte(body[p.at]))
}

func (p position) inPlaceOfComma(body []byte, c byte) string {
	switch last := body[p.at-1]; { // the last byte of the value
	case '0' <= last && last <= '9' && c != '"' && c > ' ' && c != '}' && c != ']':
		return p.number(body)
	case c == '}' || c == ']':
		return fmt.Sprintf("byte %d is %c, but %c was opened last; close that first", p.at+1, c, rune(p.container))
	case c == '"' || c == '{' || c == '[':
		return fmt.Sprintf("a comma is missing before byte %d; separate values with commas", p.at+1)
	}
	return fmt.Sprintf("byte %d is %s, after a value; a comma is missing, or a quote inside a text is not escaped as \\\"", p.at+1, showByte(c))
}

// lookalikes are characters outside JSON that look like those of JSON or are
// common in other languages.
var lookalikes = []struct {
	chars      []rune
	name, cure string
}{
	{[]rune{'\''}, "a single quote", "JSON takes double quotes, and the text of a Python dict is not JSON"},
	{[]rune("“”„‘’«»＂＇"), "a typographic quote", "write \""},
	{[]rune("：，｛｝［］；"), "a full-width punctuation mark", "write it in ASCII"},
	{[]rune{0xa0, 0x3000, 0x200b, 0xfeff, 0x2028, 0x2029, 0x0b, 0x0c}, "an invisible character", "use ordinary spaces"},
	{[]rune{0}, "a zero byte", "send the text without the zero that ends it in C"},
	{[]rune{'#'}, "a comment", "JSON has none"},
	{[]rune{'`'}, "a backquote", "write \""},
}

// lookalike diagnoses a character that may not stand outside of texts in JSON,
// but is common in other languages or looks like one of JSON. It returns "" for
// any other character.
func lookalike(body []byte, at int) string {
	r, size := utf8.DecodeRune(body[at:])
	if r == utf8.RuneError && size == 1 {
		return badUTF8(body, at)
	}
	for _, o := range lookalikes {
		if slices.Contains(o.chars, r) {
			return fmt.Sprintf("byte %d is %s; %s", at+1, o.name, o.cure)
		}
	}
	if rest := body[at:]; r == '/' && len(rest) > 1 && (rest[1] == '/' || rest[1] == '*') {
		return fmt.Sprintf("byte %d is a comment; JSON has none", at+1)
	}
	return ""
}
