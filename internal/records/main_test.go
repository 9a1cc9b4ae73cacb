package records_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/pebble"
	"rollcall/internal/testutil/anystore"
	"rollcall/internal/testutil/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const app, otherApp account.AppID = 1400000001, 1400000002

var now = time.Date(2026, 2, 3, 4, 5, 6, 789_000_000, time.UTC)

// engines are the engines that the tests use. An engine with files has them below dir.
var engines = map[string]func(t *testing.T, dir string) account.Engine{
	"mem":  func(*testing.T, string) account.Engine { return new(mem.Store) },
	"late": func(*testing.T, string) account.Engine { return new(mem.Store).Handle(account.MaxStale) },
	"pebble": func(t *testing.T, dir string) account.Engine {
		s, err := pebble.Open(t.Context(), pebble.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return s
	},
	"postgres": func(t *testing.T, dir string) account.Engine { return anystore.OpenDir(t, anystore.Postgres, dir) },
}

// An env is one test and its registry. Its methods fail the test on errors.
type env struct {
	*testing.T
	e account.Engine
	r *records.Registry
}

func newEnv(t *testing.T, e account.Engine) *env {
	e = checked.New(e)
	return &env{t, e, records.New(e, nil)}
}

// each runs a test on every engine.
func each(t *testing.T, fn func(*env)) {
	t.Helper()
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			v := newEnv(t, open(t, t.TempDir()))
			defer func() {
				if err := v.e.Close(); err != nil {
					v.Errorf("Close: %v", err)
				}
			}()
			fn(v)
		})
	}
}

// by is the audit entry of a change.
func by(action string) account.AuditEntry {
	return account.AuditEntry{Time: now, Actor: "test", TokenID: "0f9a1c2e", Action: action, Detail: "detail of " + action}
}

func (v *env) create(id account.AppID, admins ...account.UserID) *account.App {
	v.Helper()
	a, err := v.r.CreateApp(v.Context(), account.App{ID: id, Edition: account.Trial, Created: now, Admins: admins}, by("app.create"))
	if err != nil {
		v.Fatalf("CreateApp: %v", err)
	}
	return a
}

func (v *env) update(id account.AppID, fn func(*account.App)) *account.App {
	v.Helper()
	a, err := v.r.UpdateApp(v.Context(), id, change(fn), by("app.change"))
	if err != nil {
		v.Fatalf("UpdateApp: %v", err)
	}
	return a
}

// change turns fn into an argument of UpdateApp.
func change(fn func(*account.App)) func(account.App) (account.App, error) {
	return func(a account.App) (account.App, error) {
		fn(&a)
		return a, nil
	}
}

func rename(name string) func(*account.App) { return func(a *account.App) { a.Name = name } }

// app reads an app that must exist.
func (v *env) app(id account.AppID) *account.App {
	v.Helper()
	a, err := v.r.App(v.Context(), id)
	if err != nil {
		v.Fatalf("App: %v", err)
	}
	return a
}

func (v *env) audit(q account.AuditQuery) []account.AuditEntry {
	v.Helper()
	es, err := v.r.Audit(v.Context(), q)
	if err != nil {
		v.Fatalf("Audit(%+v): %v", q, err)
	}
	return es
}

func (v *env) count(id account.AppID, want int64) {
	v.Helper()
	if n, err := v.e.Count(v.Context(), id); err != nil || n != want {
		v.Errorf("Count = %d, %v; want %d", n, err, want)
	}
}

// equal compares the result of a call with the expected one. nil and empty lists are equal.
func (v *env) equal(what string, got, want any, opts ...cmp.Option) {
	v.Helper()
	opts = append(opts, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{}))
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		v.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (v *env) code(what string, err error, want account.Code) {
	v.Helper()
	if account.CodeOf(err) != want {
		v.Errorf("%s: %v, want Code %v", what, err, want)
	}
}
