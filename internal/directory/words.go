package directory

import (
	"strings"

	ahocorasick "github.com/BobuSumisu/aho-corasick"

	"rollcall/internal/account"
)

// A wordList finds any of an app's sensitive words in one pass. Nil finds
// none.
type wordList struct{ trie *ahocorasick.Trie }

func newWordList(app *account.App) wordList {
	if len(app.Settings.Words) == 0 {
		return wordList{}
	}
	b := ahocorasick.NewTrieBuilder()
	for _, w := range app.Settings.Words {
		b.AddString(strings.ToLower(w))
	}
	return wordList{b.Build()}
}

// wordsOf returns the words of app.
func (d *Directory) wordsOf(app *account.App) wordList {
	if len(app.Settings.Words) == 0 {
		return wordList{}
	}
	return d.words.Of(app)
}

// foundIn reports whether text holds a word, in any case.
func (l wordList) foundIn(text string) bool {
	return l.trie != nil && l.trie.MatchFirstString(strings.ToLower(text)) != nil
}
