package postgres

import (
	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// putRows is the most rows that one statement writes.
const putRows = 2000

// putColumns are rows by columns.
type putColumns struct {
	internal, created, updated, deleted, kicked, kickedUS []int64
	bucket                                                []int32
	ids, nicks, faces, profiles                           []string
}

func (c *putColumns) add(app account.AppID, r *row) {
	created, updated := int64(0), r.mark
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
		t.s.sql.queuePut(t, app, c)
		rows = rows[n:]
	}
}

// queueRows reads the rows of ids into the returned table when t is sent. lock locks them
// in the order of ids.
func queueRows(t *tx, app account.AppID, ids []account.UserID, lock bool) table {
	rows := table{}
	if ids = sorted(ids); len(ids) == 0 {
		return rows
	}
	t.s.sql.queueRows(t, app, texts(ids), lock, rows.read)
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
