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
func (a *internalIDs) take(t *tx, n int) (first int64, err error) {
	a.mu.Lock()
	first, ok := a.cut(n)
	a.mu.Unlock()
	if ok {
		return first, nil
	}
	// The lock comes after the connection: another call may hold the last one and wait for
	// the lock.
	refill := func(conn *pgxpool.Conn) (err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		first, err = a.refill(t.ctx, conn, n)
		return err
	}
	if t.pool == a.s.pool {
		return first, refill(t.conn)
	}
	err = a.s.reading(t.ctx, a.s.pool, refill)
	return first, err
}

// drop forgets the ids that are left.
func (a *internalIDs) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next, a.end = 0, 0
}

// cut takes n ids if there are so many.
func (a *internalIDs) cut(n int) (first int64, ok bool) {
	if a.end-a.next < int64(n) {
		return 0, false
	}
	first = a.next
	a.next += int64(n)
	return first, true
}

// refill takes blocks until it can cut n ids. Blocks that do not follow each other are of no
// use together.
func (a *internalIDs) refill(ctx context.Context, conn *pgxpool.Conn, n int) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTime) // others wait for the lock
	defer cancel()
	for {
		if first, ok := a.cut(n); ok {
			return first, nil
		}
		var block int64
		if err := conn.QueryRow(ctx, `SELECT nextval('internal_ids')`).Scan(&block); err != nil {
			return 0, err
		}
		if block != a.end {
			a.next = block
		}
		a.end = block + idBlock
	}
}
