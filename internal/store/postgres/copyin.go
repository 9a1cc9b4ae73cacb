package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// COPY costs a database about a third of an INSERT that looks for conflicts. A load uses it
// if none of its ids has a row.

const copySQL = `COPY accounts (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url, profile, deleted_ms, kicked_s, kicked_us)
	FROM STDIN (FORMAT binary)`

// copyColumns is the number of columns in copySQL.
const copyColumns = 12

// nextSQL finds the first id from an id on. The order makes PostgreSQL use the index, also
// while its statistics are those of an empty table.
const nextSQL = `SELECT userid FROM accounts WHERE sdkappid = $1 AND userid >= $2 ORDER BY userid LIMIT 1`

// queueTaken finds out, when t is sent, whether one of the rows, or an id between them, has
// a row already.
func queueTaken(t *tx, app account.AppID, rows []account.Exported, taken *bool) {
	first, last := string(rows[0].ID), string(rows[len(rows)-1].ID)
	t.queue(nextSQL, int64(app), first).QueryRow(func(r pgx.Row) error {
		var id string
		err := r.Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		*taken = id <= last
		return err
	})
}

// copyIn writes rows that the database does not have. If another call has created one of
// them meanwhile, the transaction fails and is repeated; it then finds that row.
func copyIn(t *tx, app account.AppID, rows []*row) error {
	_, err := t.conn.Conn().PgConn().CopyFrom(t.ctx, bytes.NewReader(appendCopy(nil, app, rows)), copySQL)
	return err
}

// appendCopy appends rows in the binary format of COPY.
func appendCopy(b []byte, app account.AppID, rows []*row) []byte {
	b = append(b, "PGCOPY\n\xff\r\n\x00"...)
	b = append(b, make([]byte, 8)...) // flags and the length of an extension
	for _, r := range rows {
		b = appendCopyRow(b, app, r)
	}
	return binary.BigEndian.AppendUint16(b, 0xffff)
}

func appendCopyRow(b []byte, app account.AppID, r *row) []byte {
	var created, updated int64
	if r.live() {
		created, updated = r.Created.UnixMilli(), r.Updated.UnixMilli()
	}
	b = binary.BigEndian.AppendUint16(b, copyColumns)
	for _, n := range []int64{int64(r.InternalID), int64(app), created, updated} {
		b = appendCopyNumber(b, n)
	}
	b = binary.BigEndian.AppendUint32(b, 4)
	b = binary.BigEndian.AppendUint32(b, uint32(bucketOf(app, r.ID)))
	for _, text := range []string{string(r.ID), escape(r.Nick), escape(r.FaceURL)} {
		b = appendCopyText(b, "", text)
	}
	if profile := encodeProfile(r.Profile); profile == "" {
		b = appendCopyNull(b)
	} else {
		b = appendCopyText(b, "\x01", profile) // the version of the form of a jsonb
	}
	for _, n := range []int64{r.deleted, r.Kicked, r.kickedUS} {
		if n == 0 {
			b = appendCopyNull(b)
		} else {
			b = appendCopyNumber(b, n)
		}
	}
	return b
}

func appendCopyNull(b []byte) []byte { return binary.BigEndian.AppendUint32(b, 0xffffffff) }

func appendCopyNumber(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(n))
}

func appendCopyText(b []byte, prefix, text string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(prefix)+len(text)))
	return append(append(b, prefix...), text...)
}
