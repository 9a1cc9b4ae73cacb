package pseudonym

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// badByte replaces each byte that is not part of UTF-8. Such bytes are mostly text in
// another encoding.
const badByte = 0xff

var (
	// scheme matches the beginning of a URL that stays.
	scheme = regexp.MustCompile(`^(?i:https?|ftp|wss?)://`)
	// prefix matches what the service puts in front of ids of its own, such as @TLS#.
	prefix = regexp.MustCompile(`^[@#](?:TLS|TOA|RBT|TGS|TPNS)#`)
)

// Text returns the pseudonym of s.
func (k *Key) Text(s string) string {
	start, url := len(prefix.FindString(s)), false
	if start == 0 {
		start = len(scheme.FindString(s))
		url = start > 0
	}
	p := &parts{url: url}
	p.form = append(p.form, s[:start]...)
	p.form = append(p.form, 0)
	rest := s[start:]
	for i, r := range rest {
		if r == utf8.RuneError && !strings.HasPrefix(rest[i:], "\ufffd") {
			p.keep(badByte)
			continue
		}
		p.addKind(r, p.kindAt(r))
	}
	k.replace(&p.word)
	return s[:start] + p.text()
}

// parts are the characters of a text with the kinds of those that are replaced.
type parts struct {
	word
	url    bool    // escapes such as %C3 stay escapes
	escape int     // number of characters that still belong to an escape
	kinds  []*kind // nil for a kept character
	kept   []rune  // -1 for a byte that is not part of UTF-8
}

// keep adds a byte that is not part of UTF-8.
func (p *parts) keep(b byte) {
	p.kinds = append(p.kinds, nil)
	p.kept = append(p.kept, -1)
	p.form = append(p.form, b)
}

// kindAt returns the kind of r at the end of p.
func (p *parts) kindAt(r rune) *kind {
	if p.url && r == '%' {
		p.escape = 2
		return nil
	}
	if p.escape > 0 {
		p.escape--
		switch {
		case 'a' <= r && r <= 'f':
			return hexLower
		case 'A' <= r && r <= 'F':
			return hexUpper
		}
	}
	return kindOf(r)
}

// addKind adds the character r of the kind k.
func (p *parts) addKind(r rune, k *kind) {
	p.kinds = append(p.kinds, k)
	p.kept = append(p.kept, r)
	if k == nil {
		p.form = utf8.AppendRune(append(p.form, 1), r)
		return
	}
	p.form = utf8.AppendRune(append(p.form, 2, k.id), k.chars[0])
	p.digits = append(p.digits, k.index(r))
	p.radixes = append(p.radixes, uint32(len(k.chars)))
}

// text returns the text that p stands for.
func (p *parts) text() string {
	var b strings.Builder
	next := 0
	for i, k := range p.kinds {
		switch {
		case k != nil:
			b.WriteRune(k.chars[p.digits[next]])
			next++
		case p.kept[i] < 0:
			b.WriteByte(badByte)
		default:
			b.WriteRune(p.kept[i])
		}
	}
	return b.String()
}
