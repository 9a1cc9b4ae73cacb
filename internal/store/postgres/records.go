package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/internal/account"
)

// changeSlots is the number of rows that count the commits of a kind.
const changeSlots = 16

// spacesKind is the kind of changes of spaces in the table changes.
const spacesKind = -1

// Statements that read records. Pages have the keys from $2 to before $3.
const (
	ofKindSQL      = `SELECT key, value, version FROM records WHERE kind = $1`
	recordSQL      = ofKindSQL + ` AND key = $2`
	recordsAtSQL   = ofKindSQL + ` AND key = ANY ($2)`
	rangeSQL       = ofKindSQL + ` AND key >= $2 AND key < $3`
	recordsSQL     = rangeSQL + ` ORDER BY key LIMIT $4`
	recordsBackSQL = rangeSQL + ` ORDER BY key DESC LIMIT $4`
)

// selectRecords returns the records that one of these statements selects.
func (s *Store) selectRecords(ctx context.Context, sql string, args ...any) (rs []account.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err = s.reading(ctx, s.pool, func(conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		rs, err = pgx.CollectRows(rows, scanRecord)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rs, nil
}

func scanRecord(row pgx.CollectableRow) (r account.Record, err error) {
	var key []byte
	err = row.Scan(&key, &r.Value, &r.Version)
	r.Key = string(key)
	return r, err
}

// Record implements [account.Records].
func (s *Store) Record(ctx context.Context, kind account.Kind, key string) (account.Record, error) {
	rs, err := s.selectRecords(ctx, recordSQL, int16(kind), []byte(key))
	switch {
	case err != nil:
		return account.Record{}, err
	case len(rs) == 0:
		return account.Record{}, &account.Error{Code: account.NoRecord}
	}
	return rs[0], nil
}

// RecordsAt implements [account.Records]. A statement sees one moment.
func (s *Store) RecordsAt(ctx context.Context, kind account.Kind, keys []string) ([]account.Record, error) {
	wanted := make([][]byte, len(keys))
	for i, key := range keys {
		wanted[i] = []byte(key)
	}
	selected, err := s.selectRecords(ctx, recordsAtSQL, int16(kind), wanted)
	if err != nil {
		return nil, err
	}
	found := make(map[string]account.Record, len(selected))
	for _, r := range selected {
		found[r.Key] = r
	}
	rs := make([]account.Record, len(keys))
	for i, key := range keys {
		r := found[key]
		rs[i] = account.Record{Key: key, Value: bytes.Clone(r.Value), Version: r.Version} // a key may be repeated
	}
	return rs, nil
}

// Records implements [account.Records].
func (s *Store) Records(ctx context.Context, q account.RecordQuery) (page account.RecordPage, err error) {
	sql := recordsSQL
	if q.Reverse {
		sql = recordsBackSQL
	}
	from, to := keyRange(q)
	rs, err := s.selectRecords(ctx, sql, int16(q.Kind), from, to, q.Limit+1)
	if len(rs) > q.Limit {
		rs = rs[:q.Limit]
		page.Next = rs[q.Limit-1].Key
	}
	if len(rs) > 0 {
		page.Records = rs
	}
	return page, err
}

// keyRange returns the first key that q selects, and the first one after all of them.
func keyRange(q account.RecordQuery) (from, to []byte) {
	from, to = []byte(q.Prefix), prefixEnd(q.Prefix)
	switch {
	case q.After == "":
	case q.Reverse:
		to = slices.MinFunc([][]byte{to, []byte(q.After)}, bytes.Compare)
	default:
		from = slices.MaxFunc([][]byte{from, []byte(q.After + "\x00")}, bytes.Compare)
	}
	return from, to
}

// lastKey comes after all keys, because it is longer than a key.
var lastKey = bytes.Repeat([]byte{0xff}, account.MaxRecordKey+1)

// prefixEnd returns the first key after all keys with a prefix.
func prefixEnd(prefix string) []byte {
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) == 0 {
		return lastKey
	}
	end[len(end)-1]++
	return end
}

// Commit implements [account.Records].
func (s *Store) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if err := c.Validate(); err != nil {
		return 0, err
	}
	limit := callTime
	if isLong(c) {
		limit = longTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return 0, err
	}
	var o outbox
	var r *renewal
	doubt, clocks := false, map[account.AppID]int64{}
	err := s.transact(ctx, s.pool, func(t *tx) error {
		doubt = t.doubt
		done, err := s.commit(t, c, &o, clocks)
		if done != nil {
			r = done
		}
		return err
	})
	if code := account.CodeOf(err); doubt && (code == account.Stale || code == account.Conflict) {
		err = s.ownCommit(ctx, &o, c.Writes)
	}
	if err != nil {
		return 0, err
	}
	s.watch.renew(r)
	s.watch.wrote(&o)
	return o.number, nil
}

