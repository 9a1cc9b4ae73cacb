package admin_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
)

// example returns the path of a route with a value for each parameter.
func example(path string) string {
	return strings.NewReplacer("{sdkappid}", "1400000001", "{id}", "1", "{userid}", "alice").Replace(path)
}

// TestRoutes checks the rules that hold for every row of the table.
func TestRoutes(t *testing.T) {
	ids, paths := map[string]bool{}, map[string]bool{}
	for _, r := range admin.Routes() {
		if ids[r.ID] || paths[r.Method+r.Path] {
			t.Errorf("%s %s, %s occurs twice", r.Method, r.Path, r.ID)
		}
		ids[r.ID], paths[r.Method+r.Path] = true, true
		if r.Summary == "" || !strings.HasPrefix(r.Path, admin.Prefix+"v1") || r.Status < 200 || r.Status > 299 {
			t.Errorf("%s is incomplete: %+v", r.ID, r)
		}
		if (r.Response == nil) != (r.Status == http.StatusNoContent) {
			t.Errorf("%s returns %v with %d", r.ID, r.Response, r.Status)
		}
		if r.Request != nil && r.Request.Kind() != reflect.Struct {
			t.Errorf("%s takes a %v", r.ID, r.Request)
		}
		if r.Method != http.MethodGet && r.Scope == account.ScopeRead && r.ID != "explainUserSig" { // which only has a body
			t.Errorf("%s changes something with the scope read", r.ID)
		}
	}
}

// TestUnauthorized calls every route without a valid token. Nothing happens, and all
// responses are the same.
func TestUnauthorized(t *testing.T) {
	b := newBench(t, new(mem.Store))
	expiring := account.Token{Name: "old", Scopes: []account.Scope{account.ScopeAdmin}, Expires: now.Add(time.Millisecond)}
	_, expired, err := b.dir.CreateToken(t.Context(), "test", expiring)
	if err != nil {
		t.Fatal(err)
	}
	old := directory.New(directory.Options{Engine: b.engine, Clock: func(account.AppID) time.Time { return now.Add(time.Hour) }})
	if _, err := old.Authenticate(t.Context(), expired); account.CodeOf(err) != account.NoToken {
		t.Errorf("an expired token: %v", err)
	}
	admins := b.tokens[account.ScopeAdmin]
	before := audit(b)
	var first string
	for _, r := range admin.Routes() {
		for name, authorization := range map[string][]string{
			"no header":    nil,
			"no token":     {"Bearer "},
			"unknown":      {"Bearer " + directory.NewTokenText()},
			"cut":          {"Bearer " + admins[:46]},
			"longer":       {"Bearer " + admins + "A"},
			"basic":        {"Basic " + admins},
			"bare":         {admins},
			"two headers":  {"Bearer " + admins, "Bearer " + admins},
			"two in one":   {"Bearer " + admins + ", Bearer " + admins},
			"other spaces": {"Bearer  " + admins},
		} {
			got := b.send(request{method: r.Method, path: example(r.Path), header: http.Header{"Authorization": authorization}})
			if got.status != 401 || got.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s, %s: %d %s", r.ID, name, got.status, got.body)
			}
			b.problem(got, "unauthorized")
			if first == "" {
				first = got.body
			}
			if got.body != first {
				t.Errorf("%s, %s: the response %s differs from %s", r.ID, name, got.body, first)
			}
		}
	}
	for _, path := range []string{"/admin/", "/admin/v1/nothing", "/admin/v1/apps/1400000001/accounts/"} {
		if got := b.send(request{method: "GET", path: path}); got.status != 401 || got.body != first {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if after := audit(b); len(after) != len(before) {
		t.Errorf("the trail grew: %+v", after)
	}
}

func audit(b *bench) []adminapi.Entry {
	b.Helper()
	return ok[adminapi.AuditPage](b, 200, "GET", "/admin/v1/audit?limit=1000", "").Entries
}

// TestForbidden calls every route with every scope that does not suffice.
func TestForbidden(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.createApp(1400000001)
	before := audit(b)
	tried := 0
	for _, r := range admin.Routes() {
		for _, scope := range account.Scopes() {
			if scope.Includes(r.Scope) {
				continue
			}
			tried++
			got := b.send(request{method: r.Method, path: example(r.Path), body: `{}`, token: b.tokens[scope]})
			if got.status != 403 {
				t.Errorf("%s with scope %s: %d %s", r.ID, scope, got.status, got.body)
			}
			if p := b.problem(got, "forbidden"); !strings.HasSuffix(p.Detail, "the scope "+string(r.Scope)) {
				t.Errorf("%s: %s", r.ID, p.Detail)
			}
		}
	}
	if tried < 15 {
		t.Errorf("only %d routes were tried", tried)
	}
	if after := audit(b); len(after) != len(before) {
		t.Errorf("the trail grew: %+v", after)
	}
}

func TestScopes(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.createApp(1400000001)
	for scope, want := range map[account.Scope][3]int{
		account.ScopeRead:  {200, 403, 403},
		account.ScopeWrite: {200, 200, 403},
		account.ScopeAdmin: {200, 200, 200},
	} {
		for i, q := range []request{
			{method: "GET", path: "/admin/v1/apps"},
			{method: "PUT", path: "/admin/v1/apps/1400000001/admins/boss"},
			{method: "GET", path: "/admin/v1/tokens"},
		} {
			q.token = b.tokens[scope]
			if got := b.send(q); got.status != want[i] {
				t.Errorf("%s: %s %s: %d, want %d", scope, q.method, q.path, got.status, want[i])
			}
		}
	}
}

func TestHost(t *testing.T) {
	b := newBench(t, new(mem.Store))
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:7580": 200, "127.0.0.1": 200, "127.8.8.8:1": 200, "[::1]": 200, "[::1]:7580": 200,
		"admin.example": 200, "ADMIN.example:7580": 200,
		"evil.example": 421, "localhost.evil.example": 421, "10.0.0.1": 421, "[::2]:7580": 421, "example": 421,
		"127.0.0.1.evil.example:7580": 421,
	} {
		got := b.send(request{method: "GET", path: "/admin/v1", host: host, token: b.tokens[account.ScopeRead]})
		if got.status != want {
			t.Errorf("%s: %d %s, want %d", host, got.status, got.body, want)
		}
		if want == 421 {
			b.problem(got, "misdirected")
		}
	}
	if got := b.send(request{method: "GET", path: "/admin/v1", host: "evil.example"}); got.status != 421 {
		t.Errorf("without a token: %d, want 421 before anything is said of tokens", got.status)
	}
}

