package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"rollcall/internal/testutil"
	"rollcall/internal/testutil/pgtest"
)

// secret is the password of URLs in these tests.
const secret = "pw-q7Zx/9"

// refusing starts a server that answers every connection with an error, and returns its
// address.
func refusing(t *testing.T, answer pgproto3.ErrorResponse) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b := pgproto3.NewBackend(conn, conn)
			if _, err := b.ReceiveStartupMessage(); err == nil {
				b.Send(&answer)
				_ = b.Flush()
			}
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// TestStartErrors lets the database, or a pooler, answer with the errors of its kinds.
func TestStartErrors(t *testing.T) {
	for _, tt := range []struct{ code, message, want string }{
		{"28P01", `password authentication failed for user "me"`, "refuses the user me: password authentication failed for user \"me\"; correct the password"},
		{"28000", `no pg_hba.conf entry for host "10.0.0.7"`, "pg_hba.conf"},
		{"3D000", `database "rollcall" does not exist`, "create it"},
		{"42501", "permission denied for database rollcall", `"rollcall migrate --grant me"`},
		{"53300", "sorry, too many clients already", "raise max_connections"},
		{"57P03", "the database system is starting up", "is not ready: the database system is starting up; try again"},
		{"08P01", "unsupported startup parameter: statement_timeout", "add default_query_exec_mode=exec"},
		{"08P01", "no such database: rollcall", "does not exist: no such database: rollcall; create it"},
		{"08P01", "no such user: me", "refuses the user me: no such user: me; correct the password in PGPASSWORD, in .pgpass or in the URL, or userlist.txt of the pooler"},
		{"08P01", "SASL authentication failed", "or userlist.txt of the pooler"},
		{"08P01", "server login has been failing, try again later (server_login_retry)", "is behind a pooler that cannot reach it: server login has been failing"},
		{"08P01", "server login failed: wrong password type", "is behind a pooler that cannot reach it"},
		{"08P01", "no more connections allowed (max_client_conn)", "raise max_connections"},
		{"42P01", `relation "accounts" does not exist`, ": " + noTables},
		{"22023", `invalid value for parameter "statement_timeout": "ten"`, `does not take a value of the URL: invalid value for parameter "statement_timeout": "ten"; correct it`},
		{"42704", `unrecognized configuration parameter "pool_max_con"`, "does not know a parameter of the URL"},
		{"XX000", "out\nof order", "answers with an error: out of order (SQLSTATE XX000)"},
	} {
		addr := refusing(t, pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: tt.code, Message: tt.message})
		startFails(t, "postgres://me:"+url.QueryEscape(secret)+"@"+addr+"/rollcall?sslmode=disable", "the database rollcall at "+addr, tt.want)
	}
}

// TestStartKinds checks which errors say that the database cannot be reached, and which that
// it refuses the user. These are exit codes of the command line.
func TestStartKinds(t *testing.T) {
	for _, tt := range []struct {
		code, message        string
		unreachable, refused bool
	}{
		{"28P01", "password authentication failed", false, true},
		{"08P01", "SASL authentication failed", false, true},
		{"08P01", "no such user: me", false, true},
		{"08P01", "server login has been failing, try again later (server_login_retry)", true, false},
		{"08P01", "no more connections allowed (max_client_conn)", true, false},
		{"08P01", "no such database: rollcall", false, false},
		{"42P01", `relation "accounts" does not exist`, false, false},
	} {
		addr := refusing(t, pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: tt.code, Message: tt.message})
		_, _, err := Migrate(t.Context(), Options{URL: "postgres://me:" + url.QueryEscape(secret) + "@" + addr + "/x?sslmode=disable"})
		if e, ok := errors.AsType[*StartError](err); !ok || e.Unreachable != tt.unreachable || e.Refused != tt.refused {
			t.Errorf("%s: %+v", tt.message, err)
		}
	}
}

// TestLackingURL starts with URLs without a database or a password.
func TestLackingURL(t *testing.T) {
	clearEnv(t)
	answer := pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "3D000", Message: `database "me" does not exist`}
	addr := refusing(t, answer)
	startFails(t, "postgres://me@"+addr+"?sslmode=disable", "the URL names no database, and the database me at "+addr+" does not exist", "write postgres://USER@HOST/DATABASE")
	answer.Code, answer.Message = "28P01", `password authentication failed for user "me"`
	startFails(t, "postgres://me@"+refusing(t, answer)+"/x?sslmode=disable", "refuses the user me, and no password was given", "that PGPASSFILE names")
}

