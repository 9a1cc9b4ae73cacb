package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
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
		for range diagnosesPerSecond {
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
	b, now := budget{limit: 2}, time.Unix(1700000000, 999_999_999)
	for i, want := range []bool{true, true, false} {
		if got := b.take(now); got != want {
			t.Errorf("%d = %v", i, got)
		}
	}
	for _, at := range []time.Time{now.Add(1), now.Add(-time.Hour)} { // a clock may be set back
		if !b.take(at) {
			t.Errorf("%v: nothing is left", at)
		}
	}
}
