package account_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/internal/account"
)

// newCounted returns a Derived that joins the words of an app, and the number of values
// that it has built.
func newCounted() (*account.Derived[string, string], *atomic.Int64) {
	builds := new(atomic.Int64)
	return account.NewDerived(
		func(a *account.App) []string { return a.Settings.Words },
		func(words []string) string {
			builds.Add(1)
			return fmt.Sprint(words)
		},
	), builds
}

func withWords(id account.AppID, words ...string) *account.App {
	return &account.App{ID: id, Settings: account.Settings{Words: words}}
}

// TestDerivedBuildsOnce checks that a value is built once if many callers need it at the
// same time.
func TestDerivedBuildsOnce(t *testing.T) {
	const callers = 64
	var calling, builds atomic.Int64
	d := account.NewDerived(
		func(a *account.App) []string { calling.Add(1); return a.Settings.Words },
		func([]string) int64 {
			for calling.Load() < callers {
				runtime.Gosched() // until all callers have started
			}
			return builds.Add(1)
		},
	)
	app := withWords(1, "a", "b")
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() { d.Of(app) })
	}
	wg.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times for %d callers, want once", n, callers)
	}
}

func TestDerivedFollowsContent(t *testing.T) {
	d, builds := newCounted()
	for i, step := range []struct {
		app    *account.App
		want   string
		builds int64
	}{
		{withWords(1, "a"), "[a]", 1},
		{withWords(1, "a"), "[a]", 1}, // another record, as after a change of the app's name
		{withWords(2, "b"), "[b]", 2},
		{withWords(1, "a", "c"), "[a c]", 3},
		{withWords(2, "b"), "[b]", 3},
		{withWords(1), "[]", 4},
		{withWords(1, "d"), "[d]", 5}, // as an app that was deleted and created again
	} {
		if got := d.Of(step.app); got != step.want || builds.Load() != step.builds {
			t.Errorf("step %d: Of = %q after %d builds, want %q after %d", i, got, builds.Load(), step.want, step.builds)
		}
	}
}

// TestDerivedOfSharedArray uses two lists of different lengths in the same array.
func TestDerivedOfSharedArray(t *testing.T) {
	d, _ := newCounted()
	words := []string{"a", "b"}
	for n, want := range []string{"[]", "[a]", "[a b]"} {
		if got := d.Of(withWords(1, words[:n]...)); got != want {
			t.Errorf("Of %d words = %q, want %q", n, got, want)
		}
	}
}

// TestDerivedComparesOnce checks that a call for the record of the last call allocates
// nothing and builds nothing.
func TestDerivedComparesOnce(t *testing.T) {
	d, _ := newCounted()
	first, renamed := withWords(1, "a"), withWords(1, "a")
	d.Of(first)
	d.Of(renamed)
	if n := testing.AllocsPerRun(100, func() { d.Of(renamed) }); n != 0 {
		t.Errorf("%v allocations for the record of the last call, want none", n)
	}
}

// TestDerivedDrops checks that Drop removes the value of a deleted app.
func TestDerivedDrops(t *testing.T) {
	d, builds := newCounted()
	app := withWords(1, "a")
	d.Of(app)
	d.Drop(1)
	d.Drop(1)
	d.Of(app)
	if n := builds.Load(); n != 2 {
		t.Errorf("%d builds with a Drop between two calls, want 2", n)
	}
}
