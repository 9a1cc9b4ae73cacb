package api

import (
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/usersig"
)

// Apps of the gate's tests.
const (
	plainApp    account.AppID = 1400000001
	disabledApp account.AppID = 1400000002
	listedApp   account.AppID = 1400000003
	openApp     account.AppID = 1400000004
)

func gateApps() []account.App {
	elsewhere := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	return []account.App{
		{ID: plainApp, Settings: account.Settings{RateLimits: map[string]int{"account_import": 1}, AppRateLimit: 1}},
		{ID: disabledApp, Disabled: true, Settings: account.Settings{AllowSources: elsewhere}},
		{ID: listedApp, Settings: account.Settings{AllowSources: elsewhere}},
		{ID: openApp},
	}
}

// An attempt is a request whose parts are wrong one by one.
type attempt struct {
	method, path, query, body string
}

// TestGateOrder starts with a request in which everything is wrong and repairs
// one fault after the other. Each answer names the first fault that is left,
// so the order of the gate is exactly the order of this table.
func TestGateOrder(t *testing.T) {
	f := newFixture(t, gateApps()...)
	now := f.time.Unix()
	good := sign(t, testKey, plainApp, "administrator", now)
	spend := request("POST", "/v4/im_open_login_svc/account_import", params(plainApp, "administrator", good), `{"UserID":"user"}`)
	if got := f.post(t, spend); *got.ErrorCode != 0 {
		t.Fatalf("a good call = %d", *got.ErrorCode)
	}
	kick(t, f, "user", f.time)

	r := attempt{method: "GET", path: "/v4/im_open_login_svc/nothing"}
	set := func(q string) func() { return func() { r.query = q } }
	const day = 24 * 60 * 60
	for _, step := range []struct {
		name   string
		repair func()
		want   int
	}{
		{"path", func() {}, 60009},
		{"method", func() { r.path = "/v4/im_open_login_svc/account_import" }, 60002},
		{"no sdkappid", func() { r.method = "POST" }, 60012},
		{"sdkappid of letters", set("sdkappid=x"), 60006},
		{"unknown app", set("sdkappid=1"), 70020},
		{"disabled app", set("sdkappid=1400000002"), 60016},
		{"source", set("sdkappid=1400000003"), 60021},
		{"no identifier", set("sdkappid=1400000001"), 60004},
		{"no usersig", set("sdkappid=1400000001&identifier=user"), 60004},
		{"empty usersig", set(params(plainApp, "user", "")), 70002},
		{"unreadable", set(params(plainApp, "user", "x")), 70003},
		{"other app", set(params(plainApp, "user", sign(t, "other", listedApp, "other", now-2*day))), 70014},
		{"other user", set(params(plainApp, "user", sign(t, "other", plainApp, "other", now-2*day))), 70013},
		{"expired", set(params(plainApp, "user", sign(t, "other", plainApp, "user", now-2*day))), 70001},
		{"other key", set(params(plainApp, "user", sign(t, "other", plainApp, "user", now-1))), 70009},
		{"kicked", set(params(plainApp, "user", sign(t, testKey, plainApp, "user", now-1))), 70052},
		{"not an admin", set(params(plainApp, "user", sign(t, testKey, plainApp, "user", now))), 70403},
		{"rate of the command", set(params(plainApp, "administrator", good)), 60007},
		{"rate of the app", func() { r.path = "/v4/im_open_login_svc/account_check" }, 60011},
		{"empty body", func() { f.time = f.time.Add(time.Second) }, 60002},
		{"nothing", func() { r.body, f.time = `{"CheckItem":[{"UserID":"user"}]}`, f.time.Add(time.Second) }, 0},
	} {
		step.repair()
		got := f.post(t, request(r.method, r.path, r.query, r.body))
		if *got.ErrorCode != step.want {
			t.Errorf("%s: code = %d (%s), want %d", step.name, *got.ErrorCode, *got.ErrorInfo, step.want)
		}
	}
}

func params(app account.AppID, identifier, sig string) string {
	return url.Values{
		"sdkappid":   {strconv.FormatUint(uint64(app), 10)},
		"identifier": {identifier},
		"usersig":    {sig},
	}.Encode()
}

func kick(t *testing.T, f *fixture, id account.UserID, at time.Time) {
	t.Helper()
	if _, err := f.store.Update(t.Context(), plainApp, []account.Patch{{ID: id, Kicked: at.Unix()}}, at); err != nil {
		t.Fatal(err)
	}
}

// TestAnySignature asks apps that accept any signature by their record. That
// counts for a test app alone, and on a server that allows them alone.
func TestAnySignature(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		for _, test := range []bool{false, true} {
			f := newFixture(t)
			f.dir = directory.New(directory.Options{Engine: f.store, AllowTestApps: allowed, Clock: func(account.AppID) time.Time { return f.time }})
			app := account.App{
				ID: plainApp, Edition: account.Development, Test: test, Admins: []account.UserID{"administrator"},
				Keys: []account.Key{{ID: "k", Kind: account.HMACKey, Secret: testKey}}, Settings: account.Settings{AnySignature: true},
			}
			if _, err := f.store.CreateApp(t.Context(), app, account.AuditEntry{}); err != nil {
				t.Fatal(err)
			}
			want := 70009
			if allowed && test {
				want = 0
			}
			q := params(plainApp, "administrator", sign(t, "another key", plainApp, "administrator", f.time.Unix()))
			got := f.post(t, request("POST", "/v4/im_open_login_svc/account_check", q, `{"CheckItem":[{"UserID":"user"}]}`))
			if *got.ErrorCode != want {
				t.Errorf("allowed %v, a test app %v: code %d, want %d", allowed, test, *got.ErrorCode, want)
			}
		}
	}
}

