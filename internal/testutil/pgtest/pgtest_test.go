package pgtest

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// isCode reports whether PostgreSQL returned an error with a code.
func isCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
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
	if calls != 1 {
		t.Errorf("migrated %d times", calls)
	}
}

// TestMigrateFails checks that a migration that fails leaves no template.
func TestMigrateFails(t *testing.T) {
	URL(t) // starts the server
	shared.mu.Lock()
	defer shared.mu.Unlock()
	d := databases{admin: shared.admin, server: shared.server, created: 1000}
	refused := errors.New("refused")
	if err := d.migrate(func(string) error { return refused }); !errors.Is(err, refused) || d.template != "" {
		t.Errorf("migrate = %v, template %q", err, d.template)
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
