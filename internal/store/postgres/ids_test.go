package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/internal/account"
)

// TestIDsPool takes internal ids in a transaction on another server, as on a worker of Citus,
// and then in one that has the last connection to the server of the sequence.
func TestIDsPool(t *testing.T) {
	s := open(t, Options{URL: database(t) + "&pool_max_conns=1"})
	defer s.Close()
	worker, err := pgxpool.NewWithConfig(t.Context(), s.config.Copy())
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	take := func(t *tx) error {
		_, err := s.ids.take(t, 1)
		return err
	}
	other := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), callTime)
	defer cancel()
	err = s.transact(ctx, s.pool, func(first *tx) error {
		go func() { other <- s.transact(ctx, worker, take) }()
		for range 100 { // until it waits for a connection
			time.Sleep(5 * time.Millisecond)
			if !s.ids.mu.TryLock() {
				break
			}
			s.ids.mu.Unlock()
		}
		return take(first)
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-other; err != nil {
		t.Error(err)
	}
}

// TestIDsMoved imports after the primary has moved to a server that lacks the newest
// transactions. Its sequence assigns the ids of the first server's again.
func TestIDsMoved(t *testing.T) {
	url := database(t)
	one, other := openStill(t, url), openStill(t, url)
	openSpace(t, one, account.Space{App: watchApp})
	imports := func(s *Store, id account.UserID) uint64 {
		t.Helper()
		rs, err := s.Upsert(t.Context(), watchApp, []account.Upsert{{ID: id}}, account.UpsertPolicy{Now: watchTime})
		if err != nil {
			t.Fatal(err)
		}
		return rs[0].InternalID
	}
	imports(one, "lost")
	run(t, connect(t, url), `DELETE FROM accounts; UPDATE spaces SET live = 0; SELECT setval('internal_ids', 1, false)`)
	one.moved()
	imports(other, "lost too")
	if a, b := imports(one, "a"), imports(other, "b"); a == b {
		t.Errorf("two accounts have the internal id %d", a)
	}
}
