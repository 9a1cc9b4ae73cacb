package postgres

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
)

// idBlock is the number of internal ids that a process takes from the database at a time.
// It is the increment of the sequence internal_ids.
const idBlock = 10_000

// internalIDs assigns internal ids. Those of two processes come from different blocks.
type internalIDs struct {
	s         *Store
	mu        sync.Mutex
	next, end int64
}

// take returns the first of n ids that follow each other. Most calls need no round trip. It
// uses the connection of t if that leads to the sequence.
func (a *internalIDs) take(t *tx, n int) (int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.end-a.next < int64(n) {
		if err := a.refill(t, n); err != nil {
			return 0, err
		}
	}
	first := a.next
	a.next += int64(n)
	return first, nil
}

// refill takes blocks for at least n ids. Blocks that do not follow each other are of no
// use together, so it goes on until one or more that do are large enough.
func (a *internalIDs) refill(t *tx, n int) error {
	ctx, cancel := context.WithTimeout(t.ctx, pollTime) // others wait for the lock
	defer cancel()
	fill := func(conn *pgxpool.Conn) error {
		for a.end-a.next < int64(n) {
			var first int64
			if err := conn.QueryRow(ctx, `SELECT nextval('internal_ids')`).Scan(&first); err != nil {
				return err
			}
			if first != a.end {
				a.next = first
			}
			a.end = first + idBlock
		}
		return nil
	}
	if t.pool == a.s.pool {
		return fill(t.conn)
	}
	return a.s.reading(ctx, a.s.pool, fill)
}
