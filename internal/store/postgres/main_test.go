package postgres

import (
	"context"
	"flag"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
	"rollcall/internal/account/storetest"
	"rollcall/internal/testutil/pgtest"
)

func TestMain(m *testing.M) {
	// Each check of a property needs a database of its own. -rapid.checks overrides this.
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	pgtest.Main(m)
}

// citusURL is the URL of a database of Citus without data that matter. If it is set, the
// tests use it instead of servers of their own, one after the other.
var citusURL = os.Getenv("ROLLCALL_TEST_CITUS_URL")

// database returns the URL of an empty database with the schema.
func database(tb testing.TB) string {
	tb.Helper()
	if citusURL != "" {
		emptyCitus(tb)
		return citusURL
	}
	return pgtest.Migrated(tb, func(url string) error {
		_, _, err := Migrate(context.Background(), Options{URL: url})
		return err
	})
}

// emptyCitus creates the schema in the database of citusURL and removes all data. A new
// database for each test would take seconds.
func emptyCitus(tb testing.TB) {
	tb.Helper()
	if _, _, err := Migrate(tb.Context(), Options{URL: citusURL}); err != nil {
		tb.Fatal(err)
	}
	conn, err := pgx.Connect(tb.Context(), citusURL)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.Background())
	const sql = `TRUNCATE accounts; TRUNCATE spaces; TRUNCATE records; TRUNCATE changes;
		ALTER SEQUENCE commit_numbers RESTART; ALTER SEQUENCE internal_ids RESTART`
	if _, err := conn.Exec(tb.Context(), sql); err != nil {
		tb.Fatal(err)
	}
}

// open opens a store that the test closes.
func open(tb testing.TB, o Options) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func openEmpty(tb testing.TB) account.Engine { return open(tb, Options{URL: database(tb)}) }

func TestEngine(t *testing.T) { storetest.Run(t, openEmpty) }

func TestShared(t *testing.T) {
	storetest.RunShared(t, storetest.Shared{Open: func(tb testing.TB) (one, other account.Engine) {
		url := database(tb)
		return open(tb, Options{URL: url}), open(tb, Options{URL: url})
	}})
}

func TestFaults(t *testing.T) {
	storetest.RunFaults(t, func(tb testing.TB, hook storetest.Hook) storetest.Faulty {
		url := database(tb)
		return storetest.Faulty{
			Engine: open(tb, Options{URL: url, hook: hook}),
			Reopen: func() account.Engine { return open(tb, Options{URL: url}) },
		}
	})
}

func TestProperty(t *testing.T) { storetest.Property(t, openEmpty) }

func TestReopen(t *testing.T) {
	urls := map[string]string{}
	storetest.RunReopen(t, func(tb testing.TB, dir string) account.Engine {
		if urls[dir] == "" {
			urls[dir] = database(t)
		}
		return open(tb, Options{URL: urls[dir]})
	})
}

// TestPropertyDivided is TestProperty with limits that are divided among two rows.
func TestPropertyDivided(t *testing.T) {
	storetest.Property(t, func(tb testing.TB) account.Engine {
		return open(tb, Options{URL: database(tb), spread: 2, worthDividing: 1})
	})
}
