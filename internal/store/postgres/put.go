package postgres

import (
	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// putRows is the most rows that one statement writes.
const putRows = 2000

const putSQL = `INSERT INTO accounts (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url, profile, deleted_ms, kicked_s, kicked_us)
	SELECT i, $1, c, m, b, u, n, f, nullif(p, '')::jsonb, nullif(d, 0), nullif(k, 0), nullif(ku, 0)
	FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[])
		AS r (i, c, m, b, u, n, f, p, d, k, ku)
	ON CONFLICT (sdkappid, userid, bucket) DO UPDATE SET ` + onPutConflict

const onPutConflict = `internal_id = excluded.internal_id, created_ms = excluded.created_ms, updated_ms = excluded.updated_ms,
		nick = excluded.nick, face_url = excluded.face_url, profile = excluded.profile,
		deleted_ms = excluded.deleted_ms, kicked_s = excluded.kicked_s, kicked_us = excluded.kicked_us`

// putColumns are the parameters of putSQL.
type putColumns struct {
	internal, created, updated, deleted, kicked, kickedUS []int64
	bucket                                                []int32
	ids, nicks, faces, profiles                           []string
}

func (c *putColumns) add(app account.AppID, r *row) {
	var created, updated int64
	if r.live() {
		created, updated = r.Created.UnixMilli(), r.Updated.UnixMilli()
	}
	c.internal, c.created, c.updated = append(c.internal, int64(r.InternalID)), append(c.created, created), append(c.updated, updated)
	c.deleted, c.kicked, c.kickedUS = append(c.deleted, r.deleted), append(c.kicked, r.Kicked), append(c.kickedUS, r.kickedUS)
	c.bucket, c.ids = append(c.bucket, bucketOf(app, r.ID)), append(c.ids, string(r.ID))
	c.nicks, c.faces = append(c.nicks, escape(r.Nick)), append(c.faces, escape(r.FaceURL))
	c.profiles = append(c.profiles, encodeProfile(r.Profile))
}

// queuePut writes rows of an app, in the order of ids. The caller has locked those that
// exist, or the whole space.
func queuePut(t *tx, app account.AppID, rows []*row) {
	for len(rows) > 0 {
		n := min(len(rows), putRows)
		c := new(putColumns)
		for _, r := range rows[:n] {
			c.add(app, r)
		}
		t.queue(putSQL, int64(app), c.internal, c.created, c.updated, c.bucket, c.ids, c.nicks, c.faces, c.profiles, c.deleted, c.kicked, c.kickedUS)
		rows = rows[n:]
	}
}

// The subquery is not merged into the join because of its OFFSET or its lock, so the plan
// is always one search of the index for each id.
const (
	rowsSQL     = `SELECT a.* FROM unnest($2::text[]) AS u (id), LATERAL (SELECT ` + columns + ` FROM accounts WHERE sdkappid = $1 AND userid = u.id OFFSET 0) AS a`
	lockRowsSQL = `SELECT a.* FROM unnest($2::text[]) AS u (id), LATERAL (SELECT ` + columns + ` FROM accounts WHERE sdkappid = $1 AND userid = u.id FOR NO KEY UPDATE) AS a`
)

// queueRows reads the rows of ids into the returned table when t is sent. lock locks them
// in the order of ids.
func queueRows(t *tx, app account.AppID, ids []account.UserID, lock bool) table {
	rows := table{}
	if ids = sorted(ids); len(ids) == 0 {
		return rows
	}
	sql := rowsSQL
	if lock {
		sql = lockRowsSQL
	}
	t.queue(sql, int64(app), texts(ids)).Query(func(found pgx.Rows) error { return rows.read(found) })
	return rows
}

// loadRows is queueRows with a round trip of its own.
func loadRows(t *tx, app account.AppID, ids []account.UserID, lock bool) (table, error) {
	rows := queueRows(t, app, ids, lock)
	return rows, t.send()
}

// read adds the rows that a query has found.
func (t table) read(found pgx.Rows) error {
	defer found.Close()
	for sc := newScanner(); found.Next(); {
		r, err := sc.scan(found)
		if err != nil {
			return err
		}
		t[r.ID] = &r
	}
	return found.Err()
}
