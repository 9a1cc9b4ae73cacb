package postgres

import (
	"fmt"
	"testing"

	"rollcall/internal/account"
)

// TestLargeImport imports more accounts in one commit than a statement of Citus can have.
func TestLargeImport(t *testing.T) {
	s := open(t, Options{URL: database(t)})
	defer s.Close()
	openSpace(t, s, account.Space{App: watchApp})
	items := make([]account.Upsert, 11_000)
	for i := range items {
		items[i].ID = account.UserID(fmt.Sprint("u", i))
	}
	p := account.UpsertPolicy{Now: watchTime, Outbox: func([]account.UpsertResult) []account.Write { return nil }}
	rs, err := s.Upsert(t.Context(), watchApp, items, p)
	if err != nil || !rs[0].Created || !rs[len(rs)-1].Created {
		t.Fatal(err)
	}
}
