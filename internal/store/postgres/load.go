package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// LoadAccounts implements [account.Loader].
func (s *Store) LoadAccounts(ctx context.Context, app account.AppID, rows []account.Exported, ws []account.Write) error {
	var o outbox
	return s.load(ctx, &o, func(t *tx) error {
		var sp space
		bucket := s.anyBucket()
		sp.queueLock(t, app, bucket, "NO KEY UPDATE")
		queueNumbers(t, []*outbox{&o})
		ids := make([]account.UserID, len(rows))
		for i := range rows {
			ids[i] = rows[i].ID
		}
		before, err := loadRows(t, app, ids, true)
		if err != nil {
			return err
		}
		if !sp.found {
			return errNoApp
		}
		newest, delta := before.load(rows, sp.clock)
		for _, r := range before {
			if !storable(r.ID) {
				return errBadID
			}
		}
		queuePut(t, app, before.changes())
		queueCount(t, app, bucket, delta)
		if sp.quota != 0 {
			queueUndivided(t, app) // a copy needs no room
		}
		s.ids.queuePast(t, newest)
		o.queue(t, app, ws)
		return nil
	})
}

// load replaces the rows of t by those of a copy. It returns the largest internal id and the
// difference of the number of accounts.
func (t table) load(from []account.Exported, clock int64) (newest uint64, delta int64) {
	for i := range from {
		e := &from[i]
		r := t.of(e.ID)
		if r.live() {
			delta--
		}
		r.Account, r.deleted, r.changed = e.Account, 0, true
		if e.Gone() {
			r.deleted = e.Deleted.UnixMilli()
		} else {
			delta++
			newest = max(newest, e.InternalID)
		}
		if r.Kicked != 0 {
			r.kickedUS = max(clock, r.kickedUS+1)
		}
	}
	return newest, delta
}

// LoadRecords implements [account.Loader].
func (s *Store) LoadRecords(ctx context.Context, ws []account.Write, above uint64) error {
	var o outbox
	return s.load(ctx, &o, func(t *tx) error {
		t.queue(`SELECT setval('commit_numbers', greatest(last_value, $1)) FROM commit_numbers`, int64(above))
		queueNumbers(t, []*outbox{&o})
		if err := t.send(); err != nil {
			return err
		}
		o.queue(t, 0, ws)
		return nil
	})
}

// load runs a transaction of a copy.
func (s *Store) load(ctx context.Context, o *outbox, fn func(*tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, longTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return err
	}
	err := s.transact(ctx, s.pool, fn)
	if err == nil {
		s.watch.wrote(o)
	}
	return err
}

// queuePast makes every id that is assigned from now on larger than newest.
func (a *internalIDs) queuePast(t *tx, newest uint64) {
	if newest == 0 {
		return
	}
	t.queue(`SELECT setval('internal_ids', greatest(last_value, $1)) FROM internal_ids`, int64(newest)).QueryRow(func(r pgx.Row) error {
		var last int64
		err := r.Scan(&last)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.end <= int64(newest)+1 {
			a.next, a.end = 0, 0
		}
		return err
	})
}