// isLong reports whether c can change all accounts of an app.
func isLong(c account.Commit) bool {
	return slices.ContainsFunc(c.Spaces, func(sp account.Space) bool { return sp.Remove || sp.Replace != nil })
}

// ownCommit returns nil if an attempt in doubt has written ws. It may have done so after the
// next attempt looked. Otherwise nobody knows: the records may have changed since.
func (s *Store) ownCommit(ctx context.Context, o *outbox, ws []account.Write) error {
	return s.transact(ctx, s.pool, func(t *tx) error {
		done, err := o.committed(t, ws)
		if err == nil && !done {
			err = errUndecided
		}
		return err
	})
}

// commit applies c. It returns nil if an earlier attempt has. clocks are those of earlier
// attempts.
func (s *Store) commit(t *tx, c account.Commit, o *outbox, clocks map[account.AppID]int64) (*renewal, error) {
	if isLong(c) {
		t.queue("set local statement_timeout = 0") // the deadline of t ends it
	}
	queueNumbers(t, []*outbox{o})
	if err := t.send(); err != nil {
		return nil, err
	}
	if t.doubt {
		if done, err := o.committed(t, c.Writes); done || err != nil {
			return nil, err
		}
	}
	r := &renewal{number: o.number, spaces: map[account.AppID]bool{}, clocks: clocks}
	for _, sp := range slices.SortedFunc(slices.Values(c.Spaces), func(a, b account.Space) int { return cmp.Compare(a.App, b.App) }) {
		again, err := s.commitSpace(t, sp, r)
		if err != nil {
			return nil, o.refusal(t, c.Writes, err)
		}
		if again {
			r.spaces[sp.App] = !sp.Remove
		}
	}
	o.queue(t, 0, c.Writes)
	if len(r.spaces) > 0 {
		t.touch(spacesKind)
	}
	return r, t.send()
}

// refusal returns the error of a commit that a space has refused with err: Stale if a record
// refuses it too.
func (o *outbox) refusal(t *tx, ws []account.Write, err error) error {
	if _, ok := errors.AsType[*account.Error](err); !ok {
		return err
	}
	o.queue(t, 0, ws)
	return cmp.Or(t.send(), err)
}

// An outbox writes records in a transaction. The zero outbox has no number yet.
type outbox struct {
	number uint64
	kinds  []int16 // of the records
	err    error   // of the function of the caller
}

const numberSQL = `SELECT nextval('commit_numbers') FROM generate_series(1, $1::int)`

// queueNumbers gives each outbox a new number, or in doubt the one that it has; see committed.
func queueNumbers(t *tx, all []*outbox) {
	all = slices.DeleteFunc(all, func(o *outbox) bool { return t.doubt && o.number != 0 })
	if len(all) == 0 {
		return
	}
	t.queue(numberSQL, len(all)).Query(func(rows pgx.Rows) error {
		ns, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		for i, n := range ns {
			all[i].number = uint64(n)
		}
		return err
	})
}

const committedSQL = `SELECT EXISTS (SELECT FROM records AS r, unnest($1::smallint[], $2::bytea[]) AS w (kind, key)
	WHERE r.kind = w.kind AND r.key = w.key AND r.version = $3)`

// committed reports whether an attempt in doubt has written ws. If so, t changes a counter,
// so that its commit is as durable as that attempt.
func (o *outbox) committed(t *tx, ws []account.Write) (done bool, err error) {
	if len(ws) == 0 {
		return false, nil // spaces can be changed again
	}
	var kinds []int16
	var keys [][]byte
	for _, w := range ws {
		if w.Value != nil {
			kinds, keys = append(kinds, int16(w.Kind)), append(keys, []byte(w.KeyIn(o.number)))
		}
	}
	if len(keys) == 0 { // only removals, which leave no trace
		return false, errUndecided
	}
	t.queue(committedSQL, kinds, keys, int64(o.number)).QueryRow(func(r pgx.Row) error { return r.Scan(&done) })
	if err := t.send(); err != nil || !done {
		return false, err
	}
	t.touch(kinds[0])
	return true, nil
}

