package postgres

import (
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// A row is a row of the table accounts.
type row struct {
	account.Account

	deleted  int64 // of a tombstone, in unix milliseconds; otherwise 0
	mark     int64 // of a tombstone: tells the call that deleted the account from all others; its column is updated_ms
	kickedUS int64 // when Kicked changed, in microseconds of the database's clock; 0 for never
	stored   bool  // the table has the row
	changed  bool  // and has it differently
}

// live reports whether r is an account.
func (r *row) live() bool { return r.InternalID != 0 }

// columns lists the columns of a row in the order of scan. It has no alias of the table, so
// it fits every query of one table.
const columns = `internal_id, created_ms, updated_ms, userid, nick, face_url, profile::text,
	coalesce(deleted_ms, 0), coalesce(kicked_s, 0), coalesce(kicked_us, 0)`

// A scanner reads rows and uses the memory for their columns again.
type scanner struct {
	internal, created, updated int64
	id, nick, face             string
	profile                    []byte
	row                        row
	targets                    []any
}

func newScanner() *scanner {
	s := new(scanner)
	s.targets = []any{
		&s.internal, &s.created, &s.updated, &s.id, &s.nick, &s.face, &s.profile,
		&s.row.deleted, &s.row.Kicked, &s.row.kickedUS,
	}
	return s
}

// scan reads the current row of rows, which may begin with further columns, for more.
func (s *scanner) scan(rows pgx.Rows, more ...any) (row, error) {
	s.row, s.profile = row{stored: true}, nil
	if err := rows.Scan(append(more, s.targets...)...); err != nil {
		return row{}, err
	}
	r := s.row
	r.ID, r.Nick, r.FaceURL = account.UserID(s.id), unescape(s.nick), unescape(s.face)
	r.InternalID = uint64(s.internal)
	if r.live() {
		r.Created, r.Updated = time.UnixMilli(s.created).UTC(), time.UnixMilli(s.updated).UTC()
	} else {
		r.mark = s.updated
	}
	var err error
	r.Profile, err = decodeProfile(s.profile)
	return r, err
}

// gone returns the tombstone of an account that the call with a mark deletes.
func (r row) gone(now time.Time, mark int64) row {
	return row{
		Account: account.Account{ID: r.ID, Kicked: r.Kicked},
		deleted: now.UnixMilli(), mark: mark, kickedUS: r.kickedUS, stored: true, changed: true,
	}
}

// A table contains rows by their ids.
type table map[account.UserID]*row

// of returns the row of an id, which it adds if there is none.
func (t table) of(id account.UserID) *row {
	r, ok := t[id]
	if !ok {
		r = &row{Account: account.Account{ID: id}}
		t[id] = r
	}
	return r
}

// changes returns the rows that differ from the stored ones, in the order of ids.
func (t table) changes() []*row {
	var rs []*row
	for _, r := range t {
		if r.changed {
			rs = append(rs, r)
		}
	}
	slices.SortFunc(rs, func(a, b *row) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return rs
}

// sorted returns ids in order, none twice, without those that cannot have a row.
func sorted(ids []account.UserID) []account.UserID {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id account.UserID) bool { return !storable(id) })
	slices.Sort(ids)
	return slices.Compact(ids)
}
