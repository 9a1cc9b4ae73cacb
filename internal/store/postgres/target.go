package postgres

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/internal/account"
)

// A target is a server that transactions are sent to: the database of the URL, or a worker
// of Citus. A transaction on a worker for accounts of that worker alone needs no two-phase
// commit.
type target struct {
	pool    *pgxpool.Pool
	imports combiner[*imported]
	checks  combiner[*checked]
}

// Numbers of lanes of a target. More lanes than these are not faster: a group becomes
// smaller, and the database has more transactions at a time. That costs most when many nodes
// share a database, because each of them has few calls for its lanes.
const (
	importLanes = 3
	checkLanes  = 4
)

// newTarget returns a target with its lanes, which end when the store is closed.
func (s *Store) newTarget(pool *pgxpool.Pool) *target {
	t := &target{pool: pool}
	t.imports.queue, t.imports.most, t.imports.fits = make(chan *imported, queued), groupItems, together
	t.imports.cost = func(c *imported) int { return len(c.items) }
	t.imports.work = func(calls []*imported) { s.importGroup(t, calls) }
	t.checks.queue, t.checks.most, t.checks.fits = make(chan *checked, queued), groupIDs, func(a, b *checked) bool { return a.app == b.app }
	t.checks.cost = func(c *checked) int { return len(c.ids) }
	t.checks.work = func(calls []*checked) { s.checkGroup(t, calls) }
	for range importLanes {
		s.ended.Go(t.imports.lane)
	}
	for range checkLanes {
		s.ended.Go(t.checks.lane)
	}
	return t
}

// close ends the lanes after the calls that they have.
func (t *target) close() {
	t.imports.close()
	t.checks.close()
}

// A placement says which worker of Citus has a bucket. On PostgreSQL there is none.
type placement struct {
	of [buckets]*target
}

// placeEvery is the time between two looks at the placement of shards. A transaction on a
// worker that a shard has left is slower, but not wrong.
const placeEvery = 10 * time.Second

const placementSQL = `WITH shards AS MATERIALIZED (
		SELECT b, get_shard_id_for_distribution_column('accounts'::regclass, b) AS shardid FROM generate_series(0, $1::int - 1) AS b)
	SELECT s.b, n.nodename, n.nodeport FROM shards AS s
	JOIN pg_dist_placement AS p USING (shardid)
	JOIN pg_dist_node AS n ON n.groupid = p.groupid AND n.noderole = 'primary'`

// place reads the placement. It connects to workers that are new.
func (s *Store) place(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, placementSQL, buckets)
	if err != nil {
		return err
	}
	p := new(placement)
	var bucket, port int
	var name string
	_, err = pgx.ForEachRow(rows, []any{&bucket, &name, &port}, func() error {
		t, err := s.worker(net.JoinHostPort(name, strconv.Itoa(port)), name, uint16(port))
		p.of[bucket] = t
		return err
	})
	if err == nil {
		s.placement.Store(p)
	}
	return err
}

// worker returns the target of a worker. Only one goroutine may call it.
func (s *Store) worker(addr, host string, port uint16) (*target, error) {
	if t, ok := s.workers[addr]; ok {
		return t, nil
	}
	config, err := poolConfig(Options{URL: atHost(s.url, host, port)})
	if err != nil {
		return nil, err
	}
	distribute(config)
	pool, err := pgxpool.NewWithConfig(s.life, config)
	if err != nil {
		return nil, err
	}
	t := s.newTarget(pool)
	s.workers[addr] = t
	return t, nil
}

// split returns the targets of ids, each with the indexes of its ids. together keeps all ids
// in one transaction of the main target.
func (s *Store) split(app account.AppID, n int, id func(int) account.UserID, together bool) []part {
	p := s.placement.Load()
	if p == nil || together || n == 0 {
		return []part{{target: s.main, all: n}}
	}
	var parts []part
	at := map[*target]int{}
	for i := range n {
		t := p.of[bucketOf(app, id(i))]
		if t == nil {
			t = s.main // a shard without a worker that serves
		}
		k, ok := at[t]
		if !ok {
			k = len(parts)
			at[t] = k
			parts = append(parts, part{target: t})
		}
		parts[k].indexes = append(parts[k].indexes, i)
	}
	for k := range parts {
		parts[k].all = len(parts[k].indexes)
	}
	if len(parts) == 1 {
		parts[0].indexes = nil
	}
	return parts
}

// A part is the ids of a call that belong to a target.
type part struct {
	target  *target
	all     int   // number of ids
	indexes []int // of the ids; nil for all ids of the call
}

// index returns the index of the i-th id of the part in the call.
func (p *part) index(i int) int {
	if p.indexes == nil {
		return i
	}
	return p.indexes[i]
}

// cut returns the values of a call that belong to p.
func cut[T any](p *part, all []T) []T {
	if p.indexes == nil {
		return all
	}
	own := make([]T, p.all)
	for i := range own {
		own[i] = all[p.index(i)]
	}
	return own
}

// join is the opposite of cut: it puts the results of p into those of the call.
func join[T any](p *part, all, own []T) {
	for i := range own {
		all[p.index(i)] = own[i]
	}
}

// joinErrors returns the error of a call whose parts have ended with errs. A call that may
// have changed something is never Unavailable.
func joinErrors(errs []error) error {
	var first error
	ok := false
	for _, err := range errs {
		switch {
		case err == nil:
			ok = true
		case first == nil || account.CodeOf(first) == account.Unavailable:
			first = err
		}
	}
	if first != nil && ok && account.CodeOf(first) == account.Unavailable {
		return &account.Error{Code: account.Unknown, Detail: account.DetailOf(first), Err: first}
	}
	return first
}
