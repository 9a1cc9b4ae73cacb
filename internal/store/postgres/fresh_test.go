package postgres

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/account/storetest"
)

// TestPropertyFresh is TestPropertyDivided where each import is first tried as one of new
// accounts.
func TestPropertyFresh(t *testing.T) {
	storetest.Property(t, func(tb testing.TB) account.Engine {
		return open(tb, Options{URL: database(tb), spread: 2, worthDividing: 1, always: true})
	})
}

// TestFaultsFresh is TestFaults where each import is first tried as one of new accounts.
func TestFaultsFresh(t *testing.T) {
	storetest.RunFaults(t, func(tb testing.TB, hook storetest.Hook) storetest.Faulty {
		url := database(tb)
		return storetest.Faulty{
			Engine: open(tb, Options{URL: url, hook: hook, always: true}),
			Reopen: func() account.Engine { return open(tb, Options{URL: url}) },
		}
	})
}

// TestFresh checks when imports are expected to be of new accounts, and that a wrong
// expectation costs no connection.
func TestFresh(t *testing.T) {
	s := open(t, Options{URL: database(t)})
	defer s.Close()
	const app = 7
	if _, err := s.Commit(t.Context(), account.Commit{Spaces: []account.Space{{App: app}}}); err != nil {
		t.Fatal(err)
	}
	upsert := func(created bool, names ...string) {
		t.Helper()
		var items []account.Upsert
		for _, name := range names {
			items = append(items, account.Upsert{ID: account.UserID(name), Nick: "n"})
		}
		results, err := s.Upsert(t.Context(), app, items, account.UpsertPolicy{Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Code != account.OK || r.InternalID == 0 || r.Created != (created && items[i].ID != "old") {
				t.Errorf("%s: %+v", items[i].ID, r)
			}
		}
	}
	upsert(true, "a", "b")
	upsert(false, "a", "b")
	if got := s.fresh.of(app).Load(); got != 0 {
		t.Errorf("after an import of accounts that exist the streak is %d, want 0", got)
	}
	upsert(true, "old2")
	for i := range freshAfter {
		if s.fresh.expects(app) && i < freshAfter-1 {
			t.Fatalf("new accounts are expected after %d groups", i+1)
		}
		upsert(true, fmt.Sprintf("new-%d", i))
	}
	if !s.fresh.expects(app) {
		t.Error("new accounts are not expected")
	}
	upsert(true, "new-x", "new-y")
	conns := s.pool.Stat().NewConnsCount()
	if _, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: "old"}}, account.UpsertPolicy{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	upsert(true, "old", "new-z") // which is not expected
	if s.fresh.expects(app) {
		t.Error("new accounts are still expected")
	}
	if got := s.pool.Stat().NewConnsCount(); got != conns {
		t.Errorf("%d connections were opened, want 0", got-conns)
	}
	if n, err := s.Count(t.Context(), app); n != 2+1+freshAfter+2+1+1 || err != nil {
		t.Errorf("%d accounts, %v", n, err)
	}
}

// TestFreshLimit checks that imports of new accounts keep a limit that is divided among the
// rows of the space.
func TestFreshLimit(t *testing.T) {
	s := open(t, Options{URL: database(t), spread: 2, worthDividing: 1, always: true})
	defer s.Close()
	const app, limit = 7, 20
	if _, err := s.Commit(t.Context(), account.Commit{Spaces: []account.Space{{App: app}}}); err != nil {
		t.Fatal(err)
	}
	for i := range limit + 5 {
		id := account.UserID(fmt.Sprintf("user-%d", i))
		results, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: id}}, account.UpsertPolicy{Now: time.Now(), Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		want := account.OK
		if i >= limit {
			want = account.QuotaFull
		}
		if results[0].Code != want || results[0].Created != (want == account.OK) {
			t.Errorf("account %d: %+v, want %v", i+1, results[0], want)
		}
	}
	if n, err := s.Count(t.Context(), app); n != limit || err != nil {
		t.Errorf("%d accounts, %v, want %d", n, err, limit)
	}
}
