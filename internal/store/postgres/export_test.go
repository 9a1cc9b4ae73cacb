package postgres

import (
	"slices"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/testutil/pgtest"
)

// TestAfterOddID lists and exports after texts that the database cannot store.
func TestAfterOddID(t *testing.T) {
	s := open(t, Options{URL: database(t)})
	defer s.Close()
	openSpace(t, s, account.Space{App: watchApp, Admins: []account.UserID{"a", "ab", "b"}})
	for after, want := range map[account.UserID][]account.UserID{"a\x00": {"ab", "b"}, "a\xff": {"b"}, "\xff": nil} {
		page, err := s.List(t.Context(), watchApp, account.ListQuery{After: after, Limit: 9})
		if err != nil {
			t.Fatal(err)
		}
		var listed, exported []account.UserID
		for _, a := range page.Accounts {
			listed = append(listed, a.ID)
		}
		for e, err := range s.Export(t.Context(), watchApp, account.ExportQuery{After: after}) {
			if err != nil {
				t.Fatal(err)
			}
			exported = append(exported, e.ID)
		}
		if !slices.Equal(listed, want) || !slices.Equal(exported, want) {
			t.Errorf("after %q: %q listed, %q exported, want %q", after, listed, exported, want)
		}
	}
}

// TestExportHangs exports from a database that stops to answer.
func TestExportHangs(t *testing.T) {
	if citusURL != "" {
		t.Skip("the connections to the workers do not pass the proxy")
	}
	direct := database(t)
	p := pgtest.StartProxy(t, direct)
	t.Cleanup(p.Pass)
	s := open(t, Options{URL: p.URL(direct)})
	defer s.Close()
	openSpace(t, s, account.Space{App: watchApp, Admins: []account.UserID{"a"}})
	run(t, connect(t, direct), `INSERT INTO accounts SELECT i, 1400000001, 1, 1, 0, 'u' || i, repeat('x', 400), '' FROM generate_series(100000, 150000) AS i`)
	rows := 0
	var got error
	for _, err := range s.Export(t.Context(), watchApp, account.ExportQuery{}) {
		if got = err; err != nil {
			break
		}
		if rows++; rows == 10 {
			p.Hang()
			s.rowTime = 10 * time.Millisecond // the rows that have arrived need no time
		}
	}
	if account.CodeOf(got) != account.Unavailable || account.DetailOf(got) != outOfTime || rows < 10 {
		t.Errorf("after %d rows: %v", rows, got)
	}
}
