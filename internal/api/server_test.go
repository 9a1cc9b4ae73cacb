package api

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/auth"
	"rollcall/internal/calls"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
	"rollcall/internal/figures"
	"rollcall/internal/httpx"
	"rollcall/internal/ratelimit"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

const testKey = "rollcall-test-key"

// A fixture is a server over an empty store with one clock for everything.
type fixture struct {
	*Server
	store *mem.Store
	time  time.Time
}

func newFixture(tb testing.TB, apps ...account.App) *fixture {
	tb.Helper()
	testutil.Secret(tb, testKey)
	f := &fixture{store: new(mem.Store), time: time.Unix(1700000000, 0)}
	dir := directory.New(directory.Options{
		Engine:   f.store,
		Commands: wire.CommandNames(),
		Clock:    func(account.AppID) time.Time { return f.time },

		AllowTestApps: true,
	})
	f.Server = New(Options{
		Directory: dir, Auth: auth.New(dir), Figures: figures.New(figures.Options{Records: records.New(f.store, nil), Apps: dir}), Calls: calls.NewLog(), Faults: faults.NewSet(), Rates: ratelimit.NewReport(),
	})
	f.now = func() time.Time { return f.time }
	for _, app := range apps {
		app.Edition = account.Development
		app.Keys = []account.Key{{ID: "k", Kind: account.HMACKey, Secret: testKey}}
		if _, err := dir.CreateApp(tb.Context(), "test", app); err != nil {
			tb.Fatal(err)
		}
	}
	return f
}

// post serves one request with the log of a server and returns the response.
func (f *fixture) post(tb testing.TB, r *http.Request) response {
	tb.Helper()
	w := httptest.NewRecorder()
	httpx.Handler(testutil.Logger(tb), func(w http.ResponseWriter, r *http.Request) error {
		f.ServeHTTP(w, r)
		return nil
	}, func(_ http.ResponseWriter, _ *http.Request, err error) slog.Level {
		tb.Error(err) // a panic
		return slog.LevelError
	}).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Errorf("HTTP status = %d, want 200", w.Code)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		tb.Errorf("Content-Type = %q", got)
	}
	return readResponse(tb, w.Body.Bytes())
}

// A response is the head of every response. A nil pointer means that the field
// was absent.
type response struct {
	ActionStatus *string
	ErrorCode    *int
	ErrorInfo    *string
}

func readResponse(tb testing.TB, body []byte) response {
	tb.Helper()
	var a response
	if err := json.Unmarshal(body, &a); err != nil {
		tb.Fatalf("response %q: %v", body, err)
	}
	if a.ErrorCode == nil || a.ErrorInfo == nil || a.ActionStatus == nil && !bytes.HasPrefix(body, []byte(`{"ErrorCode":`)) {
		tb.Fatalf("response %s lacks a field of the head", body)
	}
	if a.ActionStatus == nil { // a command whose responses have none
		a.ActionStatus = new("FAIL")
		if *a.ErrorCode == 0 {
			a.ActionStatus = new("OK")
		}
	}
	if ok := *a.ActionStatus == "OK"; ok != (*a.ErrorCode == 0) || !ok && *a.ErrorInfo == "" {
		tb.Fatalf("response %s contradicts itself", body)
	}
	return a
}

// request builds a request without the checks that net/http applies to a query.
func request(method, path, query, body string) *http.Request {
	return &http.Request{
		Method:     method,
		URL:        &url.URL{Path: path, RawQuery: query},
		Header:     http.Header{},
		RemoteAddr: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), 4711).String(),
		Body:       io.NopCloser(strings.NewReader(body)),
	}
}

// sign signs for the identifier with key. The UserSig is issued at the second
// issued and valid for a day.
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
