package postgres

import (
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// citus is the dialect of Citus. It inserts by VALUES, because Citus would collect the rows
// of an INSERT … SELECT on one node first; insertFresh is the exception. Every other
// statement names the buckets, so that Citus leaves out the shards without them.
type citus struct {
	texts sync.Map // statements by their number of rows, see statement
}

// A shape is the beginning, a row and the end of a statement with VALUES.
type shape struct{ begin, row, end string }

// importShape is the shape of imports. Its parameters before the rows are the app and the
// bound of tombstones.
var importShape = &shape{
	begin: `INSERT INTO accounts AS a (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url) VALUES `,
	row:   `(?1, $1, ?2, ?2, ?3, ?4, ?5, ?6)`,
	end:   strings.ReplaceAll(onImport, "$8", "$2"),
}

// putShape is the shape of puts. Its parameter before the rows is the app.
var putShape = &shape{
	begin: `INSERT INTO accounts (` + putNames + `) VALUES `,
	row:   `(?1, $1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8::text, '')::jsonb, nullif(?9::bigint, 0), nullif(?10::bigint, 0), nullif(?11::bigint, 0))`,
	end:   onPut,
}

// A shapeOf identifies a statement.
type shapeOf struct {
	*shape
	rows int
}

// statement returns the statement of a shape for a number of rows. Its parameters are those
// before the rows, of which there are before, then those of each row.
func (c *citus) statement(sh *shape, before, each, rows int) string {
	if text, ok := c.texts.Load(shapeOf{sh, rows}); ok {
		return text.(string)
	}
	var b strings.Builder
	b.WriteString(sh.begin)
	pairs := make([]string, 0, 2*each)
	for i := range rows {
		pairs = pairs[:0]
		for p := each; p > 0; p-- { // ?11 before ?1
			pairs = append(pairs, "?"+strconv.Itoa(p), "$"+strconv.Itoa(before+i*each+p))
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.NewReplacer(pairs...).Replace(sh.row))
	}
	b.WriteString(sh.end)
	if rows <= groupItems { // larger ones are rare, and would fill the memory
		c.texts.Store(shapeOf{sh, rows}, b.String())
	}
	return b.String()
}

func (c *citus) queueImport(t *tx, app account.AppID, cs *importColumns, bound int64) *pgx.QueuedQuery {
	args := append(make([]any, 0, 2+6*len(cs.ids)), int64(app), bound)
	for i := range cs.ids {
		args = append(args, cs.proposed[i], cs.now[i], cs.bucket[i], cs.ids[i], cs.nicks[i], cs.faces[i])
	}
	return t.queue(c.statement(importShape, 2, 6, len(cs.ids)), args...)
}

const (
	countFreshSQL = `UPDATE spaces SET live = live + $3 WHERE sdkappid = $1 AND bucket = $2
		AND (quota = 0 AND $4::bigint = 0 OR (quota = $4 OR $4 = 0) AND live + $3 <= cap)`
	insertFreshSQL = `INSERT INTO accounts (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url)
		SELECT i, $1, m, m, b, u, n, f
		FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[]) AS r (i, m, b, u, n, f)`
)

// insertFresh is for transactions on a worker that has all the buckets. There Citus copies
// the rows of an INSERT … SELECT into its own shards, much faster than those of VALUES.
func (*citus) insertFresh(t *tx, app account.AppID, c *importColumns, bucket int32, limit int64) error {
	n := int64(len(c.ids))
	queueFresh(t, 1, countFreshSQL, int64(app), bucket, n, limit)
	queueFresh(t, n, insertFreshSQL, int64(app), c.proposed, c.now, c.bucket, c.ids, c.nicks, c.faces)
	return t.send()
}

func (c *citus) queuePut(t *tx, app account.AppID, cs *putColumns) {
	args := append(make([]any, 0, 1+11*len(cs.ids)), int64(app))
	for i := range cs.ids {
		args = append(args, cs.internal[i], cs.created[i], cs.updated[i], cs.bucket[i], cs.ids[i], cs.nicks[i], cs.faces[i],
			cs.profiles[i], cs.deleted[i], cs.kicked[i], cs.kickedUS[i])
	}
	t.queue(c.statement(putShape, 1, 11, len(cs.ids)), args...)
}

// citusIDs joins the rows of ids. $2 and $3 are their buckets and texts.
const citusIDs = ` unnest($2::int[], $3::text[]) AS u (b, i)`

const citusMatch = ` a.sdkappid = $1 AND a.bucket = u.b AND a.userid = u.i AND a.bucket = ANY ($2)`

func (*citus) queueFound(t *tx, app account.AppID, ids []string) *pgx.QueuedQuery {
	const sql = `SELECT userid, internal_id, coalesce(deleted_ms, 0) FROM accounts AS a,` + citusIDs + ` WHERE` + citusMatch
	return t.queue(sql, int64(app), bucketsOf(app, ids), ids)
}

const citusRowsSQL = `SELECT ` + columns + ` FROM accounts AS a,` + citusIDs + ` WHERE` + citusMatch

// queueRows locks rows by an update that changes nothing: Citus has no FOR UPDATE over
// several shards. The order of the locks is not known, so deadlocks are possible.
func (*citus) queueRows(t *tx, app account.AppID, ids []string, lock bool, read func(pgx.Rows) error) {
	sql := citusRowsSQL
	if lock {
		sql = `UPDATE accounts AS a SET updated_ms = a.updated_ms FROM` + citusIDs + ` WHERE` + citusMatch + ` RETURNING ` + columns
	}
	t.queue(sql, int64(app), bucketsOf(app, ids), ids).Query(read)
}

// queueBoth writes two shards. Otherwise Citus may commit on the one worker that has the
// accounts first, and on the coordinator, which has the records, afterwards. Two shards make
// it a two-phase commit.
func (*citus) queueBoth(t *tx, app account.AppID) {
	first := t.s.anyBucket()
	bs := []int32{first, (first + buckets/2) % buckets, (first + 1) % buckets, (first + 2) % buckets}
	t.queue(`UPDATE spaces SET live = live WHERE sdkappid = $1 AND bucket = ANY ($2)`, int64(app), bs)
}

// lockAll locks by an update that changes nothing, see queueRows.
func (*citus) lockAll() string {
	return `UPDATE spaces SET live = live WHERE sdkappid = $1 RETURNING ` + lockedNames
}

// fence is stronger than on PostgreSQL, because the update of lockAll is weaker than FOR UPDATE.
func (*citus) fence() string { return "SHARE" }

func (*citus) lookup(app account.AppID, ids []string) (string, []any) {
	return citusRowsSQL, []any{int64(app), bucketsOf(app, ids), ids}
}

func (*citus) status(app account.AppID, ids []string) (string, []any) {
	const sql = `SELECT userid, internal_id, coalesce(kicked_s, 0) FROM accounts AS a,` + citusIDs + ` WHERE` + citusMatch
	return sql, []any{int64(app), bucketsOf(app, ids), ids}
}

// bucketsOf returns the buckets of ids.
func bucketsOf(app account.AppID, ids []string) []int32 {
	bs := make([]int32, len(ids))
	for i, id := range ids {
		bs[i] = bucketOf(app, account.UserID(id))
	}
	return bs
}
