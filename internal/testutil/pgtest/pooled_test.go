package pgtest

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestPooled(t *testing.T) {
	url := URL(t)
	if err := execute(t.Context(), url, "CREATE TABLE a (b int)"); err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(Pooled(t, url))
	if err != nil {
		t.Fatal(err)
	}
	if config.DefaultQueryExecMode != pgx.QueryExecModeExec {
		t.Errorf("queries use the mode %v", config.DefaultQueryExecMode)
	}
	// Transactions of two clients, both connected, use the same session.
	var sessions []int
	for range 2 {
		conn := connect(t, Pooled(t, url))
		sessions = append(sessions, query[int](t, conn, "SELECT pg_backend_pid()"))
		query[int](t, conn, "SELECT count(*) FROM a")
	}
	if sessions[0] != sessions[1] {
		t.Errorf("two clients use the sessions %d; the pooler is not in transaction mode", sessions)
	}
	// Another database has the same pooler.
	other := connect(t, Pooled(t, URL(t)))
	if n := query[int](t, other, "SELECT count(*) FROM pg_tables WHERE tablename = 'a'"); n != 0 {
		t.Error("two databases share a table")
	}
	if len(poolers.running) != 1 {
		t.Errorf("%d poolers run", len(poolers.running))
	}
}
