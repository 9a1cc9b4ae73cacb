package pgtest

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { Main(m) }

// connect returns a connection that is open until t ends.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// query returns the only value of a query.
func query[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func TestURL(t *testing.T) {
	var urls []string
	t.Run("databases", func(t *testing.T) {
		urls = []string{URL(t), URL(t)}
		conn := connect(t, urls[0])
		if n := query[int](t, conn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); n != 0 {
			t.Errorf("a new database has %d tables", n)
		}
		if !query[bool](t, conn, "SELECT 'Z' < 'a' AND 'z' < 'é'") {
			t.Error("texts are not ordered by bytes")
		}
		if err := execute(t.Context(), urls[0], "CREATE TABLE a (b int)"); err != nil {
			t.Fatal(err)
		}
		if n := query[int](t, connect(t, urls[1]), "SELECT count(*) FROM pg_tables WHERE tablename = 'a'"); n != 0 {
			t.Error("two databases share a table")
		}
		open, err := pgx.Connect(t.Context(), urls[1]) // the databases are dropped nevertheless
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { runtime.KeepAlive(open) })
	})
	for _, url := range urls {
		if err := execute(t.Context(), url, "SELECT 1"); !isCode(err, "3D000") {
			t.Errorf("connect to the database of a test that has ended: %v", err)
		}
	}
}

func TestMigrated(t *testing.T) {
	calls := 0
	migrate := func(url string) error {
		calls++
		return execute(t.Context(), url, "CREATE TABLE a (b int)", "INSERT INTO a VALUES (7)")
	}
	for range 3 {
		url := Migrated(t, migrate)
		if n := query[int](t, connect(t, url), "SELECT sum(b) FROM a"); n != 7 {
			t.Errorf("the sum of a copy is %d, want 7", n)
		}
		if err := execute(t.Context(), url, "DELETE FROM a"); err != nil {
			t.Fatal(err)
		}
	}
	if calls > 1 { // 0 if the tests run twice
		t.Errorf("migrated %d times", calls)
	}
}

// TestMigrateFails checks that a migration that fails leaves no database.
func TestMigrateFails(t *testing.T) {
	URL(t) // starts the server
	shared.mu.Lock()
	defer shared.mu.Unlock()
	d := databases{hosts: shared.hosts, prefix: shared.prefix + "_fails", empty: shared.empty}
	refused := errors.New("refused")
	var url string
	migrate := func(u string) error {
		url = u
		return refused
	}
	if err := d.migrate(migrate); !errors.Is(err, refused) || d.migrated != "" {
		t.Errorf("migrate = %v, database %q", err, d.migrated)
	}
	if err := execute(t.Context(), url, "SELECT 1"); !isCode(err, "3D000") {
		t.Errorf("connect to the database of a migration that failed: %v", err)
	}
}

// TestPreparedTransactions checks that prepared transactions do not keep a database.
func TestPreparedTransactions(t *testing.T) {
	t.Run("database", func(t *testing.T) {
		statements := []string{"CREATE TABLE a (b int)", "BEGIN", "INSERT INTO a VALUES (1)", "PREPARE TRANSACTION 'it''s'"}
		if err := execute(t.Context(), URL(t), statements...); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDropStale checks that databases of processes that have ended are dropped, and no
// others.
func TestDropStale(t *testing.T) {
	mine := URL(t)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	stale := databasePrefix + "ended_1"
	if err := shared.copy(stale, shared.empty); err != nil {
		t.Fatal(err)
	}
	if err := shared.dropStale(); err != nil {
		t.Fatal(err)
	}
	if err := execute(t.Context(), shared.hosts[0].database(stale), "SELECT 1"); !isCode(err, "3D000") {
		t.Errorf("connect to a stale database: %v", err)
	}
	if err := execute(t.Context(), mine, "SELECT 1"); err != nil {
		t.Error(err)
	}
}

// TestCitus checks that a database of a Citus cluster has its nodes, and that a copy has
// shards of its own.
func TestCitus(t *testing.T) {
	if os.Getenv(citusVariable) == "" {
		t.Skip(citusVariable + " is not set")
	}
	nodes := func(url string) int {
		return query[int](t, connect(t, url), "SELECT count(*) FROM pg_dist_node")
	}
	if got, want := nodes(URL(t)), nodes(os.Getenv(citusVariable)); got != want {
		t.Errorf("%d nodes, want %d", got, want)
	}
	d := databases{hosts: shared.hosts, prefix: shared.prefix + "_citus", empty: shared.empty}
	err := d.migrate(func(url string) error {
		return execute(t.Context(), url, "CREATE TABLE a (b int)", "SELECT create_distributed_table('a', 'b')", "INSERT INTO a SELECT generate_series(1, 1000)")
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.drop(d.migrated); err != nil {
			t.Error(err)
		}
	})
	first, second := connect(t, d.create(t, d.migrated)), connect(t, d.create(t, d.migrated))
	if _, err := first.Exec(t.Context(), "DELETE FROM a"); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, second, "SELECT count(*) FROM a"); n != 1000 {
		t.Errorf("%d rows after the deletion from another copy", n)
	}
}

func BenchmarkURL(b *testing.B) {
	URL(b) // starts the server
	for b.Loop() {
		URL(b)
	}
}

func BenchmarkMigrated(b *testing.B) {
	migrate := func(url string) error { return execute(b.Context(), url, "CREATE TABLE a (b int PRIMARY KEY)") }
	Migrated(b, migrate)
	for b.Loop() {
		Migrated(b, migrate)
	}
}
