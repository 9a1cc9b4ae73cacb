package postgres

import (
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/testutil/pgtest"
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

// TestDeleteTwice cuts the commit of a deletion before the server receives it. Another process
// deletes the account in the same millisecond. Only one of them may say that it did.
func TestDeleteTwice(t *testing.T) {
	url := database(t)
	proxy := pgtest.StartProxy(t, url)
	other := open(t, Options{URL: url})
	defer other.Close()
	openSpace(t, other, account.Space{App: watchApp})
	items := []account.Upsert{{ID: "a"}}
	if _, err := other.Upsert(t.Context(), watchApp, items, account.UpsertPolicy{Now: watchTime, Limit: 5}); err != nil {
		t.Fatal(err)
	}
	ids, policy := []account.UserID{"a"}, account.ChangePolicy{Now: watchTime}
	watching, deleted := connect(t, url), make(chan []account.Code, 1)
	var once sync.Once
	s := open(t, Options{URL: proxy.URL(url), hook: func(written bool) error {
		once.Do(func() {
			proxy.Plan(pgtest.Cut{BeforeCommit: true})
			go func() { // it waits for the lock of the account
				codes, err := other.Delete(t.Context(), watchApp, ids, policy)
				if err != nil {
					t.Error(err)
				}
				deleted <- codes
			}()
			for value(t, watching, "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == "0" {
				time.Sleep(time.Millisecond)
			}
		})
		return nil
	}})
	defer s.Close()
	codes, err := s.Delete(t.Context(), watchApp, ids, policy)
	if account.CodeOf(err) != account.Unknown {
		t.Errorf("the deletion whose commit was cut: %v, %v; its outcome is not known", codes, err)
	}
	if codes := <-deleted; !slices.Equal(codes, []account.Code{account.OK}) || proxy.Cuts() != 1 {
		t.Errorf("the other one: %v; %d cuts", codes, proxy.Cuts())
	}
}