func TestPaths(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.createApp(1400000001)
	for _, tt := range []struct {
		method, path, slug string
		status             int
	}{
		{"GET", "/admin/", "not-found", 404},
		{"GET", "/admin/v2/apps", "not-found", 404},
		{"GET", "/admin/v1/", "not-found", 404},
		{"GET", "/admin/v1/apps/", "not-found", 404},
		{"GET", "/admin/v1//apps", "not-found", 404},
		{"GET", "/admin/v1/../v1/apps", "not-found", 404},
		{"GET", "/admin/v1/apps/1400000001/accounts/", "not-found", 404},
		{"GET", "/admin/v1/apps/1400000001/accounts/a/b", "not-found", 404},
		{"PUT", "/admin/v1/apps", "method-not-allowed", 405},
		{"OPTIONS", "/admin/v1/apps", "method-not-allowed", 405},
		{"PURGE", "/admin/v1/apps/1400000001", "method-not-allowed", 405},
		{"GET", "/admin/v1/apps/14x", "bad-request", 400},
		{"GET", "/admin/v1/apps/0", "bad-request", 400},
		{"GET", "/admin/v1/apps/4294967296", "bad-request", 400},
		{"GET", "/admin/v1/apps/1400000009", "not-found", 404},
		{"GET", "/admin/v1/apps?limt=1", "bad-request", 400},
		{"GET", "/admin/v1/apps?limit=1&limit=2", "bad-request", 400},
		{"GET", "/admin/v1/apps?limit=%zz", "bad-request", 400},
	} {
		got := b.call(tt.method, tt.path, "")
		if got.status != tt.status {
			t.Errorf("%s %s: %d %s, want %d", tt.method, tt.path, got.status, got.body, tt.status)
		}
		b.problem(got, tt.slug)
		if allow := got.header.Values("Allow"); (tt.status == 405) != (len(allow) > 0) {
			t.Errorf("%s %s: Allow %v", tt.method, tt.path, allow)
		} else if len(allow) > 0 && !strings.Contains(got.body, `"use `+strings.Join(allow, " or ")+`"`) {
			t.Errorf("%s %s: %s does not say to use %v", tt.method, tt.path, got.body, allow)
		}
	}
}

// TestHeaders checks which headers every response has, and which it must not have.
func TestHeaders(t *testing.T) {
	b := newBench(t, new(mem.Store))
	origin := http.Header{"Origin": {"http://evil.example"}}
	for _, q := range []request{
		{method: "GET", path: "/admin/v1", header: origin, token: b.tokens[account.ScopeRead]},
		{method: "GET", path: "/admin/v1", header: origin},
		{method: "OPTIONS", path: "/admin/v1", header: origin},
	} {
		got := b.send(q)
		for name := range got.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: header %s", q.method, name)
			}
		}
		if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Rollcall-Request-Id") == "" {
			t.Errorf("%s: headers %v", q.method, got.header)
		}
	}
}
