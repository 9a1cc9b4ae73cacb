package postgres

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/internal/account"
)

// Options configure [Open].
type Options struct {
	// URL is the address of the database, postgres://…, with the parameters of pgx, such as
	// pool_max_conns, sslmode and default_query_exec_mode.
	URL string

	Logger *slog.Logger // nil logs nothing

	// For tests.
	hook          func(written bool) error // see storetest.Hook
	spread        int32                    // instead of buckets
	worthDividing int64
	always        bool // expect new accounts always
}

// A Store is a handle of an engine in a database, see [Open].
type Store struct {
	lg     *slog.Logger
	url    string
	config *pgxpool.Config
	pool   *pgxpool.Pool
	sql    dialect

	distributed bool // over the workers of Citus

	hook func(written bool) error

	spread        int32 // the rows of a space that are used
	worthDividing int64
	rowTime       time.Duration // see export

	main      *target            // the database of the URL
	workers   map[string]*target // of Citus, by address; only the poll uses it
	placement atomic.Pointer[placement]

	ids     internalIDs
	fresh   streaks
	watch   *watch
	retries atomic.Int64 // attempts of calls after the first

	busyMu sync.Mutex
	busy   map[*pgxpool.Conn]net.Conn // connections of calls, see moved

	life  context.Context // ends when the store is closed
	stop  context.CancelFunc
	polls sync.WaitGroup // the poll
	ended sync.WaitGroup // lanes
}

var _ account.Engine = (*Store)(nil)

// Open connects to the database. The database must have the schema of this version; see
// [Migrate].
func Open(ctx context.Context, o Options) (*Store, error) {
	config, err := poolConfig(o)
	if err != nil {
		return nil, err
	}
	s := &Store{
		lg: o.log(), url: o.URL, config: config, hook: o.hook,
		spread: cmp.Or(o.spread, buckets), worthDividing: cmp.Or(o.worthDividing, worthDividing),
		rowTime: rowTime, sql: plain{}, workers: map[string]*target{}, busy: map[*pgxpool.Conn]net.Conn{},
	}
	if s.hook == nil {
		s.hook = func(bool) error { return nil }
	}
	s.ids.s, s.watch = s, newWatch(s)
	if !o.always {
		s.fresh.after = freshAfter
	}
	if err := s.inspect(ctx); err != nil {
		return nil, startError(config, err)
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, startError(config, err)
	}
	s.life, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.main = s.newTarget(s.pool)
	if err := s.watch.poll(ctx); err != nil {
		return nil, errors.Join(startError(config, err), s.Close())
	}
	s.polls.Go(func() { s.watch.run(s.life) })
	return s, nil
}

// inspect checks the schema of the database and chooses its dialect.
func (s *Store) inspect(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.config.ConnConfig.Copy())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := checkSchema(ctx, conn); err != nil {
		return err
	}
	var distributed bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')`).Scan(&distributed)
	if distributed {
		distribute(s.config)
		s.sql, s.distributed = new(citus), true
	}
	return err
}

// distribute prepares the configuration of connections to Citus. It plans most statements
// again each time, and those with VALUES are rarely repeated.
func distribute(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec }

// Ready implements [account.Store].
func (s *Store) Ready(context.Context) error { return s.watch.ready() }

// Close implements [account.Store]. Calls that are under way end first.
func (s *Store) Close() error {
	s.stop()
	s.polls.Wait()
	s.watch.disconnect() // if the first poll has failed, nobody else does
	s.main.close()
	for _, t := range s.workers {
		t.close()
	}
	s.ended.Wait()
	s.pool.Close()
	for _, t := range s.workers {
		t.pool.Close()
	}
	return nil
}
