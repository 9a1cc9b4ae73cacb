package postgres

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/internal/account"
)

// Numbers of lanes. More lanes than these are not faster: a group becomes smaller, and the
// database has more transactions at a time.
const (
	importLanes = 8
	checkLanes  = 4
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
}

// A Store is a handle of an engine in a database, see [Open].
type Store struct {
	lg     *slog.Logger
	config *pgxpool.Config
	pool   *pgxpool.Pool
	hook   func(written bool) error

	spread        int32 // the rows of a space that are used
	worthDividing int64

	imports combiner[*imported]
	checks  combiner[*checked]
	ids     internalIDs
	watch   *watch
	retries atomic.Int64 // attempts of calls after the first

	life  context.Context // ends when the store is closed
	stop  context.CancelFunc
	ended sync.WaitGroup // lanes and the poll
}

var _ account.Engine = (*Store)(nil)

// Open connects to the database. The database must have the schema of this version; see
// [Migrate].
func Open(ctx context.Context, o Options) (*Store, error) {
	config, err := poolConfig(o)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.OnNotice = onNotice
	s := &Store{lg: o.log(), config: config, hook: o.hook, spread: cmp.Or(o.spread, buckets), worthDividing: cmp.Or(o.worthDividing, worthDividing)}
	if s.hook == nil {
		s.hook = func(bool) error { return nil }
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, errorOf(err, false)
	}
	s.ids.s, s.watch = s, newWatch(s)
	s.imports = combiner[*imported]{
		queue: make(chan *imported, queued), most: groupItems, cost: func(c *imported) int { return len(c.items) }, fits: together, work: s.importGroup,
	}
	s.checks = combiner[*checked]{
		queue: make(chan *checked, queued), most: groupIDs, cost: func(c *checked) int { return len(c.ids) },
		fits: func(*checked, *checked) bool { return true }, work: s.checkGroup,
	}
	if err := s.start(ctx); err != nil {
		s.pool.Close()
		return nil, err
	}
	return s, nil
}

// start checks the database and starts the lanes and the poll.
func (s *Store) start(ctx context.Context) error {
	err := s.reading(ctx, s.pool, func(conn *pgxpool.Conn) error { return checkSchema(ctx, conn.Conn()) })
	if err != nil {
		return err
	}
	if err := s.watch.poll(ctx); err != nil {
		return errorOf(err, false)
	}
	s.life, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	for range importLanes {
		s.ended.Go(s.imports.lane)
	}
	for range checkLanes {
		s.ended.Go(s.checks.lane)
	}
	s.ended.Go(func() { s.watch.run(s.life) })
	return nil
}

// Ready implements [account.Store].
func (s *Store) Ready(context.Context) error { return s.watch.ready() }

// Close implements [account.Store]. Calls that are under way end first.
func (s *Store) Close() error {
	close(s.imports.queue)
	close(s.checks.queue)
	s.stop()
	s.ended.Wait()
	s.pool.Close()
	return nil
}
