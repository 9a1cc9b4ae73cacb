package pgtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// sharedSettings are the settings of the server of [URL]. Its data need not survive it, so
// it never waits for a disk.
var sharedSettings = []string{
	"fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
	"max_wal_size=4GB", "checkpoint_timeout=1h", "shared_buffers=64MB", "max_connections=500",
	// A worker of autovacuum is a session, which would delay a copy of its database.
	"autovacuum=off",
}

// databases creates databases on one server.
type databases struct {
	mu       sync.Mutex
	admin    *pgx.Conn // nil before the server has started
	server   *server
	err      error // why the server does not start
	created  int
	template string // name of the migrated database, or empty
}

var shared databases

// URL returns the URL of a new database without tables, whose texts are ordered by bytes.
// The server is shared by all tests of the process and does not survive a loss of power.
// The database is dropped when tb ends, whoever is connected.
func URL(tb testing.TB) string {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.start(tb)
	return shared.create(tb, "template0")
}

// Migrated returns the URL of a copy of a database that migrate has prepared. The first
// call in a process calls migrate with the URL of an empty database, and later calls copy
// the result, which takes a few milliseconds. So all calls in a process need the same migrate. It
// must close its connections. Everything else is as [URL] says.
func Migrated(tb testing.TB, migrate func(url string) error) string {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.start(tb)
	if shared.template == "" {
		if err := shared.migrate(migrate); err != nil {
			tb.Fatalf("migrate the template: %v", err)
		}
	}
	return shared.create(tb, shared.template)
}

// start starts the server, unless it runs.
func (d *databases) start(tb testing.TB) {
	tb.Helper()
	if d.admin == nil && d.err == nil {
		d.server, d.err = startServer("postgres", sharedSettings...)
		if d.err == nil {
			d.admin, d.err = pgx.Connect(context.Background(), d.server.url("postgres"))
		}
	}
	if d.err != nil {
		failStart(tb, "PostgreSQL", d.err)
	}
}

// exec runs a statement on the connection of the superuser.
func (d *databases) exec(format string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	_, err := d.admin.Exec(ctx, fmt.Sprintf(format, args...), pgx.QueryExecModeSimpleProtocol)
	return err
}

// create copies a database and drops the copy when tb ends.
func (d *databases) create(tb testing.TB, template string) string {
	tb.Helper()
	d.created++
	name := fmt.Sprintf("test_%d", d.created)
	if err := d.copy(name, template); err != nil {
		tb.Fatalf("create the database of a test: %v", err)
	}
	tb.Cleanup(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if err := d.exec("DROP DATABASE %s WITH (FORCE)", name); err != nil {
			tb.Errorf("drop the database of a test: %v", err)
		}
	})
	return d.server.url(name)
}

// copy copies a database file by file, which takes half the time of the other strategy as
// long as the server does not wait for the disk.
func (d *databases) copy(name, template string) error {
	return d.exec("CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'", name, template)
}

// migrate creates the template.
func (d *databases) migrate(migrate func(url string) error) error {
	d.created++
	name := fmt.Sprintf("migrated_%d", d.created)
	if err := d.copy(name, "template0"); err != nil {
		return err
	}
	if err := migrate(d.server.url(name)); err != nil {
		return errors.Join(err, d.exec("DROP DATABASE %s WITH (FORCE)", name))
	}
	if err := d.exec("ALTER DATABASE %s ALLOW_CONNECTIONS false", name); err != nil { // a session would delay copies
		return err
	}
	d.template = name
	return nil
}
