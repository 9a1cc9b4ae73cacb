package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Tables of the migrations themselves. Another program in the database may use goose's
// usual names.
const (
	versionTable = "rollcall_version"
	lockTable    = "rollcall_migrating"
)

// Times of the lock that keeps two migrations apart. It is a row of a table, because
// poolers and Citus do not work with advisory locks.
const (
	lockRetry = 500 * time.Millisecond // between two attempts to get the lock
	lockLease = 30 * time.Second       // after which the lock of a process that died is free
	lockBeat  = 5 * time.Second        // between two renewals of the lease
)

// migrateConns is the number of connections of a migration: for its statements, its lock
// and the version.
const migrateConns = 4

// migrations returns the embedded migrations.
func migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return sub
}

// SchemaVersion returns the version of the schema that this program works with.
func SchemaVersion() int64 { return newestVersion() }

// newestVersion returns the version of the schema that this program works with.
func newestVersion() (newest int64) {
	names, err := fs.Glob(migrations(), "*.sql")
	for _, name := range names {
		var n int64
		if n, err = goose.NumericComponent(name); err != nil {
			break
		}
		newest = max(newest, n)
	}
	if err != nil {
		panic(err) // a file has a wrong name
	}
	return newest
}

// Migrate brings the schema of a database to the version of this program, and creates it in
// an empty database. It returns the versions before and after. Several processes may migrate
// one database at once: one works, and the others wait for it until ctx ends. An interrupted
// migration leaves the schema at one of the versions.
//
// If the schema is up to date, Migrate changes nothing and needs only the rights of
// [Grant]. Otherwise the user of the URL must be allowed to create tables. The error is one
// sentence that says what to do.
func Migrate(ctx context.Context, o Options) (from, to int64, err error) {
	err = withPool(ctx, o, func(pool *pgxpool.Pool) error {
		from, to, err = migrate(ctx, pool, o.log())
		return err
	})
	return from, to, err
}

// withPool calls fn with connections for a migration, and explains its error.
func withPool(ctx context.Context, o Options, fn func(*pgxpool.Pool) error) error {
	c, err := poolConfig(o)
	if err != nil {
		return err
	}
	c.MaxConns, c.MinConns, c.MinIdleConns = migrateConns, 0, 0
	if !pooled(c) {
		c.ConnConfig.RuntimeParams["statement_timeout"] = "0" // a large table takes its time
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return startError(c, err)
	}
	defer pool.Close()
	return startError(c, fn(pool))
}

// log returns the logger of o, or one that drops everything.
func (o Options) log() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}

func migrate(ctx context.Context, pool *pgxpool.Pool, lg *slog.Logger) (from, to int64, err error) {
	if err := checkServer(ctx, pool); err != nil {
		return 0, 0, err
	}
	if from, err = schemaVersion(ctx, pool); err != nil || from == newestVersion() {
		return from, from, err
	}
	if from > newestVersion() {
		return from, from, errNewer(from)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	err = locked(ctx, db, lg, func() error {
		from, to, err = apply(ctx, pool, db, lg)
		return err
	})
	return from, to, err
}

// locked calls fn while no other process migrates the database.
func locked(ctx context.Context, db *sql.DB, lg *slog.Logger, fn func() error) error {
	waits := false
	l, err := lock.NewPostgresTableLocker(
		lock.WithTableName(lockTable), lock.WithTableLeaseDuration(lockLease), lock.WithTableHeartbeatInterval(lockBeat),
		lock.WithTableLockTimeout(lockRetry, math.MaxInt64), lock.WithTableUnlockTimeout(lockRetry, 3),
		lock.WithTableLogger(slog.New(slog.DiscardHandler)), // errors are returned
		lock.WithTableRetryPolicy(func(err error) bool {
			if ofDriver(err) {
				return false
			}
			if !waits {
				lg.InfoContext(ctx, "waiting for another process that migrates the database")
			}
			waits = true
			return true
		}),
	)
	if err != nil {
		return err
	}
	if err := l.Lock(ctx, db); err != nil {
		return err
	}
	waits = true
	defer func() {
		if err := l.Unlock(ctx, db); err != nil {
			lg.WarnContext(ctx, "the lock of the migration was not released; it ends by itself", slog.Duration("after", lockLease))
		}
	}()
	return fn()
}

// ofDriver reports whether err is more than the news that another process has the lock.
func ofDriver(err error) bool {
	_, answer := errors.AsType[*pgconn.PgError](err)
	_, connect := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return answer || connect || network || errors.Is(err, context.Canceled) || pgconn.SafeToRetry(err)
}

// apply applies the migrations that the database lacks. The caller has the lock.
func apply(ctx context.Context, pool *pgxpool.Pool, db *sql.DB, lg *slog.Logger) (from, to int64, err error) {
	if from, err = schemaVersion(ctx, pool); err != nil {
		return 0, 0, err
	}
	if from > newestVersion() {
		return from, from, errNewer(from)
	}
	p, err := newProvider(db)
	if err != nil {
		return from, from, err
	}
	done, err := p.Up(ctx)
	if partial, ok := errors.AsType[*goose.PartialError](err); ok {
		done, err = partial.Applied, fmt.Errorf("migration %d: %w", partial.Failed.Source.Version, partial.Err)
	}
	to = from
	for _, m := range done {
		to = m.Source.Version
		lg.InfoContext(ctx, "migrated the database", slog.Int64("version", to), slog.Int64("took_ms", m.Duration.Milliseconds()))
	}
	return from, to, err
}

func newProvider(db *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, db, migrations(),
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
}

// grants are the rights that a server needs.
var grants = []string{
	"SELECT, INSERT, UPDATE, DELETE ON accounts, spaces, records, changes",
	"USAGE, SELECT, UPDATE ON SEQUENCE commit_numbers, internal_ids",
	"SELECT ON " + versionTable,
}

// Grant gives a role the rights that a server needs, and no others: it cannot create, change
// or remove tables. The user of the URL must own the schema. The role must exist. The error
// is one sentence that says what to do.
func Grant(ctx context.Context, o Options, role string) error {
	return withPool(ctx, o, func(pool *pgxpool.Pool) error {
		if err := checkSchema(ctx, pool); err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return grant(ctx, tx, role) })
	})
}

// CheckRole returns the error of [Grant] for a role that does not exist. It needs no schema.
func CheckRole(ctx context.Context, o Options, role string) error {
	return withPool(ctx, o, func(pool *pgxpool.Pool) error { return checkRole(ctx, pool, role) })
}

func checkRole(ctx context.Context, q rower, role string) error {
	var known bool
	err := q.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&known)
	if err == nil && !known {
		err = fmt.Errorf("the database has no role %q; create it with CREATE ROLE … LOGIN", role)
	}
	return err
}

func grant(ctx context.Context, tx pgx.Tx, role string) error {
	if err := checkRole(ctx, tx, role); err != nil {
		return err
	}
	var schema string
	if err := tx.QueryRow(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return err
	}
	for _, what := range append([]string{"USAGE ON SCHEMA " + pgx.Identifier{schema}.Sanitize()}, grants...) {
		if _, err := tx.Exec(ctx, "GRANT "+what+" TO "+pgx.Identifier{role}.Sanitize()); err != nil {
			return err
		}
	}
	return nil
}
