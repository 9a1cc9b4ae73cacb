package postgres

import (
	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// A dialect contains the statements that PostgreSQL and Citus must have in different forms.
// All read and write rows of one app, and $1 is always the app.
type dialect interface {
	// queueImport imports accounts with different ids. It returns the ids and internal ids of
	// those that it creates or changes. Tombstones must be from before bound.
	queueImport(t *tx, app account.AppID, c *importColumns, bound int64) *pgx.QueuedQuery

	// insertFresh counts accounts in the row of a bucket of spaces and inserts them. The
	// transaction fails with errNotFresh, here or when t is sent, if the row is missing or does
	// not allow so many, or if one of the accounts exists.
	insertFresh(t *tx, app account.AppID, c *importColumns, bucket int32, limit int64) error

	// queueFound reads the ids, internal ids and deletion times of rows.
	queueFound(t *tx, app account.AppID, ids []string) *pgx.QueuedQuery

	// queueRows reads rows. lock locks them in the order of ids.
	queueRows(t *tx, app account.AppID, ids []string, lock bool, read func(pgx.Rows) error)

	// queuePut writes rows, whether they exist or not.
	queuePut(t *tx, app account.AppID, c *putColumns)

	// lockAll returns the statement that locks all rows of a space and returns their columns.
	lockAll() string

	// fence returns the weakest lock of a row of spaces that lockAll waits for.
	fence() string

	// queueBoth makes the commit of accounts of an app and of records one commit.
	queueBoth(t *tx, app account.AppID)

	// lookup returns the statement that reads rows, and its arguments.
	lookup(app account.AppID, ids []string) (sql string, args []any)

	// status returns the statement that reads the ids, internal ids and watermarks of rows,
	// and its arguments.
	status(app account.AppID, ids []string) (sql string, args []any)
}

// plain is the dialect of PostgreSQL. Arrays are the parameters of its statements, so that
// each is prepared once for all numbers of rows.
//
// A subquery with OFFSET 0, or with a lock, is not merged into the join. Its plan is always
// one search of the index for each id, whatever the server knows of the size of a table.
type plain struct{}

const importSQL = `INSERT INTO accounts AS a (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url)
	SELECT i, $1, m, m, b, u, n, f
	FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[]) AS r (i, m, b, u, n, f)` + onImport

// onImport changes an account that exists, or creates it again. A row whose condition is
// false is locked, but not returned. $8 is the bound of tombstones.
const onImport = `
	ON CONFLICT (sdkappid, userid, bucket) DO UPDATE SET
		internal_id = CASE WHEN a.deleted_ms IS NULL THEN a.internal_id ELSE excluded.internal_id END,
		created_ms = CASE WHEN a.deleted_ms IS NULL THEN a.created_ms ELSE excluded.created_ms END,
		updated_ms = CASE WHEN a.deleted_ms IS NULL THEN greatest(a.updated_ms, excluded.updated_ms) ELSE excluded.updated_ms END,
		nick = CASE WHEN excluded.nick = '' THEN a.nick ELSE excluded.nick END,
		face_url = CASE WHEN excluded.face_url = '' THEN a.face_url ELSE excluded.face_url END,
		deleted_ms = NULL
	WHERE CASE WHEN a.deleted_ms IS NULL
		THEN excluded.nick NOT IN ('', a.nick) OR excluded.face_url NOT IN ('', a.face_url)
		ELSE a.deleted_ms < $8 END
	RETURNING userid, internal_id`

func (plain) queueImport(t *tx, app account.AppID, c *importColumns, bound int64) *pgx.QueuedQuery {
	return t.queue(importSQL, int64(app), c.proposed, c.now, c.bucket, c.ids, c.nicks, c.faces, bound)
}

// freshSQL is the import of accounts that do not exist. The condition is that of
// space.allows.
const freshSQL = `WITH s AS (
		UPDATE spaces SET live = live + $9 WHERE sdkappid = $1 AND bucket = $8
			AND (quota = 0 AND $10::bigint = 0 OR (quota = $10 OR $10 = 0) AND live + $9 <= cap)
		RETURNING 1)
	INSERT INTO accounts (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url)
	SELECT i, $1, m, m, b, u, n, f
	FROM s, unnest($2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[]) AS r (i, m, b, u, n, f)`

// insertFresh can be sent together with the commit: it writes everything or nothing.
func (plain) insertFresh(t *tx, app account.AppID, c *importColumns, bucket int32, limit int64) error {
	n := int64(len(c.ids))
	queueFresh(t, n, freshSQL, int64(app), c.proposed, c.now, c.bucket, c.ids, c.nicks, c.faces, bucket, n, limit)
	return nil
}

const foundSQL = `SELECT a.userid, a.internal_id, coalesce(a.deleted_ms, 0)
	FROM unnest($2::text[]) AS u (id), LATERAL (
		SELECT userid, internal_id, deleted_ms FROM accounts WHERE sdkappid = $1 AND userid = u.id OFFSET 0) AS a`

func (plain) queueFound(t *tx, app account.AppID, ids []string) *pgx.QueuedQuery {
	return t.queue(foundSQL, int64(app), ids)
}

const (
	rowsSQL     = `SELECT a.* FROM unnest($2::text[]) AS u (id), LATERAL (SELECT ` + columns + ` FROM accounts WHERE sdkappid = $1 AND userid = u.id OFFSET 0) AS a`
	lockRowsSQL = `SELECT a.* FROM unnest($2::text[]) AS u (id), LATERAL (SELECT ` + columns + ` FROM accounts WHERE sdkappid = $1 AND userid = u.id FOR NO KEY UPDATE) AS a`
)

func (plain) queueRows(t *tx, app account.AppID, ids []string, lock bool, read func(pgx.Rows) error) {
	sql := rowsSQL
	if lock {
		sql = lockRowsSQL
	}
	t.queue(sql, int64(app), ids).Query(read)
}

const putSQL = `INSERT INTO accounts (` + putNames + `)
	SELECT i, $1, c, m, b, u, n, f, nullif(p, '')::jsonb, nullif(d, 0), nullif(k, 0), nullif(ku, 0)
	FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[])
		AS r (i, c, m, b, u, n, f, p, d, k, ku)` + onPut

const putNames = `internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url, profile, deleted_ms, kicked_s, kicked_us`

const onPut = `
	ON CONFLICT (sdkappid, userid, bucket) DO UPDATE SET
		internal_id = excluded.internal_id, created_ms = excluded.created_ms, updated_ms = excluded.updated_ms,
		nick = excluded.nick, face_url = excluded.face_url, profile = excluded.profile,
		deleted_ms = excluded.deleted_ms, kicked_s = excluded.kicked_s, kicked_us = excluded.kicked_us`

func (plain) queuePut(t *tx, app account.AppID, c *putColumns) {
	t.queue(putSQL, int64(app), c.internal, c.created, c.updated, c.bucket, c.ids, c.nicks, c.faces, c.profiles, c.deleted, c.kicked, c.kickedUS)
}

func (plain) queueBoth(*tx, account.AppID) {} // every commit is one

// lockedNames lists the columns of a locked row of spaces.
const lockedNames = `bucket, live, quota, cap, admins, generation`

// FOR UPDATE keeps all other writers of the app away.
func (plain) lockAll() string {
	return `SELECT ` + lockedNames + ` FROM spaces WHERE sdkappid = $1 ORDER BY bucket FOR UPDATE`
}

func (plain) fence() string { return "KEY SHARE" }

func (plain) lookup(app account.AppID, ids []string) (string, []any) {
	return rowsSQL, []any{int64(app), ids}
}

// An array in a condition costs less than a join with the array. Its plan is a search of the
// index for each id too, because sessionDefaults allow no other, and a session through a
// pooler plans each statement anew.
const statusSQL = `SELECT userid, internal_id, coalesce(kicked_s, 0) FROM accounts WHERE sdkappid = $1 AND userid = ANY ($2)`

func (plain) status(app account.AppID, ids []string) (string, []any) {
	return statusSQL, []any{int64(app), ids}
}
