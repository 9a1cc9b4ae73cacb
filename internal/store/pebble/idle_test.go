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

// TestCompact leaves flushes on each other and puts them in order.
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
		t.Fatalf("%d flushes lie on each other, want more", n)
	}
	s.flusher.renewIndex = true
	must(t, one(t, s, "last", long))
	flush(t, s)
	want := list(t, s, account.ListQuery{Limit: 1000})
	must(t, newIdler(s.flusher).compact(nil))
	if n := tablesOf(t, s, journalSpace); n > 0 {
		t.Errorf("%d tables still hold what was flushed", n)
	}
	if n := tablesOf(t, s, idSpace); n != 1 {
		t.Errorf("%d tables hold the index after it was written anew", n)
	}
	if n := s.db.Metrics().Levels[0].Sublevels; n > 0 {
		t.Errorf("%d flushes lie on each other after compaction", n)
	}
	if diff := cmp.Diff(want, list(t, s, account.ListQuery{Limit: 1000})); diff != "" {
		t.Errorf("after compaction (-want +got):\n%s", diff)
	}
}

// tablesOf returns how many tables hold values of a space. It does not count a table that
// only deletes: Pebble removes that in the background.
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

// TestTick tells what is done when there is little load, and when there is more.
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
		{"less, but something", idleBytes / 2, []string{}},
		{"nothing more", 0, []string{flushed, compacted}},
		{"too little for a flush", flushLeast / 2, []string{}},
		{"and nothing more", 0, []string{}},
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
		t.Error("nothing is kept after a flush")
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
