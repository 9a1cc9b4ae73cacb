package yard

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver sqlite3
)

// sqliteReaders is the number of connections that read. One connection writes.
const sqliteReaders = 4

// A sqliteStore is a naiveStore in a file.
type sqliteStore struct {
	writer, readers *sql.DB
	insert, find    *sql.Stmt
}

// NaiveSQLite serves the account protocol from SQLite in dir until ctx ends.
func NaiveSQLite(ctx context.Context, dir string) error {
	s, err := openSQLite(ctx, filepath.Join(dir, "accounts.db"))
	if err != nil {
		return err
	}
	return errors.Join(serve(ctx, &naive{s}), s.writer.Close(), s.readers.Close())
}

func openSQLite(ctx context.Context, file string) (s *sqliteStore, err error) {
	dsn := "file:" + file + "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000&_txlock=immediate"
	s = new(sqliteStore)
	if s.writer, err = sql.Open("sqlite3", dsn); err != nil {
		return nil, err
	}
	s.writer.SetMaxOpenConns(1)
	if s.readers, err = sql.Open("sqlite3", dsn); err != nil {
		return nil, err
	}
	s.readers.SetMaxOpenConns(sqliteReaders)
	s.readers.SetMaxIdleConns(sqliteReaders)
	if _, err := s.writer.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	s.insert, err = s.writer.PrepareContext(ctx, `INSERT INTO accounts VALUES (?, ?, ?, ?)
		ON CONFLICT (userid) DO UPDATE SET nick = excluded.nick, face_url = excluded.face_url`)
	if err != nil {
		return nil, err
	}
	s.find, err = s.readers.PrepareContext(ctx, `SELECT 1 FROM accounts WHERE userid = ?`)
	return s, err
}

func (s *sqliteStore) upsert(ctx context.Context, items []account) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after a commit
	insert := tx.StmtContext(ctx, s.insert)
	for _, a := range items {
		if _, err := insert.ExecContext(ctx, a.UserID, a.Nick, a.FaceUrl, now()); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *sqliteStore) exists(ctx context.Context, ids []string) ([]bool, error) {
	found := make([]bool, len(ids))
	for i, id := range ids {
		var one int
		switch err := s.find.QueryRowContext(ctx, id).Scan(&one); {
		case err == nil:
			found[i] = true
		case !errors.Is(err, sql.ErrNoRows):
			return nil, err
		}
	}
	return found, nil
}
