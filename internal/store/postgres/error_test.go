package postgres

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
	"rollcall/internal/testutil/pgtest"
)

// callDeadline is the deadline of the calls of these tests, as the API sets it.
const callDeadline = 2500 * time.Millisecond

// slack is how much later a call may return on a slow machine. A call that ignores its
// deadline returns after [callTime].
const slack = 5 * time.Second

// A breakage is a fault of a database. calls and ready are the Details of the errors of
// calls and of Ready.
type breakage struct {
	doBreak, heal func()
	calls, ready  string // ready is empty if the store stays ready
	reads         bool   // reads still work
	permanent     bool   // calls do not retry
}

// TestBreakages breaks the database in all ways. Every call ends within its deadline with
// one clear sentence, Ready tells it, and the store recovers by itself. A call that waits
// meanwhile succeeds.
func TestBreakages(t *testing.T) {
	for name, arrange := range map[string]func(*testing.T, *victim) breakage{
		"Refused": func(_ *testing.T, v *victim) breakage {
			return breakage{v.proxy.Refuse, v.proxy.Pass, refused, refused, false, false}
		},
		"Hangs": func(_ *testing.T, v *victim) breakage {
			return breakage{v.proxy.Hang, v.proxy.Pass, outOfTime, outOfTime, false, false}
		},
		"NoLogin": func(_ *testing.T, v *victim) breakage {
			return breakage{v.admin("ALTER ROLE %[2]s NOLOGIN", terminate), v.admin("ALTER ROLE %[2]s LOGIN"), credentials, credentials, false, true}
		},
		"NoDatabase": func(_ *testing.T, v *victim) breakage {
			return breakage{
				v.admin("ALTER DATABASE %[1]s ALLOW_CONNECTIONS false", terminate, "ALTER DATABASE %[1]s RENAME TO away_%[1]s"),
				v.admin("ALTER DATABASE away_%[1]s RENAME TO %[1]s", "ALTER DATABASE %[1]s ALLOW_CONNECTIONS true"), noDatabase, noDatabase, false, true,
			}
		},
		"Closed": func(_ *testing.T, v *victim) breakage {
			return breakage{
				v.admin("ALTER DATABASE %[1]s ALLOW_CONNECTIONS false", terminate), v.admin("ALTER DATABASE %[1]s ALLOW_CONNECTIONS true"),
				refused, refused, false, false,
			}
		},
		"NoConnection": func(_ *testing.T, v *victim) breakage {
			return breakage{v.admin("ALTER ROLE %[2]s CONNECTION LIMIT 0", terminate), v.admin("ALTER ROLE %[2]s CONNECTION LIMIT -1"), tooMany, tooMany, false, false}
		},
		"ReadOnly": func(_ *testing.T, v *victim) breakage {
			return breakage{
				v.admin("ALTER ROLE %[2]s SET default_transaction_read_only = on", terminate), v.admin("ALTER ROLE %[2]s RESET default_transaction_read_only"),
				readOnly, readOnly, true, false,
			}
		},
		"NoRight": func(_ *testing.T, v *victim) breakage {
			return breakage{v.owner("REVOKE ALL ON accounts, records FROM %[2]s"), v.owner("GRANT ALL ON accounts, records TO %[2]s"), noRight, noRight, false, true}
		},
		"NoTable": func(_ *testing.T, v *victim) breakage {
			return breakage{
				v.owner("ALTER TABLE accounts RENAME TO gone", "ALTER TABLE records RENAME TO lost"),
				v.owner("ALTER TABLE gone RENAME TO accounts", "ALTER TABLE lost RENAME TO records"), noTables, noTables, false, true,
			}
		},
		"NoColumn": func(_ *testing.T, v *victim) breakage {
			return breakage{
				v.owner("ALTER TABLE accounts RENAME internal_id TO gone", "ALTER TABLE records RENAME version TO gone"),
				v.owner("ALTER TABLE accounts RENAME gone TO internal_id", "ALTER TABLE records RENAME gone TO version"), noTables, "", false, true,
			}
		},
		"Pooler": func(t *testing.T, v *victim) breakage {
			u, _ := url.Parse(v.proxy.URL(v.direct)) // it worked before
			u.User = url.User(v.role)
			v.openURL(pgtest.Pooled(t, u.String()))
			return breakage{v.proxy.Refuse, v.proxy.Pass, poolAlone, poolAlone, false, false}
		},
		"PoolEmpty":        emptyPool,
		"LockTimeout":      func(t *testing.T, v *victim) breakage { return v.locked(t, "lock_timeout", conflicting) },
		"StatementTimeout": func(t *testing.T, v *victim) breakage { return v.locked(t, "statement_timeout", outOfTime) },
		"DiskFull":         func(_ *testing.T, v *victim) breakage { return v.raised("53100", diskFull) },
		"NoMemory":         func(_ *testing.T, v *victim) breakage { return v.raised("53200", exhausted) },
		"Deadlock":         func(_ *testing.T, v *victim) breakage { return v.raised("40P01", conflicting) },
		"Serialization":    func(_ *testing.T, v *victim) breakage { return v.raised("40001", conflicting) },
	} {
		t.Run(name, func(t *testing.T) {
			if citusURL != "" {
				t.Skip("the test breaks the server")
			}
			t.Parallel()
			v := newVictim(t)
			v.run(arrange(t, v))
		})
	}
}

