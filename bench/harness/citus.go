package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/bench/measure"
	"rollcall/internal/loadgen"
)

// errNoCitus means that no database of Citus was given.
var errNoCitus = errors.New("no database of Citus was given with --citus")

// citusDatabase returns a part of the database of Citus at rawURL for one subject: the
// schema name. The rest of the database is left alone.
func citusDatabase(ctx context.Context, rawURL, name string) (*database, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("the URL of Citus cannot be read; write postgres://USER@HOST/DATABASE")
	}
	q := u.Query()
	schema := "bench_" + strings.ReplaceAll(name, "-", "_")
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	d := &database{url: u.String(), admin: rawURL, citus: true, empty: []string{
		"DROP SCHEMA IF EXISTS " + schema + " CASCADE", "CREATE SCHEMA " + schema,
	}}
	d.pids, err = citusProcesses(ctx, rawURL)
	return d, err
}

// citusProcesses returns the servers of the nodes, if all of them are on this machine.
func citusProcesses(ctx context.Context, dsn string) ([]int, error) {
	nodes, err := query[string](ctx, dsn, `SELECT nodename || ':' || nodeport FROM pg_dist_node WHERE isactive AND noderole = 'primary'`)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, node := range nodes {
		if !strings.HasPrefix(node, "127.0.0.1:") && !strings.HasPrefix(node, "localhost:") {
			return nil, nil
		}
		at, err := elsewhere(dsn, node)
		if err != nil {
			return nil, err
		}
		backends, err := query[int](ctx, at.ConnString(), `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`)
		if err != nil {
			return nil, err
		}
		for _, pid := range backends {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err != nil {
				return nil, nil // its processes cannot be seen from here
			}
			stat, err := measure.ParseStat(b)
			if err != nil {
				return nil, err
			}
			pids = append(pids, stat.Parent)
		}
	}
	return pids, nil
}

// query returns the rows of a query with one column.
func query[T any](ctx context.Context, dsn, sql string) ([]T, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	rows, _ := conn.Query(ctx, sql) // CollectRows returns its error
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	return all, errors.Join(err, conn.Close(ctx))
}

// elsewhere returns the configuration of connections to another node of the same database.
func elsewhere(dsn, node string) (*pgxpool.Config, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	u.Host = node
	return pgxpool.ParseConfig(u.String())
}

// bareWorkers says which node has which bucket.
const bareWorkers = `WITH shards AS MATERIALIZED (
		SELECT b, get_shard_id_for_distribution_column('accounts'::regclass, b) AS shardid FROM generate_series(0, 1023) AS b)
	SELECT n.nodename || ':' || n.nodeport FROM shards JOIN pg_dist_placement AS p USING (shardid)
	JOIN pg_dist_node AS n ON n.groupid = p.groupid AND n.noderole = 'primary' ORDER BY b`

// A bareCitus sends the accounts of each worker straight to it, in a transaction that
// counts them there.
type bareCitus struct {
	bare
	pools   map[string]*pgxpool.Pool
	workers []string // of each bucket
}

func (b *bareCitus) start(ctx context.Context) error {
	err := b.bare.start(ctx)
	if err != nil {
		return err
	}
	if b.workers, err = query[string](ctx, b.database.url, bareWorkers); err != nil {
		return err
	}
	if len(b.workers) != bareBuckets {
		return fmt.Errorf("%d buckets are on a worker, want %d", len(b.workers), bareBuckets)
	}
	b.pools = map[string]*pgxpool.Pool{}
	for _, node := range b.workers {
		if b.pools[node] != nil {
			continue
		}
		conf, err := elsewhere(b.database.url, node)
		if err != nil {
			return err
		}
		conf.MinConns, conf.MaxConns = bareClients, bareClients
		if b.pools[node], err = pgxpool.NewWithConfig(ctx, conf); err != nil {
			return err
		}
	}
	return nil
}

func (b *bareCitus) stop() error {
	for _, pool := range b.pools {
		pool.Close()
	}
	return b.bare.stop()
}

// load imports new accounts. It has no other workload.
func (b *bareCitus) load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error) {
	l := &directLoad{o: &o, clients: bareClients, calls: bareCalls}
	l.work = func(ctx context.Context, first, calls int64) error {
		return b.importAccounts(ctx, newColumns(&o, first, calls))
	}
	return l.run(ctx)
}

// importAccounts imports the accounts of all workers at the same time.
func (b *bareCitus) importAccounts(ctx context.Context, c *columns) error {
	parts := map[string]*columns{}
	for i, bucket := range c.bucket {
		node := b.workers[bucket]
		if parts[node] == nil {
			parts[node] = new(columns)
		}
		parts[node].add(c, i)
	}
	errs := make(chan error, len(parts))
	var wg sync.WaitGroup
	for node, part := range parts {
		wg.Go(func() { errs <- importAt(ctx, b.pools[node], part) })
	}
	wg.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	return all
}

func (c *columns) add(from *columns, i int) {
	c.internal, c.now, c.bucket = append(c.internal, from.internal[i]), append(c.now, from.now[i]), append(c.bucket, from.bucket[i])
	c.ids, c.nicks, c.faces = append(c.ids, from.ids[i]), append(c.nicks, from.nicks[i]), append(c.faces, from.faces[i])
}

// importAt imports accounts in a transaction of their worker.
func importAt(ctx context.Context, pool *pgxpool.Pool, c *columns) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		args := append(make([]any, 0, 1+6*len(c.ids)), int64(bareApp))
		for i := range c.ids {
			args = append(args, c.internal[i], c.now[i], c.bucket[i], c.ids[i], c.nicks[i], c.faces[i])
		}
		rows, _ := tx.Query(ctx, bareValues(len(c.ids)), args...) // CollectRows returns its error
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		created := 0
		for _, id := range ids {
			if slices.Contains(c.internal, id) {
				created++
			}
		}
		_, err = tx.Exec(ctx, `UPDATE spaces SET live = live + $3 WHERE sdkappid = $1 AND bucket = $2`, int64(bareApp), c.bucket[rand.IntN(len(c.bucket))], created)
		return err
	})
}

// bareValues returns the statement that imports n accounts.
func bareValues(n int) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO accounts (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url) VALUES `)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		p := func(k int) string { return "$" + strconv.Itoa(2+6*i+k) }
		b.WriteString("(" + p(0) + ",$1," + p(1) + "," + p(1) + "," + p(2) + "," + p(3) + "," + p(4) + "," + p(5) + ")")
	}
	b.WriteString(` ON CONFLICT (sdkappid, userid, bucket) DO UPDATE
		SET nick = excluded.nick, face_url = excluded.face_url, updated_ms = excluded.updated_ms RETURNING internal_id`)
	return b.String()
}
