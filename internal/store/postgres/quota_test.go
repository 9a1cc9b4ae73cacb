package postgres

import (
	"sync/atomic"
	"testing"

	"rollcall/internal/account"
)

// TestExactGroup imports a group of calls that reaches a limit, in one commit. The outbox of
// the second call panics.
func TestExactGroup(t *testing.T) {
	var commits atomic.Int64
	s := open(t, Options{URL: database(t), hook: func(written bool) error {
		if !written {
			commits.Add(1)
		}
		return nil
	}})
	defer s.Close()
	openSpace(t, s, account.Space{App: watchApp})
	commits.Store(0)
	p := account.UpsertPolicy{Now: watchTime, Limit: 2}
	var calls []*imported
	for _, ids := range []string{"ab", "ac", "cb"} {
		c := &imported{app: watchApp, policy: p, results: make([]account.UpsertResult, len(ids))}
		for _, id := range ids {
			c.items = append(c.items, account.Upsert{ID: account.UserID(id)})
		}
		c.init(t.Context())
		calls = append(calls, c)
	}
	calls[1].policy.Outbox = func([]account.UpsertResult) []account.Write { panic("outbox") }
	s.importGroup(s.main, calls)
	for i, want := range [][]account.UpsertResult{
		{{Code: account.OK, Created: true, InternalID: calls[0].results[0].InternalID}, {Code: account.OK, Created: true, InternalID: calls[0].results[1].InternalID}},
		{{Code: account.OK, InternalID: calls[0].results[0].InternalID}, {Code: account.QuotaFull}},
		{{Code: account.QuotaFull}, {Code: account.OK, InternalID: calls[0].results[1].InternalID}},
	} {
		if err := <-calls[i].done; (err != nil) != (i == 1) {
			t.Errorf("call %d: %v", i, err)
		}
		for k := range want {
			if got := calls[i].results[k]; got != want[k] {
				t.Errorf("call %d, item %d: %+v, want %+v", i, k, got, want[k])
			}
		}
	}
	if n, err := s.Count(t.Context(), watchApp); n != 2 || err != nil || commits.Load() != 1 {
		t.Errorf("%d accounts in %d commits, %v", n, commits.Load(), err)
	}
}