// startFails checks that a migration fails with one sentence that contains the texts and no
// secret.
func startFails(t *testing.T, raw string, want ...string) {
	t.Helper()
	_, _, err := Migrate(t.Context(), Options{URL: raw})
	if err == nil {
		t.Errorf("no error; want %q", want)
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q; want %q in it", err, w)
		}
	}
	if strings.Contains(err.Error(), "q7Zx") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q", err)
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	login := "postgres://me:" + url.QueryEscape(secret) + "@"
	startFails(t, login+addr+"/x?connect_timeout=1", "the database x at "+addr+" does not answer within 1s") // nobody accepts
	_ = l.Close()
	startFails(t, login+addr+"/x", "cannot be reached: connection refused; start it")
	startFails(t, login+addr+","+addr+"/x", "cannot be reached: connection refused; start it")
	startFails(t, login+"nowhere.invalid/x", "cannot be found", "nowhere.invalid")
	startFails(t, "postgres:///x?host=/nowhere", "at /nowhere/.s.PGSQL.5432 cannot be reached: no such file")
	startFails(t, login+"%2Fnowhere/x@y", "write / as %2F")
}

// TestUnsuitable starts with databases that cannot hold the schema.
func TestUnsuitable(t *testing.T) {
	admin := pgtest.URL(t)
	conn := connect(t, admin)
	for name, want := range map[string]string{"latin": "the database has the encoding LATIN1; create it with ENCODING 'UTF8'", "standby": "is read-only, as a standby is"} {
		encoding := "UTF8"
		if name == "latin" {
			encoding = "LATIN1"
		}
		run(t, conn, fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0 ENCODING '%s' LC_COLLATE 'C' LC_CTYPE 'C'", name, encoding))
		t.Cleanup(func() {
			conn, err := pgx.Connect(context.Background(), admin)
			if err == nil {
				_, err = conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
				_ = conn.Close(context.Background())
			}
			if err != nil {
				t.Error(err)
			}
		})
		run(t, conn, fmt.Sprintf("ALTER DATABASE %s SET default_transaction_read_only = %v", name, name == "standby"))
		u, err := url.Parse(admin)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/" + name
		startFails(t, u.String(), want)
	}
	startFails(t, admin+"&target_session_attrs=standby", "is not the kind of server that target_session_attrs asks for")
	startFails(t, admin+"&lock_timeout=ten", "does not take a value of the URL")
	startFails(t, admin+"&nosuch=1", "does not know a parameter of the URL")
	old := aRow{140007, "14.7 (Debian)", "UTF8"}
	if err := checkSchema(t.Context(), rowFunc(func() pgx.Row { return old })); err == nil || !strings.Contains(err.Error(), "the database is PostgreSQL 14.7 (Debian); rollcall needs PostgreSQL 15 or newer") {
		t.Errorf("an old server: %v", err)
	}
}

// A rowFunc answers every query with a row.
type rowFunc func() pgx.Row

func (f rowFunc) QueryRow(context.Context, string, ...any) pgx.Row { return f() }

type aRow struct {
	number            int
	version, encoding string
}

func (r aRow) Scan(dest ...any) error {
	if len(dest) != 3 {
		return errors.New("another query")
	}
	*dest[0].(*int), *dest[1].(*string), *dest[2].(*string) = r.number, r.version, r.encoding
	return nil
}

// TestPooledMigrate migrates through a pooler that gives each transaction another session.
func TestPooledMigrate(t *testing.T) {
	direct := pgtest.URL(t)
	through := pgtest.Pooled(t, direct)
	if from, to, err := Migrate(t.Context(), Options{URL: through}); err != nil || from != 0 || to != newestVersion() {
		t.Fatalf("Migrate = %d, %d, %v", from, to, err)
	}
	if err := checkSchema(t.Context(), connect(t, through)); err != nil {
		t.Error(err)
	}
	u, err := url.Parse(through)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("default_query_exec_mode")
	u.RawQuery = q.Encode()
	startFails(t, u.String(), "add default_query_exec_mode=exec")
}

// TestTLS logs in with TLS and a certificate of the client.
func TestTLS(t *testing.T) {
	direct := pgtest.URL(t)
	conn := connect(t, direct)
	dir := t.TempDir()
	serverCert, serverKey := testutil.Certificate(t)
	clientCert, clientKey := testutil.Certificate(t)
	files := map[string]string{}
	for name, pem := range map[string][]byte{"root.pem": serverCert, "client.pem": clientCert, "client.key": clientKey} {
		files[name] = filepath.Join(dir, name)
		if err := os.WriteFile(files[name], pem, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serveTLS(t, conn, map[string]string{"server.crt": string(serverCert), "server.key": string(serverKey), "root.crt": string(clientCert)})

	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	with := func(q url.Values) string {
		u.RawQuery = q.Encode()
		return u.String()
	}
	full := url.Values{"sslmode": {"verify-full"}, "sslrootcert": {files["root.pem"]}, "sslcert": {files["client.pem"]}, "sslkey": {files["client.key"]}}
	if _, to, err := Migrate(t.Context(), Options{URL: with(full)}); err != nil || to != newestVersion() {
		t.Errorf("verify-full with a certificate: %d, %v", to, err)
	}
	startFails(t, with(url.Values{"sslmode": {"verify-full"}, "sslrootcert": {files["root.pem"]}}), "refuses the user", "certificate")
	startFails(t, with(url.Values{"sslmode": {"verify-full"}, "sslrootcert": {files["client.pem"]}}), "cannot be reached with TLS", "certificate", "correct sslmode, sslrootcert")
	startFails(t, with(url.Values{"sslmode": {"disable"}}), "refuses the user", "pg_hba.conf")
	u.Host = "localhost:" + u.Port() // the certificate is for 127.0.0.1
	startFails(t, with(full), "cannot be reached with TLS", "localhost")
	full.Set("sslkey", "/nowhere/client.key")
	startFails(t, with(full), "failed to configure TLS", "/nowhere/client.key")
}

// serveTLS lets the server of conn accept only connections with TLS and a certificate of the
// client, until the end of the test. files are files in its data directory.
func serveTLS(t *testing.T, conn *pgx.Conn, files map[string]string) {
	t.Helper()
	data, hba := value(t, conn, "SHOW data_directory"), value(t, conn, "SHOW hba_file")
	before := value(t, conn, "SELECT pg_read_file('"+hba+"')")
	write := func(ctx context.Context, name, text string) {
		t.Helper()
		quoted := strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "'", "''")
		sql := fmt.Sprintf("COPY (SELECT unnest(string_to_array('%s', chr(10)))) TO PROGRAM 'umask 077; cat > %s'", quoted, name)
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	reload := func(ctx context.Context, statements string) {
		t.Helper()
		for sql := range strings.SplitSeq(statements+";SELECT pg_reload_conf()", ";") {
			if _, err := conn.Exec(ctx, sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range files {
		write(t.Context(), filepath.Join(data, name), text)
	}
	t.Cleanup(func() { // before the connection is closed
		write(context.Background(), hba, before)
		reload(context.Background(), "ALTER SYSTEM RESET ssl;ALTER SYSTEM RESET ssl_ca_file")
	})
	write(t.Context(), hba, "hostssl all all all trust clientcert=verify-ca")
	reload(t.Context(), "ALTER SYSTEM SET ssl = on;ALTER SYSTEM SET ssl_ca_file = 'root.crt'")
}

// TestOpenFails opens a store whose first poll fails. No connection stays.
func TestOpenFails(t *testing.T) {
	if citusURL != "" {
		t.Skip("it breaks the schema")
	}
	url := database(t)
	conn := connect(t, url)
	run(t, conn, `DROP TABLE changes`)
	if _, err := Open(t.Context(), Options{URL: url}); err == nil {
		t.Fatal("the store is open without a table")
	}
	const sql = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rollcall'`
	left := 1
	for end := time.Now().Add(10 * time.Second); left > 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err := conn.QueryRow(t.Context(), sql).Scan(&left); err != nil {
			t.Fatal(err)
		}
	}
	if left > 0 {
		t.Errorf("%d connections stay", left)
	}
}
