package directory

import (
	"slices"
	"strings"

	"rollcall/internal/account"
)

// A wordList finds any of an app's sensitive words in a text. Nil finds none.
//
// The words are sorted, and none begins with another one, which would be found
// anyway. So at each position of a text one word alone can match: the last one
// that sorts before the rest of the text. That needs no memory beyond the words,
// and a list of 10,000 is ready in some milliseconds.
type wordList struct {
	words []string // in lower case
	from  [257]int // words[from[c]:from[c+1]] begin with the byte c
}

// newWordList returns the list of words. An empty one, which a stored record could
// hold, is in no text.
func newWordList(words []string) *wordList {
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
	l := new(wordList)
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

// wordsOf returns the words of app.
func (d *Directory) wordsOf(app *account.App) *wordList {
	if len(app.Settings.Words) == 0 {
		return nil
	}
	return d.words.Of(app)
}

// foundIn reports whether text holds a word, in any case.
func (l *wordList) foundIn(text string) bool {
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
func (l *wordList) begins(text string) bool {
	words := l.words[l.from[text[0]]:l.from[int(text[0])+1]]
	if len(words) == 0 {
		return false
	}
	i, found := slices.BinarySearch(words, text)
	return found || i > 0 && strings.HasPrefix(text, words[i-1])
}
