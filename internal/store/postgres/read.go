package postgres

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/internal/account"
)

// groupIDs is the most ids of a group of checks, unless one call alone has more.
const groupIDs = 800

// A checked is a call of Status.
type checked struct {
	call
	app account.AppID
	ids []account.UserID

	results []account.Status
}

// Status implements [account.Store].
func (s *Store) Status(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	ids = ownIDs(ids)
	parts := s.split(app, len(ids), func(i int) account.UserID { return ids[i] }, false)
	calls := make([]*checked, len(parts))
	errs := make([]error, len(parts))
	for k := range parts {
		c := &checked{app: app, ids: cut(&parts[k], ids), results: make([]account.Status, parts[k].all)}
		c.init(ctx)
		calls[k] = c
		if errs[k] = parts[k].target.checks.submit(ctx, c); errs[k] != nil {
			c.done <- errs[k]
		}
	}
	results := make([]account.Status, len(ids))
	for k, c := range calls {
		if err := c.wait(true); err != nil {
			return nil, err
		}
		join(&parts[k], results, c.results)
	}
	return results, nil
}

// ownIDs returns a copy of ids that shares no memory with the caller.
func ownIDs(ids []account.UserID) []account.UserID {
	all := strings.Join(texts(ids), "")
	own := make([]account.UserID, len(ids))
	for i, id := range ids {
		own[i], all = account.UserID(all[:len(id)]), all[len(id):]
	}
	return own
}

// checkGroup works on the checks of a lane, which are all of one app.
func (s *Store) checkGroup(t *target, calls []*checked) {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	ids, results := checkedIDs(calls)
	sql, args := s.sql.status(calls[0].app, ids)
	err := s.reading(ctx, t.pool, func(conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		return readStatus(rows, results)
	})
	for _, c := range calls {
		c.done <- err
	}
}

// A checkedID is an id of a call. The calls of a group can have an id several times.
type checkedID struct {
	result *account.Status
	next   *checkedID // of the same id
}

// checkedIDs returns the ids of calls, each once, and their results.
func checkedIDs(calls []*checked) ([]string, map[string]*checkedID) {
	n := 0
	for _, c := range calls {
		n += len(c.ids)
	}
	ids, all, results := make([]string, 0, n), make([]checkedID, n), make(map[string]*checkedID, n)
	for _, c := range calls {
		for i, id := range c.ids {
			if !storable(id) {
				continue
			}
			last := results[string(id)]
			if last == nil {
				ids = append(ids, string(id))
			}
			n--
			all[n] = checkedID{&c.results[i], last}
			results[string(id)] = &all[n]
		}
	}
	return ids, results
}

// readStatus stores the rows in the results of their ids.
func readStatus(rows pgx.Rows, results map[string]*checkedID) error {
	var id pgtype.DriverBytes // which is not copied
	var internal, kicked int64
	_, err := pgx.ForEachRow(rows, []any{&id, &internal, &kicked}, func() error {
		for c := results[string(id)]; c != nil; c = c.next {
			*c.result = account.Status{InternalID: uint64(internal), Kicked: kicked}
		}
		return nil
	})
	return err
}

// Lookup implements [account.Store].
func (s *Store) Lookup(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Account, error) {
	found, err := s.rows(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	as := make([]account.Account, len(ids))
	for i, id := range ids {
		as[i].ID = account.UserID(strings.Clone(string(id)))
		if r := found[id]; r != nil && r.live() {
			as[i] = r.Account
			as[i].Profile = slices.Clone(r.Profile) // an id may be repeated
		}
	}
	return as, nil
}

// Deleted implements [account.Rememberer].
func (s *Store) Deleted(ctx context.Context, app account.AppID, id account.UserID) (time.Time, error) {
	found, err := s.rows(ctx, app, []account.UserID{id})
	if err != nil {
		return time.Time{}, err
	}
	r := found[id]
	if r == nil || r.live() || r.deleted == 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(r.deleted).UTC(), nil
}

// rows returns the rows of ids, deleted ones too.
func (s *Store) rows(ctx context.Context, app account.AppID, ids []account.UserID) (table, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	found := table{}
	sql, args := s.sql.lookup(app, texts(sorted(ids)))
	err := s.reading(ctx, s.pool, func(conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		return found.read(rows)
	})
	return found, err
}

// A page begins after the id $2 and at the text $3. $5 is the end of a prefix.
const (
	listFromSQL   = `SELECT ` + columns + ` FROM accounts WHERE sdkappid = $1 AND userid > $2 AND userid >= $3 AND deleted_ms IS NULL`
	listSQL       = listFromSQL + ` ORDER BY userid LIMIT $4`
	listPrefixSQL = listFromSQL + ` AND userid < $5 ORDER BY userid LIMIT $4`
)

// List implements [account.Store].
func (s *Store) List(ctx context.Context, app account.AppID, q account.ListQuery) (account.ListPage, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return account.ListPage{}, err
	}
	from, to, ok := idRange(q.Prefix)
	if !ok {
		return account.ListPage{}, nil
	}
	sql, args := listSQL, []any{int64(app), afterID(q.After), from, q.Limit + 1}
	if to != "" {
		sql, args = listPrefixSQL, append(args, to)
	}
	var page account.ListPage
	err := s.reading(ctx, s.pool, func(conn *pgxpool.Conn) error {
		page = account.ListPage{}
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		page.Accounts, err = readAccounts(rows)
		return err
	})
	if err != nil {
		return account.ListPage{}, err
	}
	if len(page.Accounts) > q.Limit {
		page.Accounts = page.Accounts[:q.Limit]
		page.Next = page.Accounts[q.Limit-1].ID
	}
	return page, nil
}

func readAccounts(rows pgx.Rows) (as []account.Account, err error) {
	defer rows.Close()
	for sc := newScanner(); rows.Next(); {
		r, err := sc.scan(rows)
		if err != nil {
			return nil, err
		}
		as = append(as, r.Account)
	}
	return as, rows.Err()
}

// idRange returns the first text with a prefix, and the first one after all of them or ""
// if there is none. It returns false if no id has the prefix.
func idRange(prefix account.UserID) (from, to string, ok bool) {
	if !storable(prefix) {
		return "", "", false
	}
	if prefix == "" {
		return "", "", true
	}
	rs := []rune(prefix)
	for len(rs) > 0 && rs[len(rs)-1] == utf8.MaxRune {
		rs = rs[:len(rs)-1]
	}
	if len(rs) == 0 {
		return string(prefix), "", true
	}
	rs[len(rs)-1]++
	if rs[len(rs)-1] == 0xd800 { // the surrogates are no characters
		rs[len(rs)-1] = 0xe000
	}
	return string(prefix), string(rs), true
}

// afterID returns a text that sorts between the same ids as id.
func afterID(id account.UserID) string {
	if storable(id) {
		return string(id)
	}
	text := string(id)
	for i, r := range text {
		if r == 0 || r == utf8.RuneError {
			return text[:i] + map[bool]string{true: "", false: "\U0010ffff"}[r == 0]
		}
	}
	return text
}

const totalSQL = `SELECT coalesce(sum(live), 0)::bigint FROM spaces WHERE sdkappid = $1`

// Count implements [account.Store].
func (s *Store) Count(ctx context.Context, app account.AppID) (n int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err = s.reading(ctx, s.pool, func(conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, totalSQL, int64(app)).Scan(&n)
	})
	return n, err
}
