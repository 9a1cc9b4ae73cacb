package postgres

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sync/errgroup"

	"rollcall/internal/account"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/pgtest"
)

var update = flag.Bool("update", false, "write the schema and the golden files")

// connect returns a connection that is closed at the end of the test.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// run executes statements.
func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// value returns the value of a query as text.
func value(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	var v string
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// migrated returns the URL of a database with the newest schema.
func migrated(t *testing.T) string {
	t.Helper()
	url := pgtest.URL(t)
	if _, _, err := Migrate(t.Context(), Options{URL: url}); err != nil {
		t.Fatal(err)
	}
	return url
}

func TestMigrate(t *testing.T) {
	url := pgtest.URL(t)
	conn := connect(t, url)
	if err := checkSchema(t.Context(), conn); err == nil || err.Error() != `the database has no schema of rollcall; run "rollcall migrate --store …" or start with --migrate` {
		t.Errorf("checkSchema of an empty database: %v", err)
	}
	var log strings.Builder
	o := Options{URL: url, Logger: slog.New(slog.NewTextHandler(testutil.Keep(t, &log), nil))}
	from, to, err := Migrate(t.Context(), o)
	if err != nil || from != 0 || to != newestVersion() || to < 1 {
		t.Fatalf("Migrate = %d, %d, %v", from, to, err)
	}
	if !strings.Contains(log.String(), fmt.Sprintf("version=%d", to)) {
		t.Errorf("log: %s", log.String())
	}
	if err := checkSchema(t.Context(), conn); err != nil {
		t.Error(err)
	}
	log.Reset()
	if from, to, err = Migrate(t.Context(), o); err != nil || from != newestVersion() || to != from || log.Len() > 0 {
		t.Errorf("again: %d, %d, %v, log %s", from, to, err, log.String())
	}
	if locks := value(t, conn, "SELECT count(*)::text FROM "+lockTable+" WHERE locked"); locks != "0" {
		t.Errorf("%s locks are left", locks)
	}
	run(t, conn, "UPDATE "+versionTable+" SET version_id = 0")
	if err := checkSchema(t.Context(), conn); err == nil {
		t.Error("version 0 is a schema")
	}
}

// TestMigrateTogether lets several processes migrate one database at once.
func TestMigrateTogether(t *testing.T) {
	url := pgtest.URL(t)
	g, ctx := errgroup.WithContext(t.Context())
	for range 5 {
		g.Go(func() error {
			_, to, err := Migrate(ctx, Options{URL: url})
			if err == nil && to != newestVersion() {
				err = fmt.Errorf("to = %d", to)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, url)
	if n := value(t, conn, "SELECT count(*)::text FROM "+versionTable+" WHERE version_id > 0"); n != fmt.Sprint(newestVersion()) {
		t.Errorf("%s migrations were applied", n)
	}
}

// TestMigrateWaits lets a process wait for the lock of another one, which dies.
func TestMigrateWaits(t *testing.T) {
	url := pgtest.URL(t)
	conn := connect(t, url)
	if _, _, err := Migrate(t.Context(), Options{URL: url}); err != nil {
		t.Fatal(err)
	}
	run(t, conn, "DROP TABLE accounts, spaces, records, changes, "+versionTable+"; DROP SEQUENCE commit_numbers, internal_ids;"+
		" UPDATE "+lockTable+" SET locked = true, locked_by = 'another', lease_expires_at = now() + interval '1 hour'")
	waits := make(chan struct{}, 1)
	o := Options{URL: url, Logger: slog.New(tell{slog.DiscardHandler, waits})}

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, _, err := Migrate(ctx, o); done <- err }()
	<-waits
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the end of the context: %v", err)
	}

	go func() { _, _, err := Migrate(t.Context(), o); done <- err }()
	<-waits
	run(t, conn, "UPDATE "+lockTable+" SET lease_expires_at = now()") // the other process has died
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A tell is a handler that announces the first message.
type tell struct {
	slog.Handler
	c chan struct{}
}

func (h tell) Enabled(context.Context, slog.Level) bool { return true }

func (h tell) Handle(context.Context, slog.Record) error {
	select {
	case h.c <- struct{}{}:
	default:
	}
	return nil
}

// TestMigrateFails lets a migration fail, and repeats it.
func TestMigrateFails(t *testing.T) {
	url := pgtest.URL(t)
	conn := connect(t, url)
	run(t, conn, "CREATE TABLE changes (mine int)")
	_, to, err := Migrate(t.Context(), Options{URL: url})
	if err == nil || to != 0 || !strings.Contains(err.Error(), `relation "changes" already exists`) {
		t.Errorf("Migrate = %d, %v", to, err)
	}
	if n := value(t, conn, "SELECT count(*)::text FROM pg_tables WHERE tablename = 'accounts'"); n != "0" {
		t.Error("the failed migration has left a table")
	}
	run(t, conn, "DROP TABLE changes")
	if _, to, err = Migrate(t.Context(), Options{URL: url}); err != nil || to != newestVersion() {
		t.Errorf("again: %d, %v", to, err)
	}
}

func TestOtherVersions(t *testing.T) {
	url := migrated(t)
	conn := connect(t, url)
	newest := newestVersion()
	run(t, conn, fmt.Sprintf("INSERT INTO %s (version_id, is_applied) VALUES (%d, true)", versionTable, newest+1))
	want := fmt.Sprintf("the database has schema version %d, newer than this rollcall knows (%d); use a newer rollcall", newest+1, newest)
	if err := checkSchema(t.Context(), conn); err == nil || err.Error() != want {
		t.Errorf("checkSchema: %v", err)
	}
	if from, to, err := Migrate(t.Context(), Options{URL: url}); err == nil || err.Error() != want || from != newest+1 || to != from {
		t.Errorf("Migrate = %d, %d, %v", from, to, err)
	}
	run(t, conn, fmt.Sprintf("DELETE FROM %[1]s WHERE version_id >= %[2]d; INSERT INTO %[1]s (version_id, is_applied) VALUES (%[3]d, true)", versionTable, newest, newest-1))
	if err := checkSchema(t.Context(), conn); err == nil || newest > 1 && !strings.Contains(err.Error(), fmt.Sprintf("version %d, and this rollcall needs version %d; run", newest-1, newest)) {
		t.Errorf("checkSchema of an older schema: %v", err)
	}
}

// TestFixtures migrates data that was written at each version of the schema. A new migration
// needs testdata/versionN.sql, which writes data at its version.
func TestFixtures(t *testing.T) {
	for v := int64(1); v <= newestVersion(); v++ {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			data, err := os.ReadFile(fmt.Sprintf("testdata/version%d.sql", v))
			if err != nil {
				t.Fatalf("write data of every kind at the new version: %v", err)
			}
			url := pgtest.URL(t)
			migrateTo(t, url, v)
			conn := connect(t, url)
			run(t, conn, string(data))
			if from, to, err := Migrate(t.Context(), Options{URL: url}); err != nil || from != v || to != newestVersion() {
				t.Fatalf("Migrate = %d, %d, %v", from, to, err)
			}
			testutil.Golden(t, fmt.Sprintf("testdata/version%d.golden", v), contents(t, conn), *update)
			readFixture(t, url)
		})
	}
}

// readFixture reads the data of a fixture with the engine, and adds an account to it.
func readFixture(t *testing.T, url string) {
	t.Helper()
	const app, limited = 1400000001, 4294967295
	s := open(t, Options{URL: url})
	defer s.Close()
	got, err := s.Lookup(t.Context(), app, []account.UserID{"alice", "Bob ~!", "gone"})
	want := []account.Account{
		{
			ID: "alice", InternalID: 2, Nick: "Alice 爱丽丝", FaceURL: "https://example.com/a.png",
			Profile: []account.Field{
				{Tag: account.TagGender, Value: account.Value{Text: "Gender_Type_Female"}},
				{Tag: account.TagLevel, Value: account.Value{Number: 9, IsNumber: true}},
			},
			Created: time.UnixMilli(1700000000001).UTC(), Updated: time.UnixMilli(1700000000009).UTC(),
		},
		{ID: "Bob ~!", InternalID: 10001, Created: time.UnixMilli(1700000000002).UTC(), Updated: time.UnixMilli(1700000000002).UTC(), Kicked: 1700000100},
		{ID: "gone"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("accounts (-want +got): %v\n%s", err, diff)
	}
	for id, want := range map[account.UserID]int64{"alice": 0, "Bob ~!": 1700000100, "gone": 1700000100} {
		if n, err := s.Watermark(t.Context(), app, id); n != want || err != nil {
			t.Errorf("watermark of %s: %d, %v; want %d", id, n, err, want)
		}
	}
	created, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: "gone"}, {ID: "new"}}, account.UpsertPolicy{Now: time.UnixMilli(1700000200001)})
	if err != nil || created[0].Code != account.Tombstoned || !created[1].Created {
		t.Errorf("Upsert = %+v, %v", created, err)
	}
	added, err := s.Lookup(t.Context(), app, []account.UserID{"new"})
	if err != nil || added[0].InternalID <= 10003 {
		t.Errorf("the new account %+v, %v; want an internal id above all others", added, err)
	}
	for id, want := range map[account.AppID]int64{app: 4, limited: 2} {
		if n, err := s.Count(t.Context(), id); n != want || err != nil {
			t.Errorf("%d accounts of %d, %v; want %d", n, id, err, want)
		}
	}
	if r, err := s.Record(t.Context(), 1, "\x01\x02"); err != nil || r.Version != 41 || string(r.Value) != "{}" {
		t.Errorf("Record = %+v, %v", r, err)
	}
}

