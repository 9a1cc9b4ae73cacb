package directory

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"rollcall/internal/account"
	"rollcall/internal/store/mem"
)

// TestWordList compares FoundIn with a search for each word.
func TestWordList(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("aAbÀ字符号İ")), 1, 5, -1)
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word, 0, 12).Draw(t, "words")
		text := rapid.StringOfN(rapid.RuneFrom([]rune("aAbBÀ字符号İ ")), 0, 12, -1).Draw(t, "text")
		want := slices.ContainsFunc(words, func(w string) bool {
			return strings.Contains(strings.ToLower(text), strings.ToLower(w))
		})
		if got := account.NewWordList(words).FoundIn(text); got != want {
			t.Errorf("FoundIn(%q) = %v with words %q, want %v", text, got, words, want)
		}
	})
}

// TestWordListFindsBytes checks texts that are not UTF-8, and words that begin with the
// smallest and largest bytes.
func TestWordListFindsBytes(t *testing.T) {
	l := account.NewWordList([]string{"\x00", "\U0010ffff", "ab", "abc", "zz"})
	for text, want := range map[string]bool{
		"": false, "a\x00": true, "x\U0010ffff": true, "xabd": true, "a": false, "zaz": false, "ZZ": true, "\xe4\xb8": false,
	} {
		if got := l.FoundIn(text); got != want {
			t.Errorf("FoundIn(%q) = %v, want %v", text, got, want)
		}
	}
}

// longestWords returns the maximum number of words, each of the maximum length.
func longestWords() []string {
	words := make([]string, account.MaxWords)
	for i := range words {
		words[i] = fmt.Sprintf("%0*d", account.MaxWordBytes, i*7919%account.MaxWords)
	}
	return words
}

// TestWordsAtStart sends a burst of calls to an app with the maximum number of words right
// after a start. The calls must not use more memory than a few times the words.
func TestWordsAtStart(t *testing.T) {
	const callers, most = 64, 64 << 20
	words := longestWords()
	used := allocated(func() { burst(t, callers, words) })
	if used > most {
		t.Errorf("%d callers allocated %d bytes, want at most %d", callers, used, most)
	}
	if used := allocated(func() { account.NewWordList(words) }); used > 4<<20 {
		t.Errorf("a list takes %d bytes, want at most 4 MiB", used)
	}
}

// burst sends concurrent calls to a directory with one app.
func burst(t *testing.T, callers int, words []string) {
	d := New(Options{Engine: new(mem.Store)})
	app, err := d.CreateApp(t.Context(), "test", account.App{
		ID: 1, Edition: account.Development, Settings: account.Settings{Words: words},
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			item := account.Upsert{ID: account.UserID(fmt.Sprint("u", i)), Nick: "x" + words[i]}
			results, err := d.Import(t.Context(), app, []account.Upsert{item})
			if err != nil || results[0].Code != account.SensitiveWord {
				t.Errorf("caller %d: %v, %v", i, results, err)
			}
		})
	}
	wg.Wait()
}

// allocated returns the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestWordsStay checks which changes of an app rebuild its list.
func TestWordsStay(t *testing.T) {
	d := New(Options{Engine: new(mem.Store)})
	create := func() *account.App {
		t.Helper()
		app, err := d.CreateApp(t.Context(), "test", account.App{
			ID: 1, Edition: account.Development, Settings: account.Settings{Words: []string{"a", "b"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return app
	}
	change := func(fn func(*account.App) error) *account.App {
		t.Helper()
		app, err := d.ChangeApp(t.Context(), "test", AppChange{App: 1, Action: "test", Apply: fn})
		if err != nil {
			t.Fatal(err)
		}
		return app
	}
	first := d.wordsOf(create())
	renamed := change(func(a *account.App) error { a.Name = "other"; return nil })
	if d.wordsOf(renamed) != first {
		t.Error("a change of the name rebuilt the list")
	}
	fewer := change(func(a *account.App) error { a.Settings.Words = []string{"a"}; return nil })
	if second := d.wordsOf(fewer); second == first || second.FoundIn("b") {
		t.Error("a change of the words did not rebuild the list")
	}
	if err := d.DeleteApp(t.Context(), "test", 1); err != nil {
		t.Fatal(err)
	}
	if again := d.wordsOf(create()); again == first || !again.FoundIn("b") {
		t.Error("the list of a deleted app was not removed")
	}
}

func BenchmarkWordList(b *testing.B) {
	l := account.NewWordList(longestWords())
	for name, text := range map[string]string{
		"name": "张伟 Zhang Wei", "digits": strings.Repeat("0", account.MaxValueBytes), "other": strings.Repeat("x", account.MaxValueBytes),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.FoundIn(text)
			}
		})
	}
}