// terminate ends the sessions of the store.
const terminate = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '%[2]s'"

// A victim is a store with the least rights, whose database is broken.
type victim struct {
	t      *testing.T
	direct string // URL of the owner
	role   string
	proxy  *pgtest.Proxy
	store  *Store
}

func newVictim(t *testing.T) *victim {
	v := &victim{t: t, direct: database(t)}
	v.role = "least_" + v.name()
	v.admin("CREATE ROLE %[2]s LOGIN")()
	t.Cleanup(v.admin("DROP OWNED BY %[2]s CASCADE", "DROP ROLE %[2]s"))
	t.Cleanup(v.owner("DROP OWNED BY %[2]s CASCADE"))
	if err := Grant(t.Context(), Options{URL: v.direct}, v.role); err != nil {
		t.Fatal(err)
	}
	v.proxy = pgtest.StartProxy(t, v.direct)
	v.open("")
	return v
}

// name returns the name of the database.
func (v *victim) name() string {
	u, _ := url.Parse(v.direct) // it worked before
	return strings.TrimPrefix(u.Path, "/")
}

// open opens the store, with parameters of the URL, and creates an account.
func (v *victim) open(parameters string) {
	v.t.Helper()
	u, _ := url.Parse(v.proxy.URL(v.direct)) // it worked before
	u.User = url.User(v.role)
	if parameters != "" {
		u.RawQuery += "&" + parameters
	}
	v.openURL(u.String())
}

func (v *victim) openURL(url string) {
	v.t.Helper()
	if v.store != nil {
		_ = v.store.Close() // it is not broken yet
	}
	s := open(v.t, Options{URL: url})
	v.store = s
	v.t.Cleanup(func() {
		if v.store == s {
			_ = s.Close() // errors are no concern here
		}
	})
	if _, err := s.Commit(v.t.Context(), account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}}); err != nil {
		v.t.Fatal(err)
	}
	create(account.UpsertPolicy{}, "a")(v.t, s)
}

// admin returns a function that executes statements as the superuser, outside the database.
// %[1]s is the database, %[2]s the role.
func (v *victim) admin(statements ...string) func() {
	return func() { v.execute("postgres", statements) }
}

// owner is admin inside the database.
func (v *victim) owner(statements ...string) func() {
	return func() { v.execute(v.name(), statements) }
}

func (v *victim) execute(database string, statements []string) {
	v.t.Helper()
	u, _ := url.Parse(v.direct) // it worked before
	u.Path = "/" + database
	conn, err := pgx.Connect(context.Background(), u.String())
	if err != nil {
		v.t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	for _, s := range statements {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "%[1]s", v.name()), "%[2]s", v.role)
		if _, err := conn.Exec(context.Background(), s, pgx.QueryExecModeSimpleProtocol); err != nil {
			v.t.Errorf("%s: %v", s, err)
		}
	}
}

// emptyPool holds all connections of the pool.
func emptyPool(_ *testing.T, v *victim) breakage {
	v.open("pool_max_conns=2")
	release := func() {}
	return breakage{doBreak: func() {
		for range 2 {
			conn, err := v.store.pool.Acquire(context.Background())
			if err != nil {
				v.t.Error(err)
				return
			}
			next := release
			release = func() { conn.Release(); next() }
		}
	}, heal: func() { release() }, calls: noConnection}
}

// locked locks the tables of accounts and records. The setting ends the statements that wait.
func (v *victim) locked(t *testing.T, setting, detail string) breakage {
	other := map[string]string{"lock_timeout": "statement_timeout", "statement_timeout": "lock_timeout"}[setting]
	v.open(setting + "=300ms&" + other + "=0")
	conn, err := pgx.Connect(t.Context(), v.direct)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	execute := func(sql string) func() {
		return func() {
			if _, err := conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				v.t.Error(err)
			}
		}
	}
	return breakage{doBreak: execute("BEGIN; LOCK TABLE accounts, records"), heal: execute("COMMIT"), calls: detail, ready: detail}
}

