package pebble

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

// TestTidy leaves folds on each other and puts them in order.
func TestTidy(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	for i := range 3 * tidyFolds {
		for k := range 50 {
			_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: account.UserID(fmt.Sprint("u", k)), Nick: fmt.Sprint(i)}}, free)
			must(t, err)
		}
		fold(t, s)
	}
	if n := s.db.Metrics().Levels[0].Sublevels; n <= tidyFolds {
		t.Fatalf("%d folds lie on each other, want more", n)
	}
	s.folder.renewIndex = true
	must(t, one(t, s, "last", long))
	fold(t, s)
	want := list(t, s, account.ListQuery{Limit: 1000})
	must(t, newIdler(s.folder).tidy(nil))
	if n := tablesOf(t, s, journalSpace); n > 0 {
		t.Errorf("%d tables still hold what was folded", n)
	}
	if n := tablesOf(t, s, idSpace); n != 1 {
		t.Errorf("%d tables hold the index after it was written anew", n)
	}
	if n := s.db.Metrics().Levels[0].Sublevels; n > 0 {
		t.Errorf("%d folds lie on each other after tidying up", n)
	}
	if diff := cmp.Diff(want, list(t, s, account.ListQuery{Limit: 1000})); diff != "" {
		t.Errorf("after tidying up (-want +got):\n%s", diff)
	}
}

// tablesOf returns how many tables hold keys of a space.
func tablesOf(t *testing.T, s *Store, space byte) (n int) {
	t.Helper()
	lower, upper := spaceBounds(space)
	levels, err := s.db.SSTables(pebble.WithKeyRangeFilter(lower, upper))
	must(t, err)
	for _, level := range levels {
		n += len(level)
	}
	return n
}

// TestTick tells what is done when there is little load, and when there is more.
func TestTick(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem(), idleTick: time.Hour})
	defer func() { must(t, s.Close()) }()
	i := newIdler(s.folder)
	n := 0
	write := func(bytes int) {
		us := make([]account.Upsert, bytes/1000)
		for k := range us {
			n++
			us[k] = account.Upsert{ID: account.UserID(fmt.Sprintf("id-%06d", n)), FaceURL: strings.Repeat("x", 1000)}
		}
		_, err := s.Upsert(t.Context(), app, us, free)
		must(t, err)
	}
	const folded, tidied = "folded", "tidied"
	for _, tt := range []struct {
		what   string
		writes int // bytes before the tick
		want   []string
	}{
		{"nothing was ever written", 0, []string{}},
		{"load", 2 * foldLeast, []string{}},
		{"less, but something", idleBytes / 2, []string{}},
		{"nothing more", 0, []string{folded, tidied}},
		{"too little for a fold", foldLeast / 2, []string{}},
		{"and nothing more", 0, []string{}},
	} {
		write(tt.writes)
		before, _ := s.folder.journal()
		wasFolded, wasTidied := s.folder.folded.Load(), i.folded
		must(t, i.tick(nil))
		got := []string{}
		if s.folder.folded.Load() != wasFolded {
			got = append(got, folded)
		}
		if i.folded != wasTidied {
			got = append(got, tidied)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s, the journal ends at %d (-want +got):\n%s", tt.what, before, diff)
		}
	}
	kept := func() int { return len(s.view.current.kept) }
	if kept() == 0 {
		t.Error("nothing is kept after a fold")
	}
	write(2 * idleBytes)
	must(t, i.tick(nil))
	for range idleKeep - 1 {
		must(t, i.tick(nil))
	}
	if kept() == 0 {
		t.Errorf("what is kept is gone after %d ticks without load", idleKeep-1)
	}
	if must(t, i.tick(nil)); kept() > 0 {
		t.Errorf("what is kept stays after %d ticks without load", idleKeep)
	}
}
