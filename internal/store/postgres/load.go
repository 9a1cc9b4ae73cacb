package postgres

import (
	"context"
	"errors"
	"slices"
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
	l := &loading{s: s, app: app, rows: rows, writes: ws}
	err := s.load(ctx, &l.outbox, ws, l.attempt)
	if err == nil {
		s.watch.kicked(app, l.kicked)
	}
	return err
}

// A loading is a call of LoadAccounts.
type loading struct {
	s      *Store
	app    account.AppID
	rows   []account.Exported
	writes []account.Write
	outbox outbox
	kicked []*row // whose watermarks the last attempt has changed
}

// attempt loads the rows in a transaction.
func (l *loading) attempt(t *tx) error {
	var sp space
	bucket := l.s.anyBucket()
	sp.queueLock(t, l.app, bucket, "NO KEY UPDATE")
	queueNumbers(t, []*outbox{&l.outbox})
	taken := l.s.distributed
	if !taken && len(l.rows) > 0 {
		queueTaken(t, l.app, l.rows, &taken)
	}
	if err := t.send(); err != nil {
		return err
	}
	if !sp.found {
		return errNoApp
	}
	newest, delta, err := l.write(t, taken, sp.clock)
	if err != nil {
		return err
	}
	queueCount(t, l.app, bucket, delta)
	if sp.quota != 0 {
		queueUndivided(t, l.app) // a copy needs no room
	}
	l.s.ids.queuePast(t, newest)
	l.outbox.queue(t, l.app, l.writes)
	return sendConditions(t, l.writes)
}

// write writes the rows. taken says whether the database may have some of their ids.
func (l *loading) write(t *tx, taken bool, clock int64) (newest uint64, delta int64, err error) {
	before := table{}
	if taken {
		ids := make([]account.UserID, len(l.rows))
		for i := range l.rows {
			ids[i] = l.rows[i].ID
		}
		if before, err = loadRows(t, l.app, ids, true); err != nil {
			return 0, 0, err
		}
	}
	all, memory := make([]*row, len(l.rows)), make([]row, len(l.rows))
	l.kicked = nil
	for i := range l.rows {
		all[i] = &memory[i]
		if old, ok := before[l.rows[i].ID]; ok {
			memory[i] = *old
		}
		delta += memory[i].load(&l.rows[i], clock)
		newest = max(newest, memory[i].InternalID)
		if memory[i].kickedUS != 0 {
			l.kicked = append(l.kicked, all[i])
		}
	}
	if taken {
		queuePut(t, l.app, all)
		return newest, delta, nil
	}
	return newest, delta, copyIn(t, l.app, all)
}

// load replaces r by a row of a copy. It returns the difference of the number of accounts.
func (r *row) load(e *account.Exported, clock int64) (delta int64) {
	if r.live() {
		delta--
	}
	if r.Account, r.deleted = e.Account, 0; e.Gone() {
		r.deleted = e.Deleted.UnixMilli()
	} else {
		delta++
	}
	if r.Kicked != 0 || r.kickedUS != 0 { // a watermark that is gone was known, too
		r.kickedUS = max(clock, r.kickedUS+1)
		r.ID = account.UserID(strings.Clone(string(r.ID))) // the process keeps it
	}
	return delta
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
	return s.load(ctx, &o, ws, func(t *tx) error {
		t.queue(raiseLockSQL+`commit_numbers`+raiseSQL, int64(max(1, above.Commit)), raiseLock)
		t.queue(`SELECT setval('commit_numbers', $1) FROM commit_numbers`+raiseSQL, int64(max(1, above.Commit)))
		s.ids.queuePast(t, above.InternalID)
		queueNumbers(t, []*outbox{&o})
		if err := t.send(); err != nil {
			return err
		}
		o.queue(t, 0, ws)
		return sendConditions(t, ws)
	})
}

// conditional reports whether one of ws expects a version of its record.
func conditional(ws []account.Write) bool {
	return slices.ContainsFunc(ws, func(w account.Write) bool { return !w.Append && w.If != account.AnyVersion })
}

// sendConditions sends the statements of t before its commit if a condition of ws can refuse
// them.
func sendConditions(t *tx, ws []account.Write) error {
	if !conditional(ws) {
		return nil
	}
	return t.send()
}

// load runs a transaction of a copy, which writes ws to the outbox. To write the same again
// changes nothing, so an attempt in doubt matters only for a write with a condition.
func (s *Store) load(ctx context.Context, o *outbox, ws []account.Write, fn func(*tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, longTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return err
	}
	doubt := false
	err := s.transact(ctx, s.pool, func(t *tx) error {
		if doubt = t.doubt && conditional(ws); doubt {
			if done, err := o.committed(t, ws); done || err != nil {
				return err
			}
		}
		return fn(t)
	})
	if doubt && account.CodeOf(err) == account.Stale {
		err = s.ownCommit(ctx, o, ws)
	}
	if err == nil {
		s.watch.wrote(o)
	}
	return err
}

// A sequence is raised in two statements. The first one takes a lock until the end of the
// transaction, if the sequence is too low, and the second one looks again. Otherwise two
// loads at the same time could lower it.
const (
	raiseLock    = 7_021_310_877 // the key of the lock
	raiseLockSQL = `SELECT pg_advisory_xact_lock($2) FROM `
	raiseSQL     = ` WHERE last_value < $1 OR NOT is_called`
)

// queuePast makes every id that is assigned from now on larger than newest.
func (a *internalIDs) queuePast(t *tx, newest uint64) {
	if newest == 0 {
		return
	}
	t.queue(raiseLockSQL+`internal_ids`+raiseSQL, int64(newest), raiseLock)
	t.queue(`SELECT setval('internal_ids', $1) FROM internal_ids`+raiseSQL, int64(newest)).QueryRow(func(r pgx.Row) error {
		var last int64
		err := r.Scan(&last)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.end <= int64(newest)+1 {
			a.next, a.end = 0, 0
		}
		if errors.Is(err, pgx.ErrNoRows) { // the sequence is there already
			return nil
		}
		return err
	})
}
