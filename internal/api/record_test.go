package api

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/account"
	"rollcall/internal/calls"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
)

// tryCall posts body to a login command of app and returns what is kept of the call, or
// nil.
func (f *fixture) tryCall(t *testing.T, app account.AppID, command, body string, header ...string) *calls.Call {
	t.Helper()
	sig := sign(t, testKey, app, "administrator", f.time.Unix())
	r := request("POST", "/v4/im_open_login_svc/"+command, params(app, "administrator", sig), body)
	for _, name := range header {
		r.Header.Set(name, "1")
	}
	f.post(t, r)
	if found, _ := f.calls.Newest(calls.Filter{App: uint32(app)}, 1); len(found) > 0 {
		f.calls.Clear(uint32(app))
		return found[0]
	}
	return nil
}

// newRecordFixture returns a server with a usual app and a test app, each with a quota
// that is used up.
func newRecordFixture(t *testing.T) *fixture {
	full := account.Settings{Quota: 1}
	return newFixture(t, account.App{ID: plainApp, Settings: full}, account.App{ID: openApp, Settings: full, Test: true})
}

// TestRecordOfTestApp checks everything that is kept of a call of a test app.
func TestRecordOfTestApp(t *testing.T) {
	f := newRecordFixture(t)
	const body = `{"Accounts":["al","@bad","bob"]}`
	got := f.tryCall(t, openApp, "multiaccount_import", body)
	quota := "Err_TLS_Account_Num_Exceed_Threshold[70398]"
	want := &calls.Call{
		Time: f.time, SDKAppID: uint32(openApp), Command: "multiaccount_import", Identifier: "administrator", Peer: "192.0.2.1",
		Status: 200, Items: 3, Failed: 3,
		Failures: []calls.Failure{
			{Item: 0, UserID: "al", Code: 70398, Info: quota, Advice: "Delete accounts, raise the app's quota, or change its edition."},
			{Item: 1, UserID: "@bad", Code: 70402},
			{Item: 2, UserID: "bob", Code: 70398, Info: quota, Advice: "Delete accounts, raise the app's quota, or change its edition."},
		},
		Signature: &calls.Signature{
			Version: 2, SDKAppID: uint32(openApp), Identifier: "administrator", IssuedAt: f.time.UTC(), ExpiresAt: f.time.Add(24 * time.Hour).UTC(),
		},
		Request:  calls.NewBody([]byte(body)),
		Response: calls.NewBody([]byte(`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":["al","@bad","bob"]}`)),
	}
	if got == nil {
		t.Fatal("the call was not kept")
	}
	bad := &got.Failures[1]
	if !strings.Contains(bad.Info, "@") || !strings.Contains(bad.Advice, ". ") {
		t.Errorf("an invalid id: %+v", bad)
	}
	bad.Info, bad.Advice = "", ""
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(calls.Call{}, "Seq", "RequestID", "TookUS")); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
	if got := f.tryCall(t, openApp, "account_check", `{"CheckItem":[{"UserID":"al"}]}`); got == nil || got.Code != 0 || got.Advice != "" || got.Items != 1 {
		t.Errorf("a successful call: %+v", got)
	}
}

// TestRecordOfOtherApps checks which calls of an app that is no test app are kept, and
// that nothing of their bodies and signatures is.
func TestRecordOfOtherApps(t *testing.T) {
	f := newRecordFixture(t)
	if got := f.tryCall(t, plainApp, "multiaccount_import", `{"Accounts":["al"]}`); got != nil {
		t.Errorf("an unasked call was kept: %+v", got)
	}
	got := f.tryCall(t, plainApp, "multiaccount_import", `{"Accounts":["al"]}`, "Rollcall-Explain")
	if got == nil || len(got.Failures) != 1 || got.Failures[0].UserID != "al" || got.Failures[0].Code != 70398 {
		t.Fatalf("an explained call: %+v", got)
	}
	refused := f.tryCall(t, plainApp, "account_import", `{"UserID":7}`)
	if refused == nil || refused.Code != 60015 || !strings.Contains(refused.Info, "UserID is a number") || !strings.HasSuffix(refused.Advice, "Send ids as JSON strings.") {
		t.Fatalf("a refused call: %+v", refused)
	}
	for _, c := range []*calls.Call{got, refused} {
		if c.Request != nil || c.Response != nil || c.Signature != nil {
			t.Errorf("too much is kept: %+v", c)
		}
	}
}