// migrateTo brings an empty database to an older version of the schema.
func migrateTo(t *testing.T, url string, v int64) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	p, err := newProvider(db)
	if err == nil {
		_, err = p.UpTo(t.Context(), v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// contents returns every row of the database. Equal rows of the 1024 buckets of an app are
// one line.
func contents(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var b strings.Builder
	for _, q := range []struct{ name, sql string }{
		{"accounts", "SELECT to_jsonb(a)::text FROM accounts a ORDER BY sdkappid, userid"},
		{"spaces", "SELECT (to_jsonb(s) - 'bucket')::text || ' in ' || count(*) || ' buckets' FROM spaces s GROUP BY to_jsonb(s) - 'bucket' ORDER BY 1"},
		{"records", "SELECT to_jsonb(r)::text FROM records r ORDER BY kind, key"},
		{"changes", "SELECT to_jsonb(c)::text FROM changes c ORDER BY kind, slot"},
		{"sequences", "SELECT sequencename || ' ' || last_value FROM pg_sequences WHERE sequencename IN ('commit_numbers', 'internal_ids') ORDER BY 1"},
	} {
		rows, err := conn.Query(t.Context(), q.sql)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n  %s\n", q.name, strings.Join(lines, "\n  "))
	}
	return b.String()
}

//go:generate go test . -run ^TestSchema$ -update

// TestSchema compares the file schema.sql, which people read, with the schema that the
// migrations create.
func TestSchema(t *testing.T) {
	url := migrated(t)
	out, err := exec.CommandContext(t.Context(), pgDump(t), "--schema-only", "--no-owner", "--no-privileges", "--dbname", url).Output()
	if err != nil {
		t.Fatalf("pg_dump: %v", err)
	}
	testutil.Golden(t, "schema.sql", normalise(string(out)), *update)
}

// pgDump returns the path of pg_dump.
func pgDump(t *testing.T) string {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump"); len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath("pg_dump")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// normalise returns the statements of a dump without settings, comments and lines that differ
// between versions of pg_dump.
func normalise(dump string) string {
	var b strings.Builder
	b.WriteString("-- The schema of the newest version, as pg_dump shows it. Generated by \"go generate ./internal/store/postgres\"; do not edit.\n")
	blank := false
	for line := range strings.Lines(dump) {
		switch first, _, _ := strings.Cut(strings.TrimSpace(line), " "); {
		case first == "":
			blank = true
		case slices.Contains([]string{"--", "SET", "\\restrict", "\\unrestrict"}, first) || strings.HasPrefix(line, "SELECT pg_catalog.set_config"):
		default:
			if blank {
				b.WriteByte('\n')
			}
			b.WriteString(strings.ReplaceAll(line, "public.", ""))
			blank = false
		}
	}
	return b.String()
}

// TestGrant serves with a role that has the least rights.
func TestGrant(t *testing.T) {
	owner := migrated(t)
	conn := connect(t, owner)
	const role = `the "least"`
	run(t, conn, `CREATE ROLE "the ""least""" LOGIN`)
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), owner)
		if err == nil {
			_, err = conn.Exec(context.Background(), `DROP OWNED BY "the ""least"""; DROP ROLE "the ""least"""`, pgx.QueryExecModeSimpleProtocol)
			_ = conn.Close(context.Background())
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err := Grant(t.Context(), Options{URL: owner}, "nobody such"); err == nil || !strings.Contains(err.Error(), `no role "nobody such"`) {
		t.Errorf("Grant to a role that does not exist: %v", err)
	}
	least := asUser(t, owner, role)
	if _, _, err := Migrate(t.Context(), Options{URL: least}); err == nil || !strings.Contains(err.Error(), "rollcall migrate --grant") {
		t.Errorf("Migrate before the grant: %v", err)
	}
	for range 2 { // a repetition changes nothing
		if err := Grant(t.Context(), Options{URL: owner}, role); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Migrate(t.Context(), Options{URL: least}); err != nil {
		t.Errorf("Migrate with nothing to do: %v", err)
	}
	mayOnlyServe(t, conn, connect(t, least))
}

// asUser returns a URL for another user.
func asUser(t *testing.T, raw, user string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(user)
	return u.String()
}

// mayOnlyServe checks that a role may do with every object what a server does, and nothing
// else.
func mayOnlyServe(t *testing.T, owner, role *pgx.Conn) {
	t.Helper()
	if err := checkSchema(t.Context(), role); err != nil {
		t.Error(err)
	}
	tables := strings.FieldsSeq(value(t, owner, "SELECT string_agg(tablename, ' ' ORDER BY 1) FROM pg_tables WHERE schemaname = current_schema()"))
	for table := range tables {
		want := "true true true true"
		switch table {
		case versionTable:
			want = "true false false false"
		case lockTable:
			want = "false false false false"
		}
		got := value(t, role, fmt.Sprintf("SELECT concat_ws(' ', has_table_privilege('%[1]s', 'SELECT')::text, has_table_privilege('%[1]s', 'INSERT')::text, has_table_privilege('%[1]s', 'UPDATE')::text, has_table_privilege('%[1]s', 'DELETE')::text)", table))
		if got != want {
			t.Errorf("the role may SELECT, INSERT, UPDATE, DELETE %s: %s, want %s", table, got, want)
		}
	}
	run(t, role, "SELECT nextval('commit_numbers'), nextval('internal_ids'), setval('internal_ids', 10001), last_value FROM internal_ids")
	for _, sql := range []string{
		"CREATE TABLE mine (a int)", "CREATE SCHEMA mine", "DROP TABLE accounts", "ALTER TABLE accounts ADD mine int", "TRUNCATE accounts",
		"DROP SEQUENCE internal_ids", "UPDATE " + versionTable + " SET version_id = 9", "INSERT INTO " + lockTable + " (lock_id) VALUES (7)",
		"CREATE INDEX ON accounts (nick)", "GRANT SELECT ON accounts TO PUBLIC",
	} {
		_, err := role.Exec(t.Context(), sql)
		granted := strings.HasPrefix(sql, "GRANT") && err == nil // PostgreSQL warns only
		if state := stateOf(err); state != stateNoPermission && !granted {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if value(t, owner, "SELECT has_table_privilege('public', 'accounts', 'SELECT')::text") != "false" {
		t.Error("everybody may read accounts")
	}
}
