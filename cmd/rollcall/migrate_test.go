package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/testutil/pgtest"
)

// runRollcall runs a command in this process.
func runRollcall(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(ctx, &environment{strings.NewReader(""), &out, &err}, args)
	return code, out.String(), err.String()
}

// execute runs statements in a database.
func execute(t *testing.T, db, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

func TestMigrate(t *testing.T) {
	db := pgtest.URL(t)
	code, out, errs := runRollcall(t.Context(), "migrate", "--store", db, "--output", "json")
	var m migration
	if err := json.Unmarshal([]byte(out), &m); code != exitOK || err != nil || m.From != 0 || m.To < 1 || !strings.Contains(errs, "migrated the database") {
		t.Fatalf("code %d, %q, %q, %v", code, out, errs, err)
	}
	t.Setenv("ROLLCALL_CFG_STORE", db)
	if code, out, errs := runRollcall(t.Context(), "migrate"); code != exitOK || out != "from  1\nto    1\n" || errs != "" {
		t.Errorf("again: code %d, %q, %q", code, out, errs)
	}
	execute(t, db, "CREATE ROLE server_of_test")
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), db)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "DROP OWNED BY server_of_test; DROP ROLE server_of_test", pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Error(err)
		}
	})
	if code, out, errs := runRollcall(t.Context(), "migrate", "--grant", "server_of_test"); code != exitOK || out != "from     1\nto       1\ngranted  server_of_test\n" {
		t.Errorf("--grant: code %d, %q, %q", code, out, errs)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _, errs := runRollcall(ended, "migrate"); code != exitInterrupted || !strings.Contains(errs, "run the same command again") {
		t.Errorf("interrupted: code %d, %q", code, errs)
	}
}

func TestMigrateRefused(t *testing.T) {
	db := pgtest.URL(t)
	u, err := url.Parse(db)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("nobody", "s3cret")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--store", "pebble:x"}, exitFailure, `the store "pebble:x" is not a database and needs no migration; give --store postgres://`},
		{nil, exitFailure, "is not a database"},
		{[]string{"--store", ""}, exitBadUsage, "--store is empty"},
		{[]string{"--grant", ""}, exitBadUsage, "--grant is empty"},
		{[]string{"--store", "postgres://me:s3/cret@db/x"}, exitBadUsage, "write / as %2F"},
		{[]string{"--store", "postgres://me:s3cret@127.0.0.1:1/x"}, exitUnreachable, "cannot be reached: connection refused"},
		{[]string{"--store", u.String()}, exitRefused, "refuses the user nobody"},
		{[]string{"--store", db, "--grant", "no such role"}, exitFailure, `the database has no role "no such role"`},
	} {
		code, out, errs := runRollcall(t.Context(), append([]string{"migrate"}, tt.args...)...)
		if code != tt.code || out != "" || !strings.Contains(errs, tt.want) || strings.Contains(errs, "s3") {
			t.Errorf("%q: code %d, %q, want %d and %q", tt.args, code, errs, tt.code, tt.want)
		}
	}
	var m migration
	if _, out, _ := runRollcall(t.Context(), "migrate", "--store", db, "--output", "json"); json.Unmarshal([]byte(out), &m) != nil || m.From != 0 {
		t.Errorf("a refused migration has changed the database: %s", out)
	}
}

// TestServeDatabase runs a server on a database.
func TestServeDatabase(t *testing.T) {
	db := pgtest.URL(t)
	dir := t.TempDir()
	code, _, errs := runRollcall(t.Context(), "serve", "--listen", "127.0.0.1:0", "--data", dir, "--store", db)
	if code != exitFailure || !strings.Contains(errs, `the database has no schema of rollcall; run "rollcall migrate --store …" or start with --migrate`) {
		t.Errorf("without a schema: code %d, %q", code, errs)
	}
	p := startProcess(t, dir, "--store", db, "--migrate")
	t.Setenv("ROLLCALL_CONTEXT", dir+"/context.json")
	if code, out, errs := runRollcall(t.Context(), "account", "import", "alice"); code != exitOK || !strings.Contains(out, "imported") {
		t.Errorf("import: code %d, %q, %q", code, out, errs)
	}
	if code, _, errs := runRollcall(t.Context(), "backup", "create", t.TempDir()+"/copy"); code != exitFailure || !strings.Contains(errs, "back it up with pg_dump") {
		t.Errorf("backup create: code %d, %q", code, errs)
	}
	if code, _, errs := runRollcall(t.Context(), "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--store", db); code != exitFailure ||
		!strings.Contains(errs, "seal.keys is missing, and other servers use the database with theirs; copy it") {
		t.Errorf("a second server without the keys: code %d, %q", code, errs)
	}
	if log := p.stderr.String(); strings.Contains(log, "postgres://") {
		t.Errorf("the log shows the URL:\n%s", log)
	}
}
