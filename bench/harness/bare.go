package harness

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/bench/yard"
	"rollcall/internal/loadgen"
)

// Numbers of the program that uses the schema of Rollcall directly. More clients are not
// faster.
const (
	bareClients = 8
	bareCalls   = 8 // of 100 accounts in a statement

	bareCheckClients = 8 // each with the ids of one call in a statement
)

// The app of a bare program, and the buckets of the schema.
const (
	bareApp     = 1
	bareBuckets = 1024
)

const bareSpaces = `INSERT INTO spaces (sdkappid, bucket, generation, live, quota, cap, admins)
	SELECT 1, b, 1, 0, 0, 0, '{}' FROM generate_series(0, 1023) AS b`

// A bare program imports accounts into the schema of Rollcall and counts them in the same
// transaction. It has no HTTP, and knows no deleted accounts, limits, or lost connections.
type bare struct {
	database *database
	pool     *pgxpool.Pool
}

func (b *bare) start(ctx context.Context) (err error) {
	if err := b.database.migrate(ctx); err != nil {
		return err
	}
	if err := yard.Execute(ctx, b.database.url, bareSpaces); err != nil {
		return err
	}
	b.pool, err = yard.OpenPool(ctx, b.database.url, max(bareClients, bareCheckClients))
	return err
}

func (b *bare) inProcess() {}

func (b *bare) defersFor(string) time.Duration { return quietLook }

func (b *bare) pids() []int { return b.database.pids }

func (b *bare) stop() error {
	if b.pool != nil {
		b.pool.Close()
	}
	return nil
}

// load imports new accounts or checks ids.
func (b *bare) load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error) {
	if err := b.database.prepare(ctx, o.Workload); err != nil {
		return nil, err
	}
	l := &directLoad{o: &o, clients: bareClients, calls: bareCalls}
	l.work = func(ctx context.Context, first, calls int64) error {
		return b.importAccounts(ctx, newColumns(&o, first, calls))
	}
	if o.Workload == loadgen.Check {
		l.clients, l.calls = bareCheckClients, 1
		ids := loadgen.CheckedIDs(&o)
		l.work = func(ctx context.Context, call, _ int64) error {
			_, err := b.check(ctx, ids(call))
			return err
		}
	}
	return l.run(ctx)
}

// bareImport needs one round trip, and the database commits it alone.
const bareImport = `WITH imported AS (
		INSERT INTO accounts (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url)
		SELECT i, $1, m, m, b, u, n, f
		FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[]) AS r (i, m, b, u, n, f)
		ON CONFLICT (sdkappid, userid, bucket) DO UPDATE
			SET nick = excluded.nick, face_url = excluded.face_url, updated_ms = excluded.updated_ms
		RETURNING (xmax = 0) AS created)
	UPDATE spaces SET live = live + (SELECT count(*) FILTER (WHERE created) FROM imported) WHERE sdkappid = $1 AND bucket = $8`

func (b *bare) importAccounts(ctx context.Context, c *columns) error {
	_, err := b.pool.Exec(ctx, bareImport, bareApp, c.internal, c.now, c.bucket, c.ids, c.nicks, c.faces, rand.IntN(bareBuckets))
	return err
}

const bareCheck = `SELECT a.userid FROM accounts AS a JOIN unnest($2::text[]) AS u (id) ON a.userid = u.id WHERE a.sdkappid = $1 AND a.deleted_ms IS NULL`

// check returns how many of the ids exist.
func (b *bare) check(ctx context.Context, ids []string) (int, error) {
	rows, err := b.pool.Query(ctx, bareCheck, bareApp, ids)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	found := make(map[string]bool, len(ids))
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return 0, err
		}
		found[id] = true
	}
	return len(found), rows.Err()
}

// columns are new accounts by columns, in the order of their ids.
type columns struct {
	internal, now     []int64
	bucket            []int32
	ids, nicks, faces []string
}

// newColumns returns the accounts of calls of o, from number first on.
func newColumns(o *loadgen.Options, first, calls int64) *columns {
	n := calls * 100
	from := o.Accounts + first*100
	all := make([]loadgen.Account, n)
	for i := range all {
		all[i] = loadgen.Describe(o.Salt, 0, from+int64(i))
	}
	slices.SortFunc(all, func(a, b loadgen.Account) int { return strings.Compare(string(a.ID[:]), string(b.ID[:])) })
	c := &columns{make([]int64, n), make([]int64, n), make([]int32, n), make([]string, n), make([]string, n), make([]string, n)}
	now := time.Now().UnixMilli()
	for i := range all {
		a := &all[i]
		c.internal[i], c.now[i], c.bucket[i] = from+int64(i)+1, now, int32(xxhash.Sum64(a.ID[:])%bareBuckets)
		c.ids[i], c.nicks[i], c.faces[i] = string(a.ID[:]), string(a.Nick[:]), loadgen.FaceURLPrefix+string(a.FaceURL[:])
	}
	return c
}
