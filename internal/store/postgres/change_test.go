package postgres

import (
	"testing"
	"time"

	"rollcall/internal/account"
)

// TestUpdateDuringImport updates an account between the moment at which an import that locks
// the whole space reads it and the moment at which it writes it.
func TestUpdateDuringImport(t *testing.T) {
	url := database(t)
	other := open(t, Options{URL: url})
	defer other.Close()
	openSpace(t, other, account.Space{App: watchApp, Admins: []account.UserID{"a"}})
	updated := make(chan error, 9) // attempts
	s := open(t, Options{URL: url, hook: func(written bool) error {
		if written {
			return nil
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := other.Update(t.Context(), watchApp, []account.Patch{{ID: "a", Kicked: 7}}, account.ChangePolicy{Now: watchTime})
			updated <- err
		}()
		select {
		case <-done:
		case <-time.After(time.Second): // it waits for the import, as it should
		}
		return nil
	}})
	defer s.Close()
	items := []account.Upsert{{ID: "a", Nick: "nick"}}
	if _, err := s.Upsert(t.Context(), watchApp, items, account.UpsertPolicy{Now: watchTime, Limit: 5}); err != nil {
		t.Fatal(err)
	}
	if err := <-updated; err != nil {
		t.Fatal(err)
	}
	as, err := s.Lookup(t.Context(), watchApp, []account.UserID{"a"})
	if err != nil || as[0].Kicked != 7 || as[0].Nick != "nick" {
		t.Errorf("%+v, %v", as, err)
	}
}
