package account

import (
	"slices"
	"strings"
)

// A WordList finds the sensitive words of an app in a text. A nil list finds none.
//
// The words are sorted. A word that begins with another word is left out, because the
// other word is found anyway. At each position of a text, only one word can match: the
// last word that sorts before the rest of the text. The list needs no memory beyond the
// words, and is built from 10,000 words in a few milliseconds.
type WordList struct {
	words []string // in lower case
	from  [257]int // words[from[c]:from[c+1]] begin with the byte c
}

// NewWordList returns the list of words. It leaves out empty words, which a stored record
// could contain.
func NewWordList(words []string) *WordList {
	lower := make([]string, 0, len(words))
	for _, w := range words {
		if w != "" {
			lower = append(lower, strings.ToLower(w))
		}
	}
	if len(lower) == 0 {
		return nil
	}
	slices.Sort(lower)
	l := new(WordList)
	for i, w := range lower {
		if i > 0 && strings.HasPrefix(w, l.words[len(l.words)-1]) {
			continue
		}
		l.words = append(l.words, w)
		l.from[int(w[0])+1]++
	}
	for c := range 256 {
		l.from[c+1] += l.from[c]
	}
	return l
}

// FoundIn reports whether text contains a word. It ignores case.
func (l *WordList) FoundIn(text string) bool {
	if l == nil {
		return false
	}
	text = strings.ToLower(text)
	for i := range len(text) {
		if l.begins(text[i:]) {
			return true
		}
	}
	return false
}

// begins reports whether text, which is not empty, begins with a word.
func (l *WordList) begins(text string) bool {
	words := l.words[l.from[text[0]]:l.from[int(text[0])+1]]
	if len(words) == 0 {
		return false
	}
	i, found := slices.BinarySearch(words, text)
	return found || i > 0 && strings.HasPrefix(text, words[i-1])
}
