package recording

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/wire"
)

// Limits of [hider.info], in bytes.
const (
	maxInfo = 4 << 10 // a longer text is replaced as a whole
	minCut  = 4       // the shortest part of a text that is looked for
)

// info returns a text of the service about an error. It stays, except that texts of the
// exchange within it become their pseudonyms, and words that are parts of such texts in
// any case too, because services cut what they repeat. So do addresses of computers.
func (h *hider) info(s string) string {
	switch {
	case publicTexts().text[digitsAsN(s)]:
		return s
	case len(s) > maxInfo:
		return h.hide(s)
	}
	s = badBytes.ReplaceAllString(s, "0xFF")
	m := &masked{out: []byte(s), done: make([]bool, len(s))}
	longestFirst := func(a, b string) int { return len(b) - len(a) }
	for _, text := range slices.SortedFunc(maps.Keys(h.seen), longestFirst) {
		if !publicTexts().word[strings.ToLower(text)] {
			m.replace(s, text, h.seen[text])
		}
	}
	texts := strings.ToLower(strings.Join(slices.Collect(maps.Keys(h.seen)), "\n")) // no word has a line end
	for _, at := range words.FindAllStringIndex(s, -1) {
		word := s[at[0]:at[1]]
		if !m.done[at[0]] && (isAddress(word) || len(word) >= minCut && !publicTexts().word[strings.ToLower(word)] && strings.Contains(texts, strings.ToLower(word))) {
			m.put(at[0], h.key.Text(word))
		}
	}
	return string(m.out)
}

// isAddress reports whether word is an address of a computer, with or without a port.
func isAddress(word string) bool {
	_, err := netip.ParseAddr(word)
	if err != nil {
		_, err = netip.ParseAddrPort(word)
	}
	return err == nil
}

// badBytes matches a byte of a text in another encoding, which is 0xFF in a recording.
var badBytes = regexp.MustCompile(`0x[89A-Fa-f][0-9A-Fa-f]\b`)

// words matches what can be a part of a text of a user.
var words = regexp.MustCompile(`[\pL\pM\pN_@#./:%+~-]*[\pL\pM\pN_]`)

// A masked text remembers which bytes were replaced. A pseudonym has as many bytes as its
// original, so that positions stay.
type masked struct {
	out  []byte
	done []bool
}

// replace replaces text where it stands as a word of its own in s.
func (m *masked) replace(s, text, pseudonym string) {
	if len(pseudonym) != len(text) {
		return
	}
	for start := 0; start+len(text) <= len(s); {
		i := strings.Index(s[start:], text)
		if i < 0 {
			return
		}
		i += start
		start = i + len(text)
		if !m.done[i] && !m.done[start-1] && (len(text) >= 2*minCut || bounded(s, i, start)) {
			m.put(i, pseudonym)
		}
	}
}

func (m *masked) put(at int, pseudonym string) {
	copy(m.out[at:], pseudonym)
	for i := range len(pseudonym) {
		m.done[at+i] = true
	}
}

// bounded reports whether no letter and no digit is beside s[from:to].
func bounded(s string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:from])
	first, _ := utf8.DecodeRuneInString(s[from:])
	last, _ := utf8.DecodeLastRuneInString(s[:to])
	after, _ := utf8.DecodeRuneInString(s[to:])
	return !(inWord(before) && inWord(first)) && !(inWord(last) && inWord(after))
}

// inWord reports whether r is a letter or a digit of a script that separates words.
func inWord(r rune) bool {
	return r == '_' || (unicode.IsLetter(r) || unicode.IsDigit(r)) && !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// Texts of the protocol that are no user's.
type public struct {
	text map[string]bool // whole texts, with N for each number
	word map[string]bool // words in lower case
}

var publicTexts = sync.OnceValue(func() public {
	p := public{text: map[string]bool{"": true}, word: map[string]bool{}}
	add := func(text string) {
		for _, word := range words.FindAllString(text, -1) {
			p.word[strings.ToLower(word)] = true
		}
	}
	for _, row := range wire.Table {
		p.text[digitsAsN(row.Text)] = true
		add(row.Text)
		add(row.Advice)
	}
	for _, c := range wire.Commands {
		add(c.Service + " " + c.Name)
	}
	for _, fields := range [][]string{stateFields, errorFields, codeFields, idFields, {"Nick", "FaceUrl", "AccountList", "CheckItem", "DeleteItem", "ProfileItem", "Tag", "Value", "TagList"}} {
		add(strings.Join(fields, " "))
	}
	return p
})

var number = regexp.MustCompile(`[0-9]+`)

func digitsAsN(s string) string { return number.ReplaceAllString(s, "N") }
