package postgres

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"rollcall/internal/account"
)

// TestStatusTogether checks ids in many calls at once: of two apps that have different
// accounts, some ids several times, and some that have none.
func TestStatusTogether(t *testing.T) {
	s := open(t, Options{URL: database(t)})
	defer s.Close()
	internal := map[account.AppID]map[account.UserID]uint64{7: {}, 8: {}}
	for app := range internal {
		if _, err := s.Commit(t.Context(), account.Commit{Spaces: []account.Space{{App: app}}}); err != nil {
			t.Fatal(err)
		}
		var items []account.Upsert
		for i := range 40 {
			if i%int(app) != 0 {
				items = append(items, account.Upsert{ID: account.UserID(fmt.Sprintf("user-%d", i))})
			}
		}
		results, err := s.Upsert(t.Context(), app, items, account.UpsertPolicy{Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		for i := range items {
			internal[app][items[i].ID] = results[i].InternalID
		}
	}
	var wg sync.WaitGroup
	for n := range 400 {
		wg.Go(func() {
			app := account.AppID(7 + n%2)
			ids := []account.UserID{"", "\x00", account.UserID(fmt.Sprintf("user-%d", n%13))}
			for i := range 50 {
				ids = append(ids, account.UserID(fmt.Sprintf("user-%d", (i*7+n)%45)))
			}
			got, err := s.Status(t.Context(), app, ids)
			if err != nil {
				t.Error(err)
				return
			}
			for i, id := range ids {
				if got[i].InternalID != internal[app][id] {
					t.Errorf("app %d: %s has the internal id %d, want %d", app, id, got[i].InternalID, internal[app][id])
				}
			}
		})
	}
	wg.Wait()
}
