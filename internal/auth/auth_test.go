package auth

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
	"rollcall/usersig"
)

const (
	firstApp  account.AppID = 1400000001
	secondApp account.AppID = 1400000002

	testKey = "rollcall-test-key"
)

var peer = netip.MustParseAddr("192.0.2.1")

// TestMain fails the package if anything logs a secret.
func TestMain(m *testing.M) { testutil.Main(m) }

// A fixture is an Authenticator over an empty store, with one clock for
// everything.
type fixture struct {
	*Authenticator
	store *mem.Store
	time  time.Time
}

func newFixture(tb testing.TB, apps ...account.App) *fixture {
	tb.Helper()
	testutil.Secret(tb, testKey)
	f := &fixture{store: new(mem.Store), time: time.Unix(1700000000, 0)}
	f.Authenticator = New(directory.New(directory.Options{Engine: f.store, Clock: func(account.AppID) time.Time { return f.time }}))
	f.now = func() time.Time { return f.time }
	for _, app := range apps {
		app.Edition = account.Development
		app.Keys = []account.Key{{ID: "k", Kind: account.HMACKey, Secret: testKey}}
		if _, err := f.dir.CreateApp(tb.Context(), "test", app); err != nil {
			tb.Fatal(err)
		}
	}
	return f
}

// ask identifies a caller by a UserSig and returns the outcome: "admin",
// "user", or the reason of the refusal.
func (f *fixture) ask(tb testing.TB, app account.AppID, user account.UserID, sig string) string {
	tb.Helper()
	return f.askFrom(tb, peer, app, user, sig)
}

func (f *fixture) askFrom(tb testing.TB, from netip.Addr, app account.AppID, user account.UserID, sig string) string {
	tb.Helper()
	identity, err := f.identify(tb.Context(), tb, Credentials{App: f.app(tb, app), Identifier: user, UserSig: sig, Peer: from})
	e, refused := errors.AsType[*usersig.Error](err)
	switch {
	case refused:
		return e.Reason.String()
	case errors.Is(err, ErrLockedOut):
		return "locked out"
	case err != nil:
		return account.CodeOf(err).String()
	case identity.Admin:
		return "admin"
	}
	return "user"
}

// identify calls Identify. It checks that an identity has no error, and that an
// error comes with the zero identity.
func (f *fixture) identify(ctx context.Context, tb testing.TB, c Credentials) (Identity, error) {
	tb.Helper()
	identity, err := f.Identify(ctx, c)
	if err != nil && identity != (Identity{}) || err == nil && identity.User != c.Identifier {
		tb.Errorf("Identify of %q = %+v, %v", c.Identifier, identity, err)
	}
	return identity, err
}

func (f *fixture) app(tb testing.TB, id account.AppID) *account.App {
	tb.Helper()
	app, err := f.dir.App(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return app
}

func (f *fixture) change(tb testing.TB, fn func(*account.App) error) {
	tb.Helper()
	if _, err := f.dir.ChangeApp(tb.Context(), "test", directory.AppChange{App: firstApp, Action: "test", Apply: fn}); err != nil {
		tb.Fatal(err)
	}
}

func (f *fixture) kick(tb testing.TB, app account.AppID, user account.UserID, at time.Time) {
	tb.Helper()
	if _, err := f.store.Update(tb.Context(), app, []account.Patch{{ID: user, Kicked: at.Unix()}}, account.ChangePolicy{Now: at}); err != nil {
		tb.Fatal(err)
	}
}

// sign signs for the identifier with key, issued at a second, valid for a day.
func sign(tb testing.TB, key string, app account.AppID, identifier string, issued int64) string {
	tb.Helper()
	text, err := usersig.Sign(usersig.HMACKey(key), usersig.Claims{
		SDKAppID: uint32(app), Identifier: identifier, IssuedAt: time.Unix(issued, 0), Validity: 24 * time.Hour,
	})
	if err != nil {
		tb.Fatal(err)
	}
	testutil.Secret(tb, text)
	return text
}

// TestIdentify starts with a UserSig in which everything is wrong, and repairs
// one fault after the other. Each result must name the first remaining fault.
func TestIdentify(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp})
	const day = 24 * 60 * 60
	now := f.time.Unix()
	if _, err := f.dir.ImportInto(t.Context(), f.app(t, firstApp), []account.Upsert{{ID: "user"}}, nil); err != nil {
		t.Fatal(err)
	}
	f.kick(t, firstApp, "user", f.time)
	for _, step := range []struct{ name, sig, want string }{
		{"empty", "", "malformed"},
		{"unreadable", "x", "malformed"},
		{"other app", sign(t, "other", secondApp, "other", now-2*day), "other app"},
		{"other user", sign(t, "other", firstApp, "other", now-2*day), "other user"},
		{"expired", sign(t, "other", firstApp, "user", now-2*day), "expired"},
		{"other key", sign(t, "other", firstApp, "user", now-1), "bad signature"},
		{"kicked", sign(t, testKey, firstApp, "user", now-1), "kicked"},
		{"nothing", sign(t, testKey, firstApp, "user", now), "user"},
	} {
		if got := f.ask(t, firstApp, "user", step.sig); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
	if got := f.ask(t, firstApp, "nobody", sign(t, testKey, firstApp, "nobody", now)); got != "user" {
		t.Errorf("a user without an account: %s, want user", got)
	}
	if got := f.ask(t, firstApp, "administrator", sign(t, testKey, firstApp, "administrator", now)); got != "admin" {
		t.Errorf("an admin: %s", got)
	}
}

