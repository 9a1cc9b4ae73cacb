package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"
)

// sharedSettings are the settings of the server of [URL]. Its data need not survive it, so
// it never waits for a disk.
var sharedSettings = []string{
	"fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
	"max_wal_size=4GB", "checkpoint_timeout=1h", "shared_buffers=64MB", "max_connections=500",
	"max_prepared_transactions=10",
	// A worker of autovacuum is a session, which would delay a copy of its database.
	"autovacuum=off",
}

// databases creates the databases of a test process.
type databases struct {
	mu       sync.Mutex
	hosts    []host // servers that all have each database; the first one is that of the URLs
	err      error  // why there are no hosts
	prefix   string // of the names of databases
	created  int
	empty    string // database that URL copies
	migrated string // database that Migrated copies, or empty
}

// A host is a server on which databases are created.
type host struct {
	admin *pgx.Conn
	url   *url.URL // of the database of admin
}

var shared databases

// URL returns the URL of a new database without tables, whose texts are ordered by bytes.
// The server is shared by all tests of the process and does not survive a loss of power.
// The database is dropped when tb ends, whoever is connected.
//
// If the environment variable ROLLCALL_TEST_CITUS_URL contains the URL of a database on the
// coordinator of a Citus cluster, the database is created there and on the workers, with
// the same nodes. The role must be a superuser on all nodes.
func URL(tb testing.TB) string {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.start(tb)
	return shared.create(tb, shared.empty)
}

// Migrated returns the URL of a copy of a database that migrate has prepared. The first
// call in a process calls migrate with the URL of an empty database, and later calls copy
// the result, which takes a few milliseconds. So all calls in a process need the same
// migrate. Everything else is as [URL] says.
func Migrated(tb testing.TB, migrate func(url string) error) string {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.start(tb)
	if shared.migrated == "" {
		if err := shared.migrate(migrate); err != nil {
			tb.Fatalf("migrate a database to copy: %v", err)
		}
	}
	return shared.create(tb, shared.migrated)
}

// start starts the server, unless it runs.
func (d *databases) start(tb testing.TB) {
	tb.Helper()
	if d.hosts == nil && d.err == nil {
		d.prefix = databasePrefix + strings.ToLower(rand.Text()[:8])
		if citus := os.Getenv(citusVariable); citus != "" {
			d.err = d.startCitus(citus)
		} else {
			d.err = d.startPlain()
		}
	}
	if d.err != nil {
		failStart(tb, "PostgreSQL", d.err)
	}
}

// databasePrefix starts the names of all databases of tests.
const databasePrefix = "rollcall_test_"

// startPlain starts one server.
func (d *databases) startPlain() error {
	s, err := startServer("postgres", sharedSettings...)
	if err != nil {
		return err
	}
	d.empty = "template0"
	return d.addHost(s.url("postgres"))
}

// addHost connects to a server.
func (d *databases) addHost(dsn string) error {
	u, err := url.Parse(dsn)
	if err != nil {
		return errors.New("the URL of a database is malformed") // the error may contain its password
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	config.RuntimeParams["application_name"] = d.prefix
	admin, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	d.hosts = append(d.hosts, host{admin, u})
	return nil
}

// database returns the URL of another database of the host.
func (h host) database(name string) string {
	u := *h.url
	u.Path = "/" + name
	return u.String()
}

// exec runs statements on all hosts at the same time.
func (d *databases) exec(statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	var all errgroup.Group
	for _, h := range d.hosts {
		all.Go(func() error { return executeOn(ctx, h.admin, statements...) })
	}
	return all.Wait()
}

// name returns the name of a new database.
func (d *databases) name() string {
	d.created++
	return fmt.Sprintf("%s_%d", d.prefix, d.created)
}

// create copies a database and drops the copy when tb ends.
func (d *databases) create(tb testing.TB, template string) string {
	tb.Helper()
	name := d.name()
	if err := d.copy(name, template); err != nil {
		tb.Fatalf("create the database of a test: %v", err)
	}
	tb.Cleanup(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if err := d.drop(name); err != nil {
			tb.Errorf("drop the database of a test: %v", err)
		}
	})
	return d.hosts[0].database(name)
}

// copy copies a database file by file, which takes half the time of the other strategy if
// the server does not wait for the disk, and as much otherwise.
func (d *databases) copy(name, template string) error {
	return d.exec(fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'", name, template))
}

// drop drops a database, with the sessions and the prepared transactions that use it.
func (d *databases) drop(name string) error {
	err := d.dropUnprepared(name)
	if !isCode(err, "55006") { // in use
		return err
	}
	for _, h := range d.hosts {
		if err := h.rollback(name); err != nil {
			return err
		}
	}
	return d.dropUnprepared(name)
}

// dropUnprepared drops a database without prepared transactions.
func (d *databases) dropUnprepared(name string) error {
	if len(d.hosts) > 1 { // the background workers of Citus would connect again
		if err := d.close(name); err != nil && !isCode(err, "3D000") { // it is gone on a host
			return err
		}
	}
	return d.exec(fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name))
}

// isCode reports whether PostgreSQL returned an error with a code.
func isCode(err error, code string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == code
}

// rollback ends the prepared transactions of a database.
func (h host) rollback(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	if err := executeOn(ctx, h.admin, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true"); err != nil {
		if isCode(err, "3D000") { // dropped already
			return nil
		}
		return err
	}
	conn, err := pgx.Connect(ctx, h.database(name))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts WHERE database = current_database()")
	if err != nil {
		return err
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	return executeOn(ctx, conn, statements...)
}

// migrate creates the database that Migrated copies.
func (d *databases) migrate(migrate func(url string) error) error {
	name := d.name()
	if err := d.copy(name, d.empty); err != nil {
		return err
	}
	if err := migrate(d.hosts[0].database(name)); err != nil {
		return errors.Join(err, d.drop(name))
	}
	d.migrated = name
	return d.close(name)
}

// close ends the sessions of a database and allows no more, because one would delay copies.
func (d *databases) close(name string) error {
	return d.exec(fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS false", name),
		fmt.Sprintf("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '%s'", name))
}
