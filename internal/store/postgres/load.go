package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/internal/account"
)

var _ account.Loader = (*Store)(nil)

const numbersSQL = `SELECT CASE WHEN c.is_called THEN c.last_value ELSE 0 END, CASE WHEN i.is_called THEN i.last_value + $1 - 1 ELSE 0 END
	FROM commit_numbers AS c, internal_ids AS i`

// Numbers implements [account.Loader]. A block of internal ids counts as assigned.
func (s *Store) Numbers(ctx context.Context) (account.Numbers, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return account.Numbers{}, err
	}
	var commit, internal int64
	err := s.reading(ctx, s.pool, func(conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, numbersSQL, int64(idBlock)).Scan(&commit, &internal)
	})
	return account.Numbers{Commit: uint64(commit), InternalID: uint64(internal)}, err
}

// LoadAccounts implements [account.Loader].
func (s *Store) LoadAccounts(ctx context.Context, app account.AppID, rows []account.Exported, ws []account.Write) error {
	if err := account.ValidateLoad(rows, ws); err != nil {
		return err
	}
	for i := range rows {
		switch {
		case !storable(rows[i].ID):
			return errBadID
		case rows[i].InternalID > maxNumber:
			return errLargeNumber
		}
	}
	var o outbox
	var loaded table
	err := s.load(ctx, &o, func(t *tx) error {
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
		queuePut(t, app, before.changes())
		queueCount(t, app, bucket, delta)
		if sp.quota != 0 {
			queueUndivided(t, app) // a copy needs no room
		}
		s.ids.queuePast(t, newest)
		o.queue(t, app, ws)
		loaded = before
		return nil
	})
	if err == nil {
		s.watch.kicked(app, loaded.kicked())
	}
	return err
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
		if r.Kicked != 0 || r.kickedUS != 0 { // a watermark that is gone was known, too
			r.kickedUS = max(clock, r.kickedUS+1)
		}
	}
	return newest, delta
}

// kicked returns the rows whose watermark has changed at some time. Their ids share no
// memory with the caller of a load.
func (t table) kicked() (rs []*row) {
	for _, r := range t {
		if r.kickedUS != 0 {
			r.ID = account.UserID(strings.Clone(string(r.ID)))
			rs = append(rs, r)
		}
	}
	return rs
}

// maxNumber is the largest number that a load may bring. The sequences need space above it.
const maxNumber = 1 << 62

// errLargeNumber is the error of a load with a larger number.
var errLargeNumber = &account.Error{Code: account.BadParameter, Detail: "a number of the data to load is larger than a database can keep"}

// LoadRecords implements [account.Loader].
func (s *Store) LoadRecords(ctx context.Context, ws []account.Write, above account.Numbers) error {
	if err := account.ValidateLoadRecords(ws); err != nil {
		return err
	}
	if max(above.Commit, above.InternalID) > maxNumber {
		return errLargeNumber
	}
	var o outbox
	return s.load(ctx, &o, func(t *tx) error {
		t.queue(`SELECT setval('commit_numbers', greatest(last_value, $1)) FROM commit_numbers`, int64(max(1, above.Commit)))
		s.ids.queuePast(t, above.InternalID)
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
