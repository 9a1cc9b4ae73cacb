package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
)

// TestDiagnosesAreBounded sends what is costly to explain. Over the bound the
// header says what is known without a diagnosis, and the code stays.
func TestDiagnosesAreBounded(t *testing.T) {
	f := newFixture(t, gateApps()...)
	sig := sign(t, testKey+"\n", plainApp, "administrator", f.time.Unix())
	call := func() string {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, request("POST", "/v4/im_open_login_svc/account_check", params(plainApp, "administrator", sig), `{}`))
		if got := readAnswer(t, w.Body.Bytes()); *got.ErrorCode != 70009 {
			t.Errorf("code = %d", *got.ErrorCode)
		}
		advice := w.Header().Get("Rollcall-Advice")
		if !strings.HasSuffix(advice, "Sign with an active key of this SDKAppID; `rollcall sig explain` compares.") || strings.Contains(advice, testKey) {
			t.Errorf("Rollcall-Advice = %q", advice)
		}
		return advice
	}
	for range 2 {
		for range diagnosesPerApp / (250 * time.Microsecond) { // the cost of an HMAC key
			if got := call(); !strings.HasPrefix(got, "Signed with the key and a line end behind it.") {
				t.Errorf("Rollcall-Advice = %q", got)
			}
		}
		if got := call(); !strings.HasPrefix(got, "Not signed with the key, or altered since.") {
			t.Errorf("over the bound: Rollcall-Advice = %q", got)
		}
		f.time = f.time.Add(time.Second)
	}
}

func TestBudget(t *testing.T) {
	const ms = time.Millisecond
	now := time.Unix(1700000000, 999_999_999)
	b := budget{perApp: 3 * ms, inAll: 8 * ms}
	for i, step := range []struct {
		app  account.AppID
		cost time.Duration
		want bool
	}{
		{1, 2 * ms, true},
		{1, 2 * ms, true}, // the bound is passed once
		{1, 1, false},
		{2, 3 * ms, true}, // another app
		{2, 1, false},
		{3, ms, true},
		{3, ms, false}, // the bound of all
		{4, 1, false},
	} {
		if got := b.take(step.app, step.cost, now); got != step.want {
			t.Errorf("%d: %v, want %v", i, got, step.want)
		}
	}
	if len(b.byApp) != 3 {
		t.Errorf("%d apps are kept, want those that spent something", len(b.byApp))
	}
	for _, at := range []time.Time{now.Add(1), now.Add(-time.Hour)} { // a clock may be set back
		if !b.take(1, ms, at) {
			t.Errorf("%v: nothing is left", at)
		}
	}
}

// TestDiagnosesOfAnotherApp uses up the diagnoses of an app: those of another are
// left.
func TestDiagnosesOfAnotherApp(t *testing.T) {
	f := newFixture(t, gateApps()...)
	advice := func(app account.AppID) string {
		sig := sign(t, testKey+"\n", app, "administrator", f.time.Unix())
		w := httptest.NewRecorder()
		f.ServeHTTP(w, request("POST", "/v4/im_open_login_svc/account_check", params(app, "administrator", sig), `{}`))
		return w.Header().Get("Rollcall-Advice")
	}
	const diagnosed = "Signed with the key and a line end behind it."
	for i := 0; strings.HasPrefix(advice(plainApp), diagnosed); i++ {
		if i > 1000 {
			t.Fatal("the diagnoses have no bound")
		}
	}
	if got := advice(openApp); !strings.HasPrefix(got, diagnosed) {
		t.Errorf("Rollcall-Advice = %q", got)
	}
}

// TestDiagnosisOfTheSameMoment refuses a signature just before its UserSig expires:
// the diagnosis is of the moment of the refusal.
func TestDiagnosisOfTheSameMoment(t *testing.T) {
	f := newFixture(t, gateApps()...)
	start := f.time
	f.dir = directory.New(directory.Options{Engine: f.store, Clock: func(account.AppID) time.Time {
		f.time = f.time.Add(time.Second) // each look at the clock
		return f.time
	}})
	refused := 0
	for left := range int64(4) { // seconds until it expires
		f.time = start
		sig := sign(t, testKey+"\n", plainApp, "administrator", start.Unix()-24*60*60+left)
		w := httptest.NewRecorder()
		f.ServeHTTP(w, request("POST", "/v4/im_open_login_svc/account_check", params(plainApp, "administrator", sig), `{}`))
		if *readAnswer(t, w.Body.Bytes()).ErrorCode != 70009 {
			continue
		}
		refused++
		if got := w.Header().Get("Rollcall-Advice"); !strings.HasPrefix(got, "Signed with the key and a line end behind it.") {
			t.Errorf("%d seconds before the end: Rollcall-Advice = %q", left, got)
		}
	}
	if refused == 0 || refused == 4 {
		t.Errorf("%d of 4 are refused for the signature, want some", refused)
	}
}
