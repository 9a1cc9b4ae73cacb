package pebble

import (
	"fmt"
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
	tidier := &tidier{s: s}
	must(t, tidier.tidy(nil, s.folder.folded.Load()))
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

// TestTidyDue tells when there is something to put in order.
func TestTidyDue(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, tt := range []struct {
		folded int64
		after  time.Duration
		want   bool
	}{
		{7, time.Hour, false},
		{8, time.Minute, false},
		{8, tidyDue, true},
		{7 + tidyBytes - 1, time.Second, false},
		{7 + tidyBytes, 0, true},
	} {
		tidier := &tidier{at: start, folded: 7}
		if got := tidier.due(tt.folded, start.Add(tt.after)); got != tt.want {
			t.Errorf("due(%d) after %v = %v", tt.folded, tt.after, got)
		}
	}
}
