package yard

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresConns is the number of connections of the naive server.
const postgresConns = 32

// A postgresStore is a naiveStore in PostgreSQL.
type postgresStore struct{ pool *pgxpool.Pool }

// NaivePostgres serves the account protocol from the database at dsn until ctx
// ends. The database must have been reset.
func NaivePostgres(ctx context.Context, dsn string) error {
	pool, err := OpenPool(ctx, dsn, postgresConns)
	if err != nil {
		return err
	}
	defer pool.Close()
	return serve(ctx, &naive{&postgresStore{pool}})
}

// OpenPool opens n connections to the database at dsn.
func OpenPool(ctx context.Context, dsn string, n int32) (*pgxpool.Pool, error) {
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	conf.MinConns, conf.MaxConns = n, n
	return pgxpool.NewWithConfig(ctx, conf)
}

// CreateDatabases creates empty databases with these names at dsn.
func CreateDatabases(ctx context.Context, dsn string, names ...string) error {
	var all []string
	for _, name := range names {
		all = append(all, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	}
	return Execute(ctx, dsn, all...)
}

// ResetPostgres drops and creates the table of accounts in the database at dsn.
func ResetPostgres(ctx context.Context, dsn string) error {
	return Execute(ctx, dsn, "DROP TABLE IF EXISTS accounts", schema, "CHECKPOINT")
}

// Execute runs statements, each in a transaction of its own, in the database at dsn.
func Execute(ctx context.Context, dsn string, statements ...string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", sql, err), conn.Close(ctx))
		}
	}
	return conn.Close(ctx)
}

func (s *postgresStore) upsert(ctx context.Context, items []account) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		for _, a := range items {
			_, err := tx.Exec(ctx, `INSERT INTO accounts VALUES ($1, $2, $3, $4)
				ON CONFLICT (userid) DO UPDATE SET nick = excluded.nick, face_url = excluded.face_url`,
				a.UserID, a.Nick, a.FaceUrl, now())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *postgresStore) exists(ctx context.Context, ids []string) ([]bool, error) {
	found := make([]bool, len(ids))
	for i, id := range ids {
		var one int
		switch err := s.pool.QueryRow(ctx, `SELECT 1 FROM accounts WHERE userid = $1`, id).Scan(&one); {
		case err == nil:
			found[i] = true
		case !errors.Is(err, pgx.ErrNoRows):
			return nil, err
		}
	}
	return found, nil
}
