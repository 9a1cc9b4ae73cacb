package postgres

import (
	"slices"
	"testing"

	"rollcall/internal/account"
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
