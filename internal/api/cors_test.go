package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

// TestPreflight sends the request of a browser before a call to apps with and without
// the setting cors.
func TestPreflight(t *testing.T) {
	f := newFixture(t,
		account.App{ID: plainApp, Test: true},
		account.App{ID: openApp, Test: true, Settings: account.Settings{CORS: true}},
	)
	path := "/v4/im_open_login_svc/account_check"
	preflight := func(path, query string, change func(http.Header)) *httptest.ResponseRecorder {
		r := request("OPTIONS", path, query, "")
		r.Header = http.Header{
			"Origin": {"http://localhost:3000"}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type,rollcall-explain"},
		}
		if change != nil {
			change(r.Header)
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		return w
	}
	w := preflight(path, "sdkappid=1400000004&identifier=administrator&usersig=x", nil)
	want := http.Header{
		"Access-Control-Allow-Origin":  {"*"},
		"Access-Control-Allow-Methods": {"POST"},
		"Access-Control-Allow-Headers": {"content-type,rollcall-explain"},
		"Access-Control-Max-Age":       {"600"},
		"Vary":                         {"Access-Control-Request-Headers"},
	}
	if diff := cmp.Diff(want, w.Header()); diff != "" || w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("%d %q, headers (-want +got):\n%s", w.Code, w.Body, diff)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"without the setting": preflight(path, "sdkappid=1400000001", nil),
		"unknown app":         preflight(path, "sdkappid=1400000009", nil),
		"no app":              preflight(path, "", nil),
		"broken query":        preflight(path, "sdkappid=%zz", nil),
		"no pre-flight":       preflight(path, "sdkappid=1400000004", func(h http.Header) { h.Del("Access-Control-Request-Method") }),
		"unknown path":        preflight("/v4/im_open_login_svc/nothing", "sdkappid=1400000004", nil),
	} {
		if got := readResponse(t, w.Body.Bytes()); w.Code != http.StatusOK || *got.ErrorCode == 0 || w.Header().Get("Access-Control-Max-Age") != "" {
			t.Errorf("%s: %d %s, %v", name, w.Code, w.Body, w.Header())
		}
	}
}

// TestExposedHeaders checks that a page may read the headers of ours, with the setting
// cors only.
func TestExposedHeaders(t *testing.T) {
	f := newFixture(t,
		account.App{ID: plainApp, Test: true},
		account.App{ID: openApp, Test: true, Settings: account.Settings{CORS: true}},
	)
	for app, want := range map[account.AppID]string{plainApp: "", openApp: "*"} {
		sig := sign(t, testKey, app, "administrator", f.time.Unix())
		w := httptest.NewRecorder()
		f.ServeHTTP(w, request("POST", "/v4/im_open_login_svc/account_check", params(app, "administrator", sig), `{"CheckItem":[{"UserID":"a"}]}`))
		if got := w.Header().Get("Access-Control-Expose-Headers"); got != want || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("app %d exposes %q, want %q", app, got, want)
		}
	}
}
