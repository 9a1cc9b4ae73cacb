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
)

// Apps for the tests of the gate.
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

// An attempt is a request in which each part may be wrong.
type attempt struct {
	method, path, query, body string
}

// TestGateOrder starts with a request in which everything is wrong and repairs
// one fault after the other. Each response must name the first remaining fault,
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
	if _, err := f.store.Update(t.Context(), plainApp, []account.Patch{{ID: id, Kicked: at.Unix()}}, account.ChangePolicy{Now: at}); err != nil {
		t.Fatal(err)
	}
}

// TestLockout checks that a lockout is limited to one address.
func TestLockout(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp, Settings: account.Settings{LockoutAfter: 1, RateMode: account.RateOff}})
	good := sign(t, testKey, plainApp, "administrator", f.time.Unix())
	for _, step := range []struct {
		from, sig string
		want      int
	}{
		{"192.0.2.1:1", "x", 70003},
		{"192.0.2.1:2", good, 70050},
		{"192.0.2.2:1", good, 0},
	} {
		r := request("POST", "/v4/im_open_login_svc/account_check", params(plainApp, "administrator", step.sig), checkBody)
		r.RemoteAddr = step.from
		if got := f.post(t, r); *got.ErrorCode != step.want {
			t.Errorf("from %s: code %d, want %d", step.from, *got.ErrorCode, step.want)
		}
	}
}

// TestKickedAsExpired checks that a UserSig from before a kick has the code of
// an expired one if the app wants that.
func TestKickedAsExpired(t *testing.T) {
	for asExpired, want := range map[bool]int{false: 70052, true: 70001} {
		f := newFixture(t, account.App{ID: plainApp, Settings: account.Settings{KickedAsExpired: asExpired}})
		sig := sign(t, testKey, plainApp, "administrator", f.time.Unix()-1)
		kick(t, f, "administrator", f.time)
		if got := f.post(t, request("POST", "/v4/im_open_login_svc/account_check", params(plainApp, "administrator", sig), checkBody)); *got.ErrorCode != want {
			t.Errorf("kicked_as_expired %v: code %d, want %d", asExpired, *got.ErrorCode, want)
		}
	}
}

// TestRegionBeforeDisabled checks that a call to the host of another data
// centre finds no app there, whether the app is disabled or not (decisions.md,
// "The gate").
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

// TestUnusualNamesInTheURL uses parameter names that are not ASCII, cut off, or
// not UTF-8. The call keeps its code and the key order of the gate.
func TestUnusualNamesInTheURL(t *testing.T) {
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
