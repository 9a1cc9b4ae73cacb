package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// inString finds the first error in the string whose opening quote is at the
// offset open. It returns "" if there is none.
func inString(body []byte, open int) string {
	for i := open + 1; i < len(body); {
		c := body[i]
		switch {
		case c == '"':
			return ""
		case c < ' ':
			return fmt.Sprintf("byte %d is a raw %s inside a text; write %s", i+1, controlName(c), escapeOf(c))
		case c == '\\':
			n, diagnosis := escape(body, i)
			if diagnosis != "" {
				return diagnosis
			}
			i += n
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRune(body[i:])
			if r == utf8.RuneError && size == 1 {
				return badUTF8(body, i)
			}
			i += size
		}
	}
	return endsEarly(body, fmt.Sprintf("inside the text that begins at byte %d", open+1))
}

func controlName(c byte) string {
	switch c {
	case '\n':
		return "line feed"
	case '\r':
		return "carriage return"
	case '\t':
		return "tab"
	}
	return fmt.Sprintf("control character 0x%02X", c)
}

func escapeOf(c byte) string {
	switch c {
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	return fmt.Sprintf(`\u%04x`, c)
}

// escape reads the escape at i. It returns its length, or says what is wrong
// with it.
func escape(body []byte, i int) (n int, diagnosis string) {
	rest := body[i:]
	if len(rest) < 2 {
		return len(rest), "" // the body ends early, which the caller reports
	}
	if rest[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, rest[1]) < 0 {
			return 0, fmt.Sprintf(`byte %d begins the escape \%s, which JSON does not have; write \\ for a backslash`, i+1, showByte(rest[1]))
		}
		return 2, ""
	}
	unit, n := hexUnit(rest)
	switch {
	case n < 6 && n == len(rest):
		return n, "" // the body ends early, which the caller reports
	case n < 6:
		return 0, fmt.Sprintf(`byte %d begins a \u without four hexadecimal digits; write \u0041, or \\ for a backslash`, i+1)
	case !utf16.IsSurrogate(unit):
		return 6, ""
	}
	second, n := hexUnit(rest[6:])
	if unit < 0xdc00 && (6+n == len(rest) || utf16.DecodeRune(unit, second) != utf8.RuneError) {
		return 6 + n, ""
	}
	return 0, fmt.Sprintf("byte %d begins half of a character, a surrogate without the other one; do not cut texts between the two", i+1)
}

// hexUnit reads \uXXXX. It returns the number of its bytes that are present,
// and the UTF-16 unit if all six are.
func hexUnit(b []byte) (unit rune, n int) {
	for n < 6 && n < len(b) {
		digit, err := strconv.ParseUint(string(b[n]), 16, 8)
		switch {
		case n < 2 && b[n] != `\u`[n], n >= 2 && err != nil:
			return 0, n
		case n >= 2:
			unit = unit<<4 | rune(digit)
		}
		n++
	}
	return unit, n
}

// badUTF8 describes the byte at i, which is the first that is not UTF-8.
func badUTF8(body []byte, i int) string {
	where := fmt.Sprintf("byte %d (0x%02X) is not UTF-8", i+1, body[i])
	switch {
	case cutCharacter(body, i):
		return where + ": a character was cut there; cut texts between characters, not between bytes"
	case likeGBK(body):
		return where + ": the text looks like GBK; encode it in UTF-8"
	}
	return where + ": the text looks like Latin-1 or another encoding; encode it in UTF-8"
}

// cutCharacter reports whether a character of UTF-8 begins at i and was cut
// off. That is the case if at least its second byte follows, or if the body
// contains other complete characters.
func cutCharacter(body []byte, i int) bool {
	if body[i] < 0xc2 || body[i] > 0xf4 {
		return false
	}
	if body[i] >= 0xe0 && i+1 < len(body) && body[i+1]&0xc0 == 0x80 {
		// A second byte of GBK may look the same, but then a third does too.
		return i+2 == len(body) || body[i+2] < utf8.RuneSelf
	}
	return bytes.ContainsFunc(body, func(r rune) bool { return r >= utf8.RuneSelf && r != utf8.RuneError })
}

// likeGBK reports whether most runs of bytes beyond ASCII have an even length.
// Characters of GBK have two bytes, while letters of Latin-1 mostly stand
// alone.
func likeGBK(body []byte) bool {
	evenRuns, oddRuns, run := 0, 0, 0
	for _, c := range append(body[:len(body):len(body)], 0) {
		switch {
		case c >= utf8.RuneSelf:
			run++
		case run == 0:
		case run%2 == 0:
			evenRuns, run = evenRuns+1, 0
		default:
			oddRuns, run = oddRuns+1, 0
		}
	}
	return evenRuns > oddRuns
}

// pathOf writes a JSON pointer in the notation of program code:
// AccountList[3].Nick. It keeps only the end of a long path.
func pathOf(p jsontext.Pointer) string {
	const longest = 80
	var b strings.Builder
	for token := range p.Tokens() {
		_, err := strconv.ParseUint(token, 10, 32)
		switch {
		case err == nil && b.Len() > 0:
			b.WriteString("[" + token + "]")
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		b.WriteString(keyName(token))
	}
	path := b.String()
	if len(path) > longest {
		path = "..." + path[len(path)-longest:]
	}
	return path
}

// keyName returns a key for use in a sentence. It is quoted unless it is a
// plain name, and cut if it is long.
func keyName(key string) string {
	const longest = 32
	plainName := key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return r >= utf8.RuneSelf || !isLetter(byte(r)) && (r < '0' || r > '9')
	})
	switch {
	case len(key) > longest:
		return strconv.QuoteToASCII(strings.ToValidUTF8(key[:longest/2], "")) + "..."
	case plainName:
		return key
	}
	return cutQuote(strconv.QuoteToASCII(key))
}

// cutQuote cuts a key that escapes have lengthened.
func cutQuote(quoted string) string {
	const longest = 64
	if len(quoted) > longest {
		return quoted[:longest] + `..."`
	}
	return quoted
}
