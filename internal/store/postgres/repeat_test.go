package postgres

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
)

// TestRepeatedOften imports the largest batch with one id alone. As many rounds would take
// longer than a call may.
func TestRepeatedOften(t *testing.T) {
	s := open(t, Options{URL: database(t)})
	defer s.Close()
	const app = 7
	commit(t, s, account.Commit{Spaces: []account.Space{{App: app}}})
	items := make([]account.Upsert, account.LoadBatch)
	for i := range items {
		items[i] = account.Upsert{ID: "one", Nick: fmt.Sprint("nick ", i)}
	}
	p := account.UpsertPolicy{Now: time.Now(), TombstoneBefore: account.AnyTombstone}
	rs, err := s.Upsert(t.Context(), app, items, p)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rs {
		if r.Code != account.OK || r.Created != (i == 0) || r.InternalID != rs[0].InternalID {
			t.Fatalf("item %d: %+v after %+v", i, r, rs[0])
		}
	}
	as, err := s.Lookup(t.Context(), app, []account.UserID{"one"})
	if err != nil || as[0].Nick != items[len(items)-1].Nick {
		t.Errorf("the account is %+v, %v", as[0], err)
	}
}
