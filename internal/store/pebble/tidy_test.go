package pebble

import (
	"fmt"
	"testing"

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
	want := list(t, s, account.ListQuery{Limit: 1000})
	if n := s.db.Metrics().Levels[0].Sublevels; n <= tidyFolds {
		t.Fatalf("%d folds lie on each other, want more", n)
	}
	tidier := &tidier{s: s, folds: -1}
	must(t, tidier.tidy(nil, s.folder.folds.Load()))
	if n := s.db.Metrics().Levels[0].Sublevels; n > 0 {
		t.Errorf("%d folds lie on each other after tidying up", n)
	}
	if diff := cmp.Diff(want, list(t, s, account.ListQuery{Limit: 1000})); diff != "" {
		t.Errorf("after tidying up (-want +got):\n%s", diff)
	}
}
