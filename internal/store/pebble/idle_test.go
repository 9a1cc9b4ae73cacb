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

// TestCompact compacts overlapping tables of several flushes.
func TestCompact(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	for i := range 3 * keptFlushes {
		for k := range 50 {
			_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: account.UserID(fmt.Sprint("u", k)), Nick: fmt.Sprint(i)}}, free)
			must(t, err)
		}
		flush(t, s)
	}
	if n := s.db.Metrics().Levels[0].Sublevels; n <= keptFlushes {
		t.Fatalf("%d overlapping flushes, want more", n)
	}
	s.flusher.renewIndex = true
	must(t, one(t, s, "last", long))
	flush(t, s)
	want := list(t, s, account.ListQuery{Limit: 1000})
	must(t, newIdler(s.flusher).compact(nil))
	if n := tablesOf(t, s, journalSpace); n > 0 {
		t.Errorf("%d tables still contain a flushed journal", n)
	}
	if n := tablesOf(t, s, idSpace); n != 1 {
		t.Errorf("%d tables contain the index after a rewrite, want 1", n)
	}
	if n := s.db.Metrics().Levels[0].Sublevels; n > 0 {
		t.Errorf("%d overlapping flushes after compaction, want none", n)
	}
	if diff := cmp.Diff(want, list(t, s, account.ListQuery{Limit: 1000})); diff != "" {
		t.Errorf("after compaction (-want +got):\n%s", diff)
	}
}

// tablesOf returns the number of tables with values of a space. It does not count a table
// that contains only deletions, because Pebble removes it in the background.
func tablesOf(t *testing.T, s *Store, space byte) (n int) {
	t.Helper()
	lower, upper := spaceBounds(space)
	levels, err := s.db.SSTables(pebble.WithKeyRangeFilter(lower, upper), pebble.WithProperties())
	must(t, err)
	for _, level := range levels {
		for _, table := range level {
			if table.Properties.NumEntries > table.Properties.NumDeletions {
				n++
			}
		}
	}
	return n
}

// TestTick checks which work the idler does under various loads, and when it releases the
// journal that is kept in memory.
func TestTick(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem(), idleTick: time.Hour})
	defer func() { must(t, s.Close()) }()
	i := newIdler(s.flusher)
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
	const flushed, compacted = "flushed", "compacted"
	for _, tt := range []struct {
		what   string
		writes int // bytes before the tick
		want   []string
	}{
		{"nothing was ever written", 0, []string{}},
		{"load", 2 * flushLeast, []string{}},
		{"little load", idleBytes / 2, []string{}},
		{"no load", 0, []string{flushed, compacted}},
		{"too little for a flush", flushLeast / 2, []string{}},
		{"no load again", 0, []string{}},
	} {
		write(tt.writes)
		before, _ := s.flusher.journal()
		wasFlushed, wasCompacted := s.flusher.flushed.Load(), i.flushed
		must(t, i.tick(nil))
		got := []string{}
		if s.flusher.flushed.Load() != wasFlushed {
			got = append(got, flushed)
		}
		if i.flushed != wasCompacted {
			got = append(got, compacted)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s, the journal ends at %d (-want +got):\n%s", tt.what, before, diff)
		}
	}
	kept := func() int { return len(s.view.current.kept) }
	if kept() == 0 {
		t.Error("no journal is kept after a flush")
	}
	write(2 * idleBytes)
	must(t, i.tick(nil))
	for range idleKeep - 1 {
		must(t, i.tick(nil))
	}
	if kept() == 0 {
		t.Errorf("the kept journal was released after %d ticks without load", idleKeep-1)
	}
	if must(t, i.tick(nil)); kept() > 0 {
		t.Errorf("the kept journal was not released after %d ticks without load", idleKeep)
	}
}

// TestKeptAfterTrickle flushes while there is little load and waits until there is none.
// The kept journal is released.
func TestKeptAfterTrickle(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem(), idleTick: time.Hour})
	defer func() { must(t, s.Close()) }()
	i := newIdler(s.flusher)
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
	for range idleKeep + 4 { // a start without load, or a trickle
		write(idleBytes / 2)
		must(t, i.tick(nil))
	}
	for range 2 * idleKeep { // nothing at all
		must(t, i.tick(nil))
	}
	if k := len(s.view.current.kept); k > 0 {
		t.Errorf("%d commits of the flushed journal are still kept after %d ticks without load", k, 2*idleKeep)
	}
}
