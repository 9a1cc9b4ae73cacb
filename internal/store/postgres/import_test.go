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
	outbox := account.UpsertPolicy{Now: watchTime, Outbox: func([]account.UpsertResult) []account.Write { return nil }}
	limit := account.UpsertPolicy{Now: watchTime, Limit: 1 << 40}
	s.fresh.after = 0
	for k, p := range []account.UpsertPolicy{outbox, limit, limit} {
		items := make([]account.Upsert, 11_000)
		for i := range items {
			items[i].ID = account.UserID(fmt.Sprintf("u%d-%d", k, i))
		}
		rs, err := s.Upsert(t.Context(), watchApp, items, p)
		if err != nil || !rs[0].Created || !rs[len(rs)-1].Created {
			t.Fatal(k, err)
		}
	}
}
