package harness

import (
	"context"
	"sync"
	"sync/atomic"
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
	l := &bestLoad{b: b, o: &o, start: time.Now(), res: &loadgen.Result{Workload: o.Workload, Latency: new(loadgen.Histogram)}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range bestClients {
		wg.Go(func() {
			if err := l.client(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return l.res, context.Cause(ctx)
}

// A bestLoad is one load in progress.
type bestLoad struct {
	b     *bestPostgres
	o     *loadgen.Options
	start time.Time
	next  atomic.Int64 // number of the next call

	mu  sync.Mutex
	res *loadgen.Result
}

// client imports accounts until all calls are made.
func (l *bestLoad) client(ctx context.Context) error {
	var columns struct {
		ids, nicks, faces []string
		created           []int64
	}
	for {
		first := l.next.Add(bestCalls) - bestCalls
		calls := min(bestCalls, l.o.Calls-first)
		if calls <= 0 {
			return nil
		}
		columns.ids, columns.nicks, columns.faces, columns.created = columns.ids[:0], columns.nicks[:0], columns.faces[:0], columns.created[:0]
		now := time.Now()
		for n := first * 100; n < (first+calls)*100; n++ {
			a := loadgen.Describe(l.o.Salt, 0, l.o.Accounts+n)
			columns.ids = append(columns.ids, string(a.ID[:]))
			columns.nicks = append(columns.nicks, string(a.Nick[:]))
			columns.faces = append(columns.faces, loadgen.FaceURLPrefix+string(a.FaceURL[:]))
			columns.created = append(columns.created, now.UnixMilli())
		}
		_, err := l.b.pool.Exec(ctx, `INSERT INTO accounts
			SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
			ON CONFLICT (userid) DO UPDATE SET nick = excluded.nick, face_url = excluded.face_url`,
			columns.ids, columns.nicks, columns.faces, columns.created)
		if err != nil {
			return err
		}
		l.note(calls, now)
	}
}

// note counts calls that began together and are now durable.
func (l *bestLoad) note(calls int64, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	elapsed := time.Since(l.start)
	l.res.LongestGap = max(l.res.LongestGap, elapsed-l.res.Elapsed)
	l.res.Elapsed = elapsed
	l.res.Calls += calls
	l.res.Accounts += calls * 100
	for range calls {
		l.res.Latency.Record(time.Since(began))
	}
}