// TestRecordWithoutApp finds a call that named no app by its id.
func TestRecordWithoutApp(t *testing.T) {
	f := newRecordFixture(t)
	f.post(t, request("POST", "/v4/im_open_login_svc/nothing", "usersig=x", ""))
	found, _ := f.calls.Newest(calls.Filter{}, 9)
	if len(found) != 1 || found[0].Code != 60009 || found[0].Command != "" || f.calls.Find(found[0].RequestID) != found[0] {
		t.Errorf("%+v", found)
	}
}

// TestRecordOfForbiddenTestApp checks that a test app counts as a usual app on a server
// that does not allow test apps.
func TestRecordOfForbiddenTestApp(t *testing.T) {
	f := newRecordFixture(t)
	f.dir = directory.New(directory.Options{Engine: f.store, Clock: func(account.AppID) time.Time { return f.time }})
	if _, err := f.faults.Add(uint32(openApp), faults.Fault{Code: 70500}); err != nil {
		t.Fatal(err)
	}
	if got := f.tryCall(t, openApp, "account_check", `{"CheckItem":[{"UserID":"al"}]}`); got != nil {
		t.Errorf("the call was kept: %+v", got)
	}
}

// TestRecordKeepsCopies checks that a kept call survives the reuse of the memory of its
// request.
func TestRecordKeepsCopies(t *testing.T) {
	f := newRecordFixture(t)
	first := f.tryCall(t, openApp, "multiaccount_import", `{"Accounts":["al"]}`)
	f.tryCall(t, openApp, "multiaccount_import", `{"Accounts":["XX"]}`)
	if first.Failures[0].UserID != "al" || !strings.Contains(first.Request.Text, `"al"`) || !strings.Contains(first.Response.Text, `"al"`) {
		t.Errorf("the call has changed: %+v", first)
	}
}

// TestRecordOfWhollyUnknown checks the reasons of a call that fails with results.
func TestRecordOfWhollyUnknown(t *testing.T) {
	f := newRecordFixture(t)
	sig := sign(t, testKey, openApp, "administrator", f.time.Unix())
	f.post(t, request("POST", "/v4/openim/querystate", params(openApp, "administrator", sig), `{"To_Account":["nobody"]}`))
	found, _ := f.calls.Newest(calls.Filter{App: uint32(openApp)}, 1)
	if len(found) != 1 || found[0].Code != 70107 || found[0].Info == "" || found[0].Advice != "Import the account first." || len(found[0].Failures) != 1 {
		t.Errorf("%+v", found)
	}
}

// TestRecordShadow checks that a call over a limit in shadow mode is kept and reported.
func TestRecordShadow(t *testing.T) {
	f := newFixture(t, account.App{ID: openApp, Test: true, Settings: account.Settings{
		RateMode: account.RateShadow, RateLimits: map[string]int{"account_check": 1},
	}})
	const body = `{"CheckItem":[{"UserID":"al"}]}`
	if c := f.tryCall(t, openApp, "account_check", body); c.RateShadow != 0 {
		t.Errorf("a call within the limit: %+v", c)
	}
	for range 2 {
		if c := f.tryCall(t, openApp, "account_check", body); c.RateShadow != 60007 || c.Code != 0 {
			t.Errorf("a call over the limit: %+v", c)
		}
	}
	if rows := f.rates.Rows(uint32(openApp)); len(rows) != 1 || rows[0].Command != "account_check" || rows[0].Over != 2 || rows[0].Limit != 1 {
		t.Errorf("report: %+v", rows)
	}
	if err := f.dir.DeleteApp(t.Context(), "test", openApp); err != nil {
		t.Fatal(err)
	}
	if rows := f.rates.Rows(uint32(openApp)); rows != nil {
		t.Errorf("a deleted app has the report %+v", rows)
	}
}
