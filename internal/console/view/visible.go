package view

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible returns s with what cannot be seen, or changes the direction of other text, in
// the form <U+202E>. Bytes that are no UTF-8 are shown as <0xFF>.
func visible(s string) string {
	if !strings.ContainsFunc(s, hides) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, "<0x%02X>", s[i])
		case hides(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hides reports whether r cannot be seen or changes the direction of text. The joiner of
// emoji stays.
func hides(r rune) bool {
	const joiner = '\u200d'
	return r != joiner && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