// TestKickAndFuture signs for a kicked account at times around the server's: a
// UserSig that is dated far ahead does not survive the kick, one of a clock that
// is a little fast does, and so does any once the kick is forgotten.
func TestKickAndFuture(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp, Admins: []account.UserID{"user"}}, account.App{ID: listedApp, Settings: account.Settings{KickedAsExpired: true}})
	code := func(app account.AppID, id string, ahead time.Duration) int {
		q := params(app, id, sign(t, testKey, app, id, f.time.Add(ahead).Unix()))
		return *f.post(t, request("POST", "/v4/im_open_login_svc/account_check", q, `{"CheckItem":[{"UserID":"user"}]}`)).ErrorCode
	}
	want := func(when string, wants map[time.Duration]int) {
		t.Helper()
		for ahead, want := range wants {
			if got := code(plainApp, "user", ahead); got != want {
				t.Errorf("%s, signed %v ahead: code %d, want %d", when, ahead, got, want)
			}
		}
	}
	const far = 100 * 365 * 24 * time.Hour
	want("before", map[time.Duration]int{0: 0, far: 0})
	kick(t, f, "user", f.time)
	want("after a kick", map[time.Duration]int{-time.Second: 70052, 0: 0, usersig.MaxAhead: 0, usersig.MaxAhead + time.Second: 70052, far: 70052})
	kick(t, f, "user", f.time.Add(far))
	want("after a kick by a fast clock", map[time.Duration]int{0: 70052, far: 70052})
	if err := f.dir.Unkick(t.Context(), "test", plainApp, "user"); err != nil {
		t.Fatal(err)
	}
	want("forgotten", map[time.Duration]int{-time.Second: 0, 0: 0, far: 0})
	kick(t, f, "user", f.time)
	want("kicked again", map[time.Duration]int{-time.Second: 70052, 0: 0})
	if _, err := f.store.Update(t.Context(), listedApp, []account.Patch{{ID: "administrator", Kicked: f.time.Unix()}}, f.time); err != nil {
		t.Fatal(err)
	}
	if got := code(listedApp, "administrator", far); got != 70001 {
		t.Errorf("an app that answers as for expired: code %d, want 70001", got)
	}
}

func TestLockoutForgets(t *testing.T) {
	l, now := newLockout(), time.Unix(1700000000, 0)
	who := suspect{plainApp, netip.MustParseAddr("192.0.2.1")}
	l.strike(who, 2, now)
	if l.locked(who, 2, now) {
		t.Error("locked after one mistake of two")
	}
	l.strike(who, 2, now)
	if !l.locked(who, 2, now.Add(lockoutWindow-1)) {
		t.Error("not locked within the minute")
	}
	if l.locked(who, 2, now.Add(lockoutWindow)) {
		t.Error("still locked after the minute")
	}
	l.strike(who, 2, now.Add(lockoutWindow))
	if l.locked(who, 2, now.Add(lockoutWindow)) {
		t.Error("mistakes of before the pause still count")
	}
}

// The minute of a lockout begins with the last mistake, not with the first.
func TestLockoutLasts(t *testing.T) {
	l, now := newLockout(), time.Unix(1700000000, 0)
	who := suspect{plainApp, netip.MustParseAddr("192.0.2.1")}
	l.strike(who, 2, now)
	last := now.Add(lockoutWindow / 2)
	l.strike(who, 2, last)
	if !l.locked(who, 2, last.Add(lockoutWindow-1)) {
		t.Error("not locked for a minute after the last mistake")
	}
	if l.locked(who, 2, last.Add(lockoutWindow)) {
		t.Error("locked for longer than a minute after the last mistake")
	}
}

// A call of another centre's host finds no app there, whether that is disabled or
// not (decisions.md, "The gate").
func TestRegionBeforeDisabled(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp, Disabled: true, Settings: account.Settings{Region: "singapore"}})
	for host, want := range map[string]int{"console.tim.qq.com": 70020, "adminapisgp.im.qcloud.com": 60016, "localhost": 60016} {
		r := request("POST", "/v4/im_open_login_svc/account_check", params(plainApp, "administrator", "x"), "{}")
		r.Host = host
		if got := f.post(t, r); *got.ErrorCode != want {
			t.Errorf("host %s: code %d, want %d", host, *got.ErrorCode, want)
		}
	}
}

// TestOddNamesInTheURL names a parameter in bytes that are not ASCII, cut or not
// UTF-8. The call keeps its code and the key order of the gate.
func TestOddNamesInTheURL(t *testing.T) {
	f := newFixture(t, gateApps()...)
	for _, name := range []string{strings.Repeat("_", 31) + "\u017fdkappid", "\u017fdkappid", "sdkappi\xff", "\xc5"} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, request("POST", "/v4/openim/querystate", name+"=1", `{}`))
		const want = `{"ActionStatus":"FAIL","ErrorCode":60012,"ErrorInfo":`
		if got := w.Body.String(); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s", name, got)
		}
	}
}

// TestLockoutOutOfBounds has a stored number that no version takes: it locks nobody out.
func TestLockoutOutOfBounds(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp})
	_, err := f.store.UpdateApp(t.Context(), plainApp, func(a account.App) (account.App, error) {
		a.Settings.LockoutAfter = -1
		return a, nil
	}, account.AuditEntry{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := f.post(t, request("POST", "/v4/im_open_login_svc/account_check", params(plainApp, "administrator", "x"), "{}")); *got.ErrorCode == 70050 {
			t.Error("locked out")
		}
	}
}
