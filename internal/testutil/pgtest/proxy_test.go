package pgtest

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func proxied(t *testing.T) (p *Proxy, through *pgx.Conn, direct string) {
	t.Helper()
	direct = URL(t)
	if err := execute(t.Context(), direct, "CREATE TABLE t (n int)"); err != nil {
		t.Fatal(err)
	}
	p = StartProxy(t, direct)
	return p, connect(t, p.URL(direct)), direct
}

// insert inserts a row in a transaction that is sent as a batch.
func insert(t *testing.T, conn *pgx.Conn) error {
	t.Helper()
	var b pgx.Batch
	b.Queue("begin")
	b.Queue("insert into t values (1)")
	b.Queue("commit")
	return conn.SendBatch(t.Context(), &b).Close()
}

func TestProxyCommit(t *testing.T) {
	for name, c := range map[string]struct {
		cut  Cut
		rows int64
	}{
		"before": {Cut{BeforeCommit: true}, 1},
		"after":  {Cut{AfterCommit: true}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p, conn, direct := proxied(t)
			if err := insert(t, conn); err != nil { // prepares the statements
				t.Fatal(err)
			}
			p.Plan(c.cut)
			if err := insert(t, conn); err == nil {
				t.Error("the commit is acknowledged")
			}
			if p.Cuts() != 1 {
				t.Errorf("%d cuts", p.Cuts())
			}
			if n := query[int64](t, connect(t, direct), "SELECT count(*) FROM t"); n != c.rows {
				t.Errorf("%d rows, want %d", n, c.rows)
			}
			if err := insert(t, connect(t, p.URL(direct))); err != nil {
				t.Errorf("after the cut: %v", err)
			}
		})
	}
}

func TestProxyAfter(t *testing.T) {
	p, conn, _ := proxied(t)
	p.Plan(Cut{After: 10})
	if err := insert(t, conn); err == nil || p.Cuts() != 1 {
		t.Errorf("%v after %d cuts", err, p.Cuts())
	}
}

func TestProxyRefuse(t *testing.T) {
	p, conn, direct := proxied(t)
	p.Refuse()
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the connection is still there")
	}
	if _, err := pgx.Connect(t.Context(), p.URL(direct)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v", err)
	}
	p.Pass()
	connect(t, p.URL(direct))
}

func TestProxyHang(t *testing.T) {
	p, conn, direct := proxied(t)
	p.Hang()
	pinged := make(chan error)
	go func() { pinged <- conn.Ping(context.Background()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := pgx.Connect(ctx, p.URL(direct)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a new connection: %v", err)
	}
	select {
	case err := <-pinged:
		t.Errorf("the connection responds: %v", err)
	default:
	}
	p.Pass()
	if err := <-pinged; err != nil {
		t.Errorf("after the hang: %v", err)
	}
}
