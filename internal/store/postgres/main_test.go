package postgres

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/url"
	"os"
	"path"
	"slices"
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
	empty(tb, citusURL)
}

// empty removes all data of a database.
func empty(tb testing.TB, url string) {
	tb.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.Background())
	const sql = `TRUNCATE accounts; TRUNCATE spaces; TRUNCATE records; TRUNCATE changes;
		ALTER SEQUENCE commit_numbers RESTART; ALTER SEQUENCE internal_ids RESTART`
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		tb.Fatal(err)
	}
}

// emptied returns a function that removes all data of one database and returns its URL.
// Tests with many short stores use it, because a new database takes longer.
func emptied(tb testing.TB) func() string {
	tb.Helper()
	url := database(tb)
	return func() string {
		empty(tb, url)
		return url
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

func TestEngine(t *testing.T) {
	var without []storetest.Exception
	if citusURL != "" {
		without = append(without, storetest.Without("ExportMoment", "Citus has no snapshot over several workers"))
	}
	storetest.Run(t, openEmpty, without...)
}

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

func TestProperty(t *testing.T) {
	url := emptied(t)
	storetest.Property(t, func(tb testing.TB) account.Engine { return open(tb, Options{URL: url()}) })
}

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
	url := emptied(t)
	storetest.Property(t, func(tb testing.TB) account.Engine {
		return open(tb, Options{URL: url(), spread: 2, worthDividing: 1})
	})
}

// TestPropertyCut is TestPropertyDivided with connections that are cut at random.
func TestPropertyCut(t *testing.T) {
	if citusURL != "" {
		t.Skip("the connections to the workers do not pass the proxy")
	}
	direct := emptied(t)
	p := pgtest.StartProxy(t, direct())
	storetest.Property(t, func(tb testing.TB) account.Engine {
		return &cutting{open(tb, Options{URL: p.URL(direct()), spread: 2, worthDividing: 1}), p}
	})
	t.Logf("%d connections were cut", p.Cuts())
	if p.Cuts() < 10 {
		t.Error("the test proves nothing")
	}
}

// A cutting cuts the connections of calls.
type cutting struct {
	*Store
	p *pgtest.Proxy
}

// plan plans a cut for a call, or none, and returns a function that ends the plan.
func (c *cutting) plan() (end func()) {
	switch rand.IntN(6) {
	case 0:
		c.p.Plan(pgtest.Cut{BeforeCommit: true})
	case 1:
		c.p.Plan(pgtest.Cut{AfterCommit: true})
	case 2:
		c.p.Plan(pgtest.Cut{After: 1 + rand.IntN(3000)})
	}
	return func() { c.p.Plan(pgtest.Cut{}) }
}

func (c *cutting) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	defer c.plan()()
	rs, err := c.Store.Upsert(ctx, app, items, p)
	if account.CodeOf(err) == account.Unknown { // a tombstone is later than the import: it can be of a call since
		c.p.Plan(pgtest.Cut{})
		return c.Store.Upsert(ctx, app, items, p)
	}
	return rs, err
}

func (c *cutting) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	defer c.plan()()
	return c.Store.Update(ctx, app, patches, p)
}

func (c *cutting) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	defer c.plan()()
	return c.Store.Delete(ctx, app, ids, p)
}

// Commit does not cut a commit that only removes records: it leaves no trace, so its outcome
// stays unknown.
func (c *cutting) Commit(ctx context.Context, co account.Commit) (uint64, error) {
	removes := func(w account.Write) bool { return w.Value == nil && !w.Append }
	if len(co.Writes) == 0 || !slices.ContainsFunc(co.Writes, removes) {
		defer c.plan()()
	}
	return c.Store.Commit(ctx, co)
}

// everything makes the tests behind a pooler complete.
var everything = os.Getenv("ROLLCALL_TEST_POOLED") != ""

// pooled are the themes that TestPooled runs without everything: those whose statements,
// transactions or connections differ most.
var pooledThemes = []string{
	"UpsertCreates", "UpsertRepeated", "QuotaConcurrent", "UpdateConcurrent", "Delete", "ListPages", "ContextEnded", "SpaceRemove",
	"NoSpaceConcurrent", "AdminsConcurrent", "LoadUpdate", "RecordConcurrent", "RecordValues", "RecordsAtKeys", "Outbox", "ReplaceRestores", "ExportMoment",
}

// TestPooled runs the suite through a pgbouncer in transaction mode, as a role with the
// least rights.
func TestPooled(t *testing.T) {
	pooled := func(tb testing.TB) string { return pgtest.Pooled(tb, least(tb, database(tb))) }
	storetest.Run(t, func(tb testing.TB) account.Engine {
		if !everything && !slices.Contains(pooledThemes, path.Base(tb.Name())) {
			tb.Skip("ROLLCALL_TEST_POOLED=1 runs it")
		}
		return open(tb, Options{URL: pooled(tb)})
	})
	if !everything {
		return
	}
	storetest.RunShared(t, storetest.Shared{Open: func(tb testing.TB) (one, other account.Engine) {
		url := pooled(tb)
		return open(tb, Options{URL: url}), open(tb, Options{URL: url})
	}})
	storetest.RunFaults(t, func(tb testing.TB, hook storetest.Hook) storetest.Faulty {
		url := pooled(tb)
		return storetest.Faulty{Engine: open(tb, Options{URL: url, hook: hook}), Reopen: func() account.Engine { return open(tb, Options{URL: url}) }}
	})
	urls := map[string]string{}
	storetest.RunReopen(t, func(tb testing.TB, dir string) account.Engine {
		if urls[dir] == "" {
			urls[dir] = pooled(t)
		}
		return open(tb, Options{URL: urls[dir]})
	})
	t.Run("Property", func(t *testing.T) {
		direct := emptied(t)
		storetest.Property(t, func(tb testing.TB) account.Engine {
			return open(tb, Options{URL: pgtest.Pooled(t, least(t, direct()))})
		})
	})
}

// least returns the URL of a database for a role with the least rights.
func least(tb testing.TB, direct string) string {
	tb.Helper()
	if citusURL != "" {
		tb.Skip("the workers have no such role")
	}
	const role = "server"
	conn, err := pgx.Connect(context.Background(), direct)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.Background())
	const sql = "DO $$ BEGIN CREATE ROLE " + role + " LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		tb.Fatal(err)
	}
	if err := Grant(context.Background(), Options{URL: direct}, role); err != nil {
		tb.Fatal(err)
	}
	u, err := url.Parse(direct)
	if err != nil {
		tb.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}
