package postgres

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

var (
	_ account.Exporter = (*Store)(nil)
	_ account.Dumper   = (*Store)(nil)
)

// Statements of exports. $2 is the id after which they begin, and $3 and $4 are the bounds
// of a prefix.
const (
	exportSQL       = `SELECT ` + columns + ` FROM accounts WHERE sdkappid = $1 AND userid > $2 AND userid >= $3`
	exportPrefixSQL = exportSQL + ` AND userid < $4`
	exportLiveSQL   = ` AND deleted_ms IS NULL`
	exportOrderSQL  = ` ORDER BY userid`
)

// Limits of the time in which the database must send a row of an export.
const (
	rowTime  = 30 * time.Second
	sortTime = 10 * time.Minute // of the first row: the database may sort all accounts before
)

// errSilent is the error of an export whose database sends nothing.
var errSilent = &account.Error{Code: account.Unavailable, Detail: outOfTime}

// Export implements [account.Exporter]. It reads through a connection of its own, so that
// long exports leave the pool to other calls.
func (s *Store) Export(ctx context.Context, app account.AppID, q account.ExportQuery) iter.Seq2[*account.Exported, error] {
	return func(yield func(*account.Exported, error) bool) {
		err := s.export(ctx, app, q, func(e *account.Exported) bool { return yield(e, nil) })
		if err != nil {
			yield(nil, err)
		}
	}
}

func (s *Store) export(ctx context.Context, app account.AppID, q account.ExportQuery, yield func(*account.Exported) bool) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.life, func() { cancel(errClosed) })()
	idle := time.AfterFunc(s.rowTime, func() { cancel(errSilent) })
	defer idle.Stop()
	sql, args, ok := exportQuery(app, q)
	if !ok {
		return nil
	}
	conn, err := s.snapshot(ctx)
	if err != nil {
		return exportError(ctx, err)
	}
	defer hangUp(conn)
	idle.Reset(sortTime)
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return exportError(ctx, err)
	}
	more, err := yieldRows(rows, func(e *account.Exported) bool {
		idle.Stop() // the caller may be slow
		defer func() { idle.Reset(s.rowTime) }()
		return yield(e)
	})
	if !more {
		return nil // the caller has seen enough
	}
	return exportError(ctx, err)
}

// exportQuery returns the statement of an export and its arguments, or false if no id has
// the prefix.
func exportQuery(app account.AppID, q account.ExportQuery) (sql string, args []any, ok bool) {
	from, to, ok := idRange(q.Prefix)
	sql, args = exportSQL, []any{int64(app), afterID(q.After), from}
	if to != "" {
		sql, args = exportPrefixSQL, append(args, to)
	}
	if !q.Gone {
		sql += exportLiveSQL
	}
	return sql + exportOrderSQL, args, ok
}

// snapshot returns a new connection whose queries all see the same moment.
func (s *Store) snapshot(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, s.config.ConnConfig.Copy())
	if err != nil {
		return nil, err
	}
	var b pgx.Batch
	b.Queue("begin isolation level repeatable read read only")
	b.Queue("set local statement_timeout = 0")
	b.Queue("set local enable_seqscan = on") // to read everything and sort it can be faster
	if err := conn.SendBatch(ctx, &b).Close(); err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// hangUp closes a connection. It does not wait for rows that are not read.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.PgConn().Conn().SetDeadline(time.Now()) // so that no goroutine reads the rest
	_ = conn.Close(ctx)
}

// yieldRows yields rows until there are no more. more is false if yield wants no more.
func yieldRows(rows pgx.Rows, yield func(*account.Exported) bool) (more bool, err error) {
	for sc := newScanner(); rows.Next(); {
		r, err := sc.scan(rows)
		if err != nil {
			return true, err
		}
		e := account.Exported{Account: r.Account}
		if !r.live() {
			e.Deleted = time.UnixMilli(r.deleted).UTC()
		}
		if !yield(&e) {
			return false, nil
		}
	}
	return true, rows.Err()
}

// exportError returns the error of an export.
func exportError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if context.Cause(ctx) == errSilent {
		return errSilent
	}
	if ctx.Err() != nil {
		return &account.Error{Code: account.Unavailable, Detail: "the export was ended, or the store was closed; begin it again", Err: err}
	}
	return errorOf(err, false)
}

// errLimit ends a dump that is too large.
var errLimit = errors.New("the app has more ids than the limit")

// Dump implements [account.Dumper].
func (s *Store) Dump(ctx context.Context, app account.AppID, limit int) (*account.Dump, error) {
	dump := new(account.Dump)
	dump.Accounts, dump.Gone = []account.Account{}, []account.Gone{}
	full := false
	err := s.export(ctx, app, account.ExportQuery{Gone: true}, func(e *account.Exported) bool {
		if full = dump.Len() == limit; full {
			return false
		}
		if e.Gone() {
			dump.Gone = append(dump.Gone, account.Gone{ID: e.ID, Deleted: e.Deleted, Kicked: e.Kicked})
		} else {
			dump.Accounts = append(dump.Accounts, e.Account)
		}
		return true
	})
	switch {
	case err != nil:
		return nil, err
	case full:
		return nil, &account.Error{Code: account.Conflict, Err: errLimit}
	}
	return dump, nil
}
