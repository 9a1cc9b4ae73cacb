package pseudonym

import (
	"maps"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A kind is a set of characters that replace each other. All of them have the same number
// of bytes in UTF-8.
type kind struct {
	id    byte // tells the kinds of ASCII apart; others are told apart by their first character
	chars []rune
}

// index returns the position of r in k.
func (k *kind) index(r rune) uint32 {
	i, _ := slices.BinarySearch(k.chars, r)
	return uint32(i)
}

// Kinds of ASCII. A first digit is not 0, and hexadecimal letters occur in escapes of
// URLs.
var (
	digits     = span('0', '0', '9')
	firstDigit = span('1', '1', '9')
	lower      = span('a', 'a', 'z')
	upper      = span('A', 'A', 'Z')
	hexLower   = span('f', 'a', 'f')
	hexUpper   = span('F', 'A', 'F')
)

func span(id byte, from, to rune) *kind {
	k := &kind{id: id}
	for r := from; r <= to; r++ {
		k.chars = append(k.chars, r)
	}
	return k
}

// kindOf returns the kind of r, or nil if r stays as it is.
func kindOf(r rune) *kind {
	switch {
	case 'a' <= r && r <= 'z':
		return lower
	case 'A' <= r && r <= 'Z':
		return upper
	case '0' <= r && r <= '9':
		return digits
	case r < utf8.RuneSelf || r == utf8.RuneError:
		return nil
	}
	script, c := scriptOf(r), categoryOf(r)
	if script == "" || c == kept {
		return nil
	}
	k := kindsOf(script)[group{c, utf8.RuneLen(r)}]
	if k == nil || len(k.chars) < 2 {
		return nil
	}
	return k
}

// A category divides the characters of a script.
type category byte

// Categories.
const (
	kept category = iota
	upperCase
	lowerCase
	letter // of a script without cases
	mark   // that belongs to a letter
	number
	symbol // such as an emoji
)

func categoryOf(r rune) category {
	switch {
	case unicode.IsUpper(r), unicode.IsTitle(r):
		return upperCase
	case unicode.IsLower(r):
		return lowerCase
	case unicode.IsLetter(r):
		return letter
	case unicode.IsMark(r) && !unicode.Is(unicode.Variation_Selector, r):
		return mark
	case unicode.IsNumber(r):
		return number
	case unicode.Is(unicode.So, r), unicode.Is(unicode.Sk, r):
		return symbol
	}
	return kept
}

// A group is a part of the characters of a script.
type group struct {
	category
	bytes int
}

var scriptNames = slices.Sorted(maps.Keys(unicode.Scripts))

// scriptOf returns the name of the script of r, or "".
func scriptOf(r rune) string {
	if unicode.Is(unicode.Han, r) {
		return "Han"
	}
	for _, name := range scriptNames {
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	return ""
}

// kinds caches the kinds of each script, by its name.
var kinds sync.Map

// kindsOf returns the kinds of a script.
func kindsOf(script string) map[group]*kind {
	if v, ok := kinds.Load(script); ok {
		return v.(map[group]*kind)
	}
	all := map[group]*kind{}
	for r := range runesOf(unicode.Scripts[script]) {
		c := categoryOf(r)
		if r < utf8.RuneSelf || r == utf8.RuneError || c == kept {
			continue
		}
		g := group{c, utf8.RuneLen(r)}
		if all[g] == nil {
			all[g] = new(kind)
		}
		all[g].chars = append(all[g].chars, r)
	}
	v, _ := kinds.LoadOrStore(script, all)
	return v.(map[group]*kind)
}

// runesOf iterates over the characters of t in ascending order.
func runesOf(t *unicode.RangeTable) func(yield func(rune) bool) {
	return func(yield func(rune) bool) {
		for _, r := range t.R16 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				if !yield(c) {
					return
				}
			}
		}
		for _, r := range t.R32 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				if !yield(c) {
					return
				}
			}
		}
	}
}
