// Package anystore gives tests an empty store of any kind, so that the same tests run on
// every engine.
//
// The environment variable ROLLCALL_TEST_STORE chooses the kinds, separated by commas:
//
//	mem        in memory
//	pebble     the embedded engine, in a temporary directory
//	postgres   a database on a server that the tests start
//	pooled     the same behind a pooler in transaction mode
//
// If ROLLCALL_TEST_CITUS_URL is set, the databases are on that cluster; see package pgtest.
package anystore

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/store/open"
	"rollcall/internal/testutil/pgtest"
)

// Kinds of stores.
const (
	Mem      = "mem"
	Pebble   = "pebble"
	Postgres = "postgres"
	Pooled   = "pooled"
)

// variable names the environment variable that chooses the kinds.
const variable = "ROLLCALL_TEST_STORE"

// chosen is read at the start, because some tests remove the variables of rollcall.
var chosen = os.Getenv(variable)

// Kinds returns the kinds of stores that a test runs on: those that ROLLCALL_TEST_STORE
// chooses, or usual if it is not set.
func Kinds(tb testing.TB, usual ...string) []string {
	tb.Helper()
	if chosen == "" {
		return usual
	}
	kinds := strings.Split(chosen, ",")
	for _, kind := range kinds {
		if !slices.Contains([]string{Mem, Pebble, Postgres, Pooled}, kind) {
			tb.Fatalf("%s has the unknown kind %q; write mem, pebble, postgres or pooled", variable, kind)
		}
	}
	return kinds
}

// Kind returns the first of [Kinds], for a test that runs on one store only.
func Kind(tb testing.TB, usual string) string {
	tb.Helper()
	return Kinds(tb, usual)[0]
}

// Spec returns the spec of a new empty store of a kind, for [open.Engine] or --store. A
// database has its schema already. The store is removed when tb ends.
func Spec(tb testing.TB, kind string) string {
	tb.Helper()
	switch kind {
	case Pebble:
		return "pebble:" + filepath.Join(tb.TempDir(), "accounts")
	case Postgres:
		return database(tb)
	case Pooled:
		return pgtest.Pooled(tb, database(tb))
	}
	return "mem:"
}

// database returns the URL of a database without accounts.
func database(tb testing.TB) string {
	tb.Helper()
	return pgtest.Migrated(tb, func(url string) error {
		_, _, err := open.Migrate(context.Background(), url, open.Options{})
		return err
	})
}

// Open opens a new empty store of a kind and closes it when tb ends.
func Open(tb testing.TB, kind string) account.Engine {
	tb.Helper()
	e := openSpec(tb, Spec(tb, kind))
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

func openSpec(tb testing.TB, spec string) account.Engine {
	tb.Helper()
	e, err := open.Engine(tb.Context(), spec, open.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// OpenDir opens the store of a kind that belongs to a directory, which is empty the first
// time. The caller closes it. The data of a store in memory end with that.
func OpenDir(tb testing.TB, kind, dir string) account.Engine {
	tb.Helper()
	return openSpec(tb, specOf(tb, kind, dir))
}

// Configure sets the store of a server, unless c has one: to a store in memory, or to a new
// database if ROLLCALL_TEST_STORE chooses one. A server with a database has a data directory.
func Configure(tb testing.TB, c *config.Config) {
	tb.Helper()
	switch {
	case c.Store != "":
	case Embedded():
		c.Store = "mem:"
	default:
		c.Store, c.Data = Spec(tb, Kind(tb, Mem)), cmp.Or(c.Data, tb.TempDir())
	}
}

// NeedEmbedded skips a test of what only the embedded engine has, if the servers of
// [Served] have another one.
func NeedEmbedded(tb testing.TB) {
	tb.Helper()
	if !Embedded() {
		tb.Skip("a test of the embedded engine, and " + variable + " is " + chosen)
	}
}

// Embedded reports whether the servers of [Served] have the embedded engine.
func Embedded() bool {
	first, _, _ := strings.Cut(chosen, ",")
	return first != Postgres && first != Pooled
}

// databases has the URLs of databases by directory.
var databases sync.Map

// Served returns the database of "rollcall serve" with the data directory dir, always the
// same for the same directory, or "" if its store is the usual one; see [Embedded]. The
// database is dropped when the tb ends that was first.
func Served(tb testing.TB, dir string) string {
	tb.Helper()
	if Embedded() {
		return ""
	}
	return specOf(tb, Kind(tb, Pebble), dir)
}

// specOf returns the spec of the store that belongs to a directory.
func specOf(tb testing.TB, kind, dir string) string {
	tb.Helper()
	switch kind {
	case Pebble:
		return "pebble:" + filepath.Join(dir, "accounts")
	case Mem:
		return Spec(tb, kind)
	}
	url, ok := databases.Load(dir)
	if !ok {
		url, _ = databases.LoadOrStore(dir, Spec(tb, kind))
	}
	return url.(string)
}
