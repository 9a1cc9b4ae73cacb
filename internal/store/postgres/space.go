package postgres

import (
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// A space is a row of the table spaces.
type space struct {
	found  bool
	bucket int32
	live   int64
	quota  int64
	cap    int64
	admins []string
	clock  int64 // of the database, in microseconds
}

// isAdmin reports whether an id must not be deleted.
func (sp *space) isAdmin(id account.UserID) bool { return slices.Contains(sp.admins, string(id)) }

// clockSQL is the clock of the database in microseconds.
const clockSQL = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`

const lockSQL = `SELECT live, quota, cap, admins, ` + clockSQL + `
	FROM spaces WHERE sdkappid = $1 AND bucket = $2 FOR `

// queueLock locks the row of a bucket until the end of the transaction and reads it.
func (sp *space) queueLock(t *tx, app account.AppID, bucket int32, strength string) {
	*sp = space{bucket: bucket}
	t.queue(lockSQL+strength, int64(app), bucket).QueryRow(func(r pgx.Row) error {
		err := r.Scan(&sp.live, &sp.quota, &sp.cap, &sp.admins, &sp.clock)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		sp.found = true
		return err
	})
}

const countSQL = `UPDATE spaces SET live = live + $3 WHERE sdkappid = $1 AND bucket = $2`

// queueCount adds to the number of accounts in a locked row. In doubt about an earlier
// attempt it writes in any case, so that the commit is as durable as that attempt.
func queueCount(t *tx, app account.AppID, bucket int32, delta int64) {
	if delta != 0 || t.doubt {
		t.queue(countSQL, int64(app), bucket, delta)
	}
}

// A whole is all rows of an app in spaces, locked.
type whole struct {
	app        account.AppID
	rows       []space // in the order of buckets
	generation int64
}

// lockAll locks all rows of an app.
func lockAll(t *tx, app account.AppID) (*whole, error) {
	w := &whole{app: app}
	t.queue(t.s.sql.lockAll(), int64(app)).Query(func(rows pgx.Rows) error {
		sp := space{found: true}
		_, err := pgx.ForEachRow(rows, []any{&sp.bucket, &sp.live, &sp.quota, &sp.cap, &sp.admins, &w.generation}, func() error {
			w.rows = append(w.rows, sp)
			sp.admins = nil
			return nil
		})
		return err
	})
	return w, t.send()
}

// live returns the number of accounts.
func (w *whole) live() (n int64) {
	for i := range w.rows {
		n += w.rows[i].live
	}
	return n
}

// admins returns the admins of the app.
func (w *whole) admins() []account.UserID {
	var ids []account.UserID
	if len(w.rows) > 0 {
		for _, id := range w.rows[0].admins {
			ids = append(ids, account.UserID(id))
		}
	}
	return ids
}

const addSpaceSQL = `INSERT INTO spaces (sdkappid, bucket, generation, live, quota, cap, admins)
	SELECT $1, b, $2, 0, 0, 0, $3 FROM generate_series(0, $4::int - 1) AS b`

const setAdminsSQL = `UPDATE spaces SET admins = $2 WHERE sdkappid = $1`

const replaceSpaceSQL = `UPDATE spaces SET generation = $2, live = 0, quota = 0, cap = 0, admins = $3 WHERE sdkappid = $1`

const strangersSQL = `SELECT count(*) FROM accounts
	WHERE sdkappid = $1 AND userid = ANY ($2) AND deleted_ms IS NULL`

// commitSpace creates, changes or removes a space. It reports whether the watermarks of the
// app are no longer valid.
func (s *Store) commitSpace(t *tx, sp account.Space, r *renewal) (renewed bool, err error) {
	w, err := lockAll(t, sp.App)
	if err != nil {
		return false, err
	}
	admins := texts(sp.Admins)
	switch {
	case sp.Replace != nil:
		err = s.replaceSpace(t, w, sp, r)
	case sp.Remove && len(w.rows) > 0:
		err = w.remove(t)
	case sp.Remove:
		return false, nil
	case len(w.rows) == 0:
		t.queue(addSpaceSQL, int64(sp.App), int64(r.number), admins, buckets)
		r.queueClock(t, sp.App)
	default:
		if !slices.Equal(w.rows[0].admins, admins) {
			t.queue(setAdminsSQL, int64(sp.App), admins)
		}
	}
	if err != nil || sp.Remove {
		return true, err
	}
	return sp.Replace != nil || len(w.rows) == 0, s.createAdmins(t, sp, w)
}

// remove removes the space, unless it has accounts other than those of its admins.
func (w *whole) remove(t *tx) error {
	var own int64
	t.queue(strangersSQL, int64(w.app), texts(w.admins())).QueryRow(func(r pgx.Row) error { return r.Scan(&own) })
	if err := t.send(); err != nil {
		return err
	}
	if w.live() > own {
		return &account.Error{Code: account.Conflict}
	}
	w.clear(t)
	t.queue(`DELETE FROM spaces WHERE sdkappid = $1`, int64(w.app))
	return nil
}

// clear removes all accounts and tombstones.
func (w *whole) clear(t *tx) { t.queue(`DELETE FROM accounts WHERE sdkappid = $1`, int64(w.app)) }

// replaceSpace replaces the content of a space by that of a dump.
func (s *Store) replaceSpace(t *tx, w *whole, sp account.Space, r *renewal) error {
	newest := int64(sp.Replace.NewestID())
	var assigned, clock int64
	t.queue(`SELECT last_value, ` + clockSQL + ` FROM internal_ids`).QueryRow(func(r pgx.Row) error { return r.Scan(&assigned, &clock) })
	if err := t.send(); err != nil {
		return err
	}
	if t.doubt && w.generation == int64(r.number) { // an earlier attempt has, and others may have changed accounts since
		r.note(sp.App, dumpRows(sp.Replace, r.clocks[sp.App]))
		queueCount(t, sp.App, w.rows[0].bucket, 0)
		return t.send()
	}
	switch {
	case newest >= assigned+idBlock:
		return account.ErrForeignDump
	case w.live() > account.MaxReplaced:
		return &account.Error{Code: account.Conflict}
	}
	w.clear(t)
	switch {
	case sp.Remove:
		t.queue(`DELETE FROM spaces WHERE sdkappid = $1`, int64(sp.App))
		return nil
	case len(w.rows) == 0:
		t.queue(addSpaceSQL, int64(sp.App), int64(r.number), texts(sp.Admins), buckets)
	default:
		t.queue(replaceSpaceSQL, int64(sp.App), int64(r.number), texts(sp.Admins))
	}
	r.clocks[sp.App] = clock
	rows := dumpRows(sp.Replace, clock)
	r.note(sp.App, rows)
	for part := range slices.Chunk(rows, putRows) {
		queuePut(t, sp.App, part)
		if err := t.send(); err != nil {
			return err
		}
	}
	queueCount(t, sp.App, s.anyBucket(), int64(len(sp.Replace.Accounts)))
	return t.send()
}

// dumpRows returns the rows of a dump.
func dumpRows(d *account.Dump, clock int64) []*row {
	rows := make([]*row, 0, d.Len())
	add := func(r row) {
		if r.Kicked != 0 {
			r.kickedUS = clock
		}
		rows = append(rows, &r)
	}
	for i := range d.Accounts {
		add(row{Account: d.Accounts[i]})
	}
	for _, g := range d.Gone {
		add(row{Account: account.Account{ID: g.ID, Kicked: g.Kicked}, deleted: g.Deleted.UnixMilli()})
	}
	return rows
}

// createAdmins creates the accounts that the admins of a space lack. No other transaction
// can write accounts of the app.
func (s *Store) createAdmins(t *tx, sp account.Space, w *whole) error {
	rows, err := loadRows(t, sp.App, sp.Admins, false)
	if err != nil {
		return err
	}
	var created int64
	for _, id := range sp.Admins {
		r := rows.of(id)
		if r.live() {
			continue
		}
		first, err := s.ids.take(t, 1)
		if err != nil {
			return err
		}
		r.create(account.Upsert{ID: id}, uint64(first), sp.Now)
		created++
	}
	queuePut(t, sp.App, rows.changes())
	queueCount(t, sp.App, s.anyBucket(), created)
	if created > 0 && len(w.rows) > 0 && w.rows[0].quota != 0 {
		queueUndivided(t, sp.App) // they need no room
	}
	return t.send()
}

// create makes r a new account, which keeps the watermark of its id.
func (r *row) create(u account.Upsert, internal uint64, now time.Time) {
	at := account.Millis(now)
	r.Account = account.Account{ID: r.ID, InternalID: internal, Nick: u.Nick, FaceURL: u.FaceURL, Created: at, Updated: at, Kicked: r.Kicked}
	r.deleted, r.changed = 0, true
}

// texts returns ids as texts.
func texts[T ~string](ids []T) []string {
	ts := make([]string, len(ids))
	for i, id := range ids {
		ts[i] = string(id)
	}
	return ts
}
