package harness

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/bench/yard"
	"rollcall/internal/loadgen"
)

// naivePostgres is a yardstick whose CPU time includes that of its database.
type naivePostgres struct {
	*process
	cluster *cluster
}

func (n *naivePostgres) start(ctx context.Context) error {
	if err := yard.ResetPostgres(ctx, n.cluster.dsn(NaivePostgres)); err != nil {
		return err
	}
	return n.process.start(ctx)
}

func (n *naivePostgres) pids() []int { return append(n.process.pids(), n.cluster.cmd.Process.Pid) }

// A fast use of PostgreSQL: the best number of clients, each with the accounts
// of eight calls in a statement. 64 calls are therefore pending, as with the
// other servers.
const (
	bestClients = 8
	bestCalls   = 8
)

// bestPostgres imports into PostgreSQL directly, without HTTP or JSON.
type bestPostgres struct {
	cluster *cluster
	pool    *pgxpool.Pool
}

func (b *bestPostgres) start(ctx context.Context) (err error) {
	if err := yard.ResetPostgres(ctx, b.cluster.dsn(BestPostgres)); err != nil {
		return err
	}
	b.pool, err = yard.OpenPool(ctx, b.cluster.dsn(BestPostgres), bestClients)
	return err
}

func (b *bestPostgres) defersFor(string) time.Duration { return quietLook }

func (b *bestPostgres) pids() []int { return []int{b.cluster.cmd.Process.Pid} }

func (b *bestPostgres) stop() error {
	if b.pool != nil {
		b.pool.Close()
	}
	return nil
}

// load creates the accounts of o. It has no other workload.
func (b *bestPostgres) load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error) {
	l := &directLoad{o: &o, clients: bestClients, calls: bestCalls}
	l.work = func(ctx context.Context, first, calls int64) error {
		n := calls * 100
		ids, nicks, faces, created := make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
		now := time.Now().UnixMilli()
		for i := range n {
			a := loadgen.Describe(o.Salt, 0, o.Accounts+first*100+i)
			ids[i], nicks[i], faces[i], created[i] = string(a.ID[:]), string(a.Nick[:]), loadgen.FaceURLPrefix+string(a.FaceURL[:]), now
		}
		_, err := b.pool.Exec(ctx, `INSERT INTO accounts
			SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
			ON CONFLICT (userid) DO UPDATE SET nick = excluded.nick, face_url = excluded.face_url`,
			ids, nicks, faces, created)
		return err
	}
	return l.run(ctx)
}
