package pgtest

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// poolers contains a pgbouncer for each server and role.
var poolers struct {
	mu      sync.Mutex
	running map[string]*pooler
}

// A pooler is a pgbouncer in transaction mode.
type pooler struct {
	*process
	port int
}

// Pooled returns the URL of the database at dsn behind a pgbouncer in transaction mode,
// which all tests of the process share. The pool has 10 sessions for each database.
func Pooled(tb testing.TB, dsn string) string {
	tb.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	poolers.mu.Lock()
	defer poolers.mu.Unlock()
	key := u.User.String() + "@" + u.Host
	p := poolers.running[key]
	if p == nil {
		if p, err = startPooler(u); err != nil {
			failStart(tb, "pgbouncer", err)
		}
		if poolers.running == nil {
			poolers.running = map[string]*pooler{}
		}
		poolers.running[key] = p
	}
	return p.url(u)
}

// url returns the URL of a database behind the pooler.
func (p *pooler) url(database *url.URL) string {
	u := *database
	u.Host = address(p.port)
	u.User = url.User(database.User.Username())
	query := u.Query()
	query.Set("sslmode", "disable")
	query.Set("default_query_exec_mode", "exec")
	u.RawQuery = query.Encode()
	return u.String()
}

// startPooler starts a pgbouncer for the server and the role of a URL.
func startPooler(u *url.URL) (*pooler, error) {
	program, err := find("pgbouncer")
	if err != nil {
		return nil, err
	}
	dir, err := servers.folder("pgbouncer")
	if err != nil {
		return nil, err
	}
	free, err := port()
	if err != nil {
		return nil, err
	}
	server := "* = host=" + u.Hostname() + " port=" + cmp.Or(u.Port(), "5432") + " user=" + u.User.Username()
	if password, ok := u.User.Password(); ok {
		server += " password='" + strings.ReplaceAll(password, "'", "''") + "'"
	}
	config := filepath.Join(dir, "pgbouncer.ini")
	if err := write(config, fmt.Sprintf(poolerConfig, server, free)); err != nil {
		return nil, err
	}
	p := &pooler{port: free}
	if p.process, err = launch(dir, syscall.SIGTERM, program, config); err != nil { // SIGTERM waits for no client
		return nil, err
	}
	return p, await(p.process, func(ctx context.Context) error { return execute(ctx, p.url(u), "SELECT 1") })
}

// poolerConfig is the configuration of a pgbouncer. It logs in as the user of the server
// line, whoever connects.
const poolerConfig = `[databases]
%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
max_client_conn = 1000
server_login_retry = 1
`