// Statements of writes. $1 is the kind, $2 the key, $3 the value, $4 the number of the
// commit, $5 the version that the record must have.
const (
	appendSQL = `INSERT INTO records (kind, key, value, version) VALUES ($1, $2, $3, $4)`
	createSQL = appendSQL + ` ON CONFLICT (kind, key) DO NOTHING`
	setSQL    = appendSQL + ` ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, version = excluded.version`
	resetSQL  = setSQL + ` WHERE records.version < excluded.version`
	changeSQL = `UPDATE records SET value = $3, version = $4 WHERE kind = $1 AND key = $2 AND version = $5`
	removeSQL = `DELETE FROM records WHERE kind = $1 AND key = $2 AND version = $3`
	dropSQL   = `DELETE FROM records WHERE kind = $1 AND key = $2`
	redropSQL = dropSQL + ` AND version < $3`
	absentSQL = `SELECT FROM records WHERE kind = $1 AND key = $2`
	touchSQL  = `INSERT INTO changes (kind, slot, n) VALUES ($1, $2, 1) ON CONFLICT (kind, slot) DO UPDATE SET n = changes.n + 1`
)

// queue is queueWrites for the writes of one outbox.
func (o *outbox) queue(t *tx, app account.AppID, ws []account.Write) {
	queueWrites(t, app, o.own(ws))
}

// An owned is a write of an outbox.
type owned struct {
	*outbox
	account.Write
}

// own returns the writes of o, which has a number, and notes their kinds.
func (o *outbox) own(ws []account.Write) []owned {
	all := make([]owned, len(ws))
	o.kinds = nil
	for i, w := range ws {
		all[i] = owned{o, w}
		o.kinds = append(o.kinds, int16(w.Kind))
	}
	slices.Sort(o.kinds)
	o.kinds = slices.Compact(o.kinds)
	return all
}

// queueWrites writes records in the order of their keys. Of several writes of a record the
// last one counts. When t is sent, it fails with Code Stale if a record has another version.
// app is the app whose accounts the transaction changes, or 0.
func queueWrites(t *tx, app account.AppID, ws []owned) {
	slices.SortStableFunc(ws, func(a, b owned) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.KeyIn(a.number), b.KeyIn(b.number)))
	})
	for i := range ws {
		ws[i].queueWrite(t, &ws[i].Write)
		t.touch(int16(ws[i].Kind))
	}
	if len(ws) > 0 && app != 0 {
		t.s.sql.queueBoth(t, app)
	}
}

// queueWrite writes w. In doubt about an earlier attempt it leaves alone what other commits
// have written since.
func (o *outbox) queueWrite(t *tx, w *account.Write) {
	kind, key, number := int16(w.Kind), []byte(w.KeyIn(o.number)), int64(o.number)
	switch {
	case t.doubt && (w.Append || w.Value != nil && w.If == account.AnyVersion):
		t.queue(resetSQL, kind, key, w.Value, number)
	case t.doubt && w.Value == nil && w.If == account.AnyVersion:
		t.queue(redropSQL, kind, key, number)
	case w.Append:
		t.queue(appendSQL, kind, key, w.Value, number)
	case w.Value == nil && w.If == account.AnyVersion:
		t.queue(dropSQL, kind, key)
	case w.Value == nil && w.If == 0:
		t.queue(absentSQL, kind, key).Exec(stale(0))
	case w.Value == nil:
		t.queue(removeSQL, kind, key, int64(w.If)).Exec(stale(1))
	case w.If == account.AnyVersion:
		t.queue(setSQL, kind, key, w.Value, number)
	case w.If == 0:
		t.queue(createSQL, kind, key, w.Value, number).Exec(stale(1))
	default:
		t.queue(changeSQL, kind, key, w.Value, number, int64(w.If)).Exec(stale(1))
	}
}

// stale returns a function that fails unless a statement has found want rows.
func stale(want int64) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != want {
			return &account.Error{Code: account.Stale}
		}
		return nil
	}
}

// touch counts a change of a kind when t commits.
func (t *tx) touch(kind int16) { t.touched = append(t.touched, kind) }

// queueTouched counts the changes of touch. Each transaction locks one slot of a kind, in the
// order of kinds, so that no two wait for each other.
func (t *tx) queueTouched() {
	slices.Sort(t.touched)
	for _, kind := range slices.Compact(t.touched) {
		t.queue(touchSQL, kind, rand.IntN(changeSlots))
	}
	t.touched = nil
}

// Changes implements [account.Records].
func (s *Store) Changes(kind account.Kind) uint64 { return s.watch.changes(kind) }