// TestAnySignature checks that only test apps whose record says so accept any
// signature, and only on a server that allows it.
func TestAnySignature(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		for _, test := range []bool{false, true} {
			f := newFixture(t)
			f.Authenticator = New(directory.New(directory.Options{Engine: f.store, AllowTestApps: allowed, Clock: func(account.AppID) time.Time { return f.time }}))
			app := account.App{
				ID: firstApp, Edition: account.Development, Test: test, Admins: []account.UserID{"administrator"},
				Keys: []account.Key{{ID: "k", Kind: account.HMACKey, Secret: testKey}}, Settings: account.Settings{AnySignature: true},
			}
			if _, err := records.New(f.store, nil).CreateApp(t.Context(), app, account.AuditEntry{}); err != nil {
				t.Fatal(err)
			}
			want := "bad signature"
			if allowed && test {
				want = "admin"
			}
			got := f.ask(t, firstApp, "administrator", sign(t, "another key", firstApp, "administrator", f.time.Unix()))
			if got != want {
				t.Errorf("allowed %v, a test app %v: %s, want %s", allowed, test, got, want)
			}
		}
	}
}

// TestKickAndFuture signs for a kicked account at times around that of the
// server:
//   - A UserSig that is dated far ahead is refused after the kick.
//   - A UserSig of a clock that is slightly fast is accepted.
//   - Once the kick is forgotten, any UserSig is accepted.
func TestKickAndFuture(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp, Admins: []account.UserID{"user"}})
	want := func(when string, wants map[time.Duration]string) {
		t.Helper()
		for ahead, want := range wants {
			if got := f.ask(t, firstApp, "user", sign(t, testKey, firstApp, "user", f.time.Add(ahead).Unix())); got != want {
				t.Errorf("%s, signed %v ahead: %s, want %s", when, ahead, got, want)
			}
		}
	}
	const far = 100 * 365 * 24 * time.Hour
	want("before", map[time.Duration]string{0: "admin", far: "admin"})
	f.kick(t, firstApp, "user", f.time)
	want("after a kick", map[time.Duration]string{-time.Second: "kicked", 0: "admin", usersig.MaxAhead: "admin", usersig.MaxAhead + time.Second: "kicked", far: "kicked"})
	f.kick(t, firstApp, "user", f.time.Add(far))
	want("after a kick by a fast clock", map[time.Duration]string{0: "kicked", far: "kicked"})
	if err := f.dir.Unkick(t.Context(), "test", firstApp, "user"); err != nil {
		t.Fatal(err)
	}
	want("forgotten", map[time.Duration]string{-time.Second: "admin", 0: "admin", far: "admin"})
	f.kick(t, firstApp, "user", f.time)
	want("kicked again", map[time.Duration]string{-time.Second: "kicked", 0: "admin"})
}

// A hungEngine does not return from Watermark until its context ends.
type hungEngine struct{ account.Engine }

func (hungEngine) Watermark(ctx context.Context, _ account.AppID, _ account.UserID) (int64, error) {
	<-ctx.Done()
	return 0, account.Ended(ctx)
}

// TestIdentifyEnds checks that Identify returns when its context ends, even if
// the store hangs.
func TestIdentifyEnds(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp, Settings: account.Settings{LockoutAfter: 1}})
	sig := sign(t, testKey, firstApp, "administrator", f.time.Unix())
	c := Credentials{App: f.app(t, firstApp), Identifier: "administrator", UserSig: sig, Peer: peer}
	f.dir = directory.New(directory.Options{Engine: hungEngine{f.store}, Clock: func(account.AppID) time.Time { return f.time }})
	synctest.Test(t, func(t *testing.T) {
		for range 2 { // a call that ends is not counted as a bad UserSig
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start := time.Now()
			_, err := f.identify(ctx, t, c)
			if took := time.Since(start); account.CodeOf(err) != account.Unavailable || took != time.Second {
				t.Errorf("%v after %v, want unavailable after a second", err, took)
			}
			cancel()
		}
	})
}