// raised makes the server raise an error at writes of accounts and records.
func (v *victim) raised(state, detail string) breakage {
	const trigger = "CREATE TRIGGER raise BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION raise()"
	return breakage{
		doBreak: v.owner("CREATE FUNCTION raise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '"+state+"'; END $$",
			fmt.Sprintf(trigger, "accounts"), fmt.Sprintf(trigger, "records")),
		heal: v.owner("DROP FUNCTION raise CASCADE"), calls: detail, reads: true,
	}
}

// run breaks the database and heals it.
func (v *victim) run(b breakage) {
	t, s := v.t, v.store
	t.Helper()
	b.doBreak()
	v.calls(b)
	if b.ready != "" {
		v.eventually("Ready says "+b.ready, func() bool { return account.DetailOf(s.Ready(t.Context())) == b.ready })
	} else if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	before, waited := s.retries.Load(), make(chan error, 1)
	if !b.permanent {
		go func() {
			_, err := upsert(context.WithoutCancel(t.Context()), s, account.UpsertPolicy{}, "waits")
			waited <- err
		}()
		v.eventually("a call waits", func() bool { return s.retries.Load() > before || b.calls == outOfTime || b.calls == noConnection })
	}
	b.heal()
	if !b.permanent {
		if err := <-waited; err != nil {
			t.Errorf("a call that waits: %v", err)
		}
	}
	v.eventually("Ready is nil", func() bool { return s.Ready(t.Context()) == nil })
	v.check()
}

// calls checks the calls of a broken database.
func (v *victim) calls(b breakage) {
	t, s := v.t, v.store
	t.Helper()
	var all sync.WaitGroup
	call := func(name string, write bool, fn func(context.Context) error) {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), callDeadline)
			defer cancel()
			began := time.Now()
			err := fn(ctx)
			if took := time.Since(began); took > callDeadline+slack {
				t.Errorf("%s: took %v", name, took)
			}
			if !write && b.reads {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				return
			}
			code := account.CodeOf(err)
			ended := account.DetailOf(account.Ended(ctx))
			if write {
				ended = account.DetailOf(account.Undecided(ctx))
			}
			switch detail := account.DetailOf(err); {
			case code != account.Unavailable && (!write || code != account.Unknown):
				t.Errorf("%s: %v", name, err)
			case b.calls == poolAlone && detail == outOfTime: // a pooler tries for a while before it says so
			case detail != b.calls && (detail != ended || ctx.Err() == nil):
				t.Errorf("%s: the detail is %q, want %q", name, detail, b.calls)
			}
		})
	}
	call("Upsert", true, func(ctx context.Context) error {
		_, err := upsert(ctx, s, account.UpsertPolicy{}, "b")
		return err
	})
	call("Update", true, func(ctx context.Context) error {
		_, err := s.Update(ctx, doubtApp, []account.Patch{{ID: "a", Kicked: 3}}, account.ChangePolicy{Now: doubtTime})
		return err
	})
	call("Delete", true, func(ctx context.Context) error {
		_, err := s.Delete(ctx, doubtApp, []account.UserID{"a"}, account.ChangePolicy{Now: doubtTime})
		return err
	})
	call("Status", false, func(ctx context.Context) error {
		_, err := s.Status(ctx, doubtApp, []account.UserID{"a"})
		return err
	})
	call("Lookup", false, func(ctx context.Context) error {
		_, err := s.Lookup(ctx, doubtApp, []account.UserID{"a"})
		return err
	})
	call("List", false, func(ctx context.Context) error {
		_, err := s.List(ctx, doubtApp, account.ListQuery{Limit: 10})
		return err
	})
	call("RecordsAt", false, func(ctx context.Context) error {
		_, err := s.RecordsAt(ctx, doubtKind, []string{"a", "b"})
		return err
	})
	all.Wait()
}

// check checks that the store works, and that its count becomes exact. A call whose caller
// has heard that its outcome is unknown can still be under way, and commit between two reads,
// so the count must be exact twice in a row.
func (v *victim) check() {
	t, s := v.t, v.store
	t.Helper()
	v.eventually("imports work", func() bool {
		_, err := upsert(t.Context(), s, account.UpsertPolicy{TombstoneBefore: account.AnyTombstone}, "a", "b", "c")
		return err == nil
	})
	exact := 0
	v.eventually("the count is exact", func() bool {
		d, err := s.Dump(t.Context(), doubtApp, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.Count(t.Context(), doubtApp)
		if err != nil {
			t.Fatal(err)
		}
		if exact++; n != int64(len(d.Accounts)) {
			exact = 0
		}
		return exact == 2
	})
}

// eventually waits until ok returns true.
func (v *victim) eventually(what string, ok func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	v.t.Fatalf("never: %s; Ready: %v", what, v.store.Ready(v.t.Context()))
}
