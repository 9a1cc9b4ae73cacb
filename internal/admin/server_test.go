package admin_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/api"
	"rollcall/internal/auth"
	"rollcall/internal/bulk"
	"rollcall/internal/calls"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
	"rollcall/internal/figures"
	"rollcall/internal/httpx"
	"rollcall/internal/ratelimit"
	"rollcall/internal/records"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/pebble"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
	"rollcall/internal/wire"
)

// engines are the engines on which the whole API is tested.
var engines = map[string]func(*testing.T) account.Engine{
	"mem": func(*testing.T) account.Engine { return new(mem.Store) },
	"pebble": func(t *testing.T) account.Engine {
		s, err := pebble.Open(t.Context(), pebble.Options{Dir: filepath.Join(t.TempDir(), "store")})
		if err != nil {
			t.Fatal(err)
		}
		return s
	},
	"postgres": func(t *testing.T) account.Engine { return anystore.OpenDir(t, anystore.Postgres, t.TempDir()) },
}

// onEngines runs fn on a server over each engine.
func onEngines(t *testing.T, fn func(*bench)) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) { fn(newBench(t, open(t))) })
	}
}

// now is the time of the servers' clocks.
var now = time.Date(2026, 5, 6, 7, 8, 9, 123_000_000, time.UTC)

// A bench is a server with a token of every scope.
type bench struct {
	*testing.T
	engine  account.Engine
	dir     *directory.Directory
	bulk    *bulk.Service
	figures *figures.Figures
	url     string
	log     *testutil.Buffer
	calls   *calls.Log
	faults  *faults.Set
	rates   *ratelimit.Report
	tokens  map[account.Scope]string
	secrets []string // must occur neither in the log nor in a response
}

// newBench starts a server that allows test apps, as a developer's server does.
func newBench(t *testing.T, engine account.Engine) *bench {
	return newBenchOf(t, directory.Options{Engine: engine, AllowTestApps: true})
}

// newBenchOf starts a server over a directory with options.
func newBenchOf(t *testing.T, o directory.Options) *bench {
	engine := o.Engine
	b := &bench{T: t, engine: engine, log: new(testutil.Buffer), tokens: map[account.Scope]string{}}
	b.calls, b.faults, b.rates = calls.NewLog(), faults.NewSet(), ratelimit.NewReport()
	o.Engine, o.Clock = checked.New(engine), func(account.AppID) time.Time { return now }
	o.Commands = wire.CommandNames()
	if o.Records == nil {
		o.Records = records.New(o.Engine, nil)
	}
	b.dir = directory.New(o)
	b.figures = figures.New(figures.Options{Records: o.Records, Apps: b.dir, Node: "test", Logger: testutil.Logger(t), Now: func() time.Time { return now }})
	b.bulk = bulk.New(bulk.Options{Directory: b.dir, Records: o.Records, Reason: api.ImportReason})
	lg := slog.New(slog.NewJSONHandler(testutil.Keep(t, b.log), &slog.HandlerOptions{Level: slog.LevelDebug}))
	vendor := api.New(api.Options{Directory: b.dir, Auth: auth.New(b.dir), Figures: b.figures, Calls: b.calls, Faults: b.faults, Rates: b.rates})
	srv := httptest.NewServer(admin.New(admin.Options{
		Vendor:    httpx.Handler(lg, func(w http.ResponseWriter, r *http.Request) error { vendor.ServeHTTP(w, r); return nil }, nil),
		Directory: b.dir, Imports: b.bulk, Figures: b.figures, Logger: lg, Version: "test", Store: "kind", Hosts: []string{"Admin.Example"},
		SigAnswer: api.SigAnswer, Calls: b.calls, Faults: b.faults, Rates: b.rates,
	}))
	b.url = srv.URL
	for _, scope := range account.Scopes() {
		_, text, err := b.dir.CreateToken(t.Context(), "test", account.Token{Name: "token-" + string(scope), Scopes: []account.Scope{scope}})
		if err != nil {
			t.Fatal(err)
		}
		b.tokens[scope] = text
		b.secret(text)
	}
	t.Cleanup(func() {
		srv.Close()
		if err := engine.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

// secret stores a secret that was created, for the check at the end of the test.
func (b *bench) secret(text string) {
	b.Helper()
	if text == "" {
		b.Error("no secret was created")
	}
	b.secrets = append(b.secrets, text)
	testutil.Secret(b, text)
}

// A reply is a response of the server.
type reply struct {
	status int
	header http.Header
	body   string
}

// A request is a call of the API.
type request struct {
	method, path, body string
	token              string
	header             http.Header
	host               string
}

func (b *bench) send(q request) reply {
	b.Helper()
	req := testutil.NewRequest(b, q.method, b.url+q.path, q.token, q.body)
	maps.Copy(req.Header, q.header)
	req.Host = q.host
	resp, body := testutil.Do(b, http.DefaultClient, req)
	return reply{resp.StatusCode, resp.Header, body}
}

// call sends a request with the token of the scope admin.
func (b *bench) call(method, path, body string) reply {
	b.Helper()
	return b.send(request{method: method, path: path, body: body, token: b.tokens[account.ScopeAdmin]})
}

// ok sends a request, checks its status and decodes the response into a T.
func ok[T any](b *bench, status int, method, path, body string) (v T) {
	b.Helper()
	r := b.call(method, path, body)
	if r.status != status {
		b.Fatalf("%s %s: %d %s, want %d", method, path, r.status, r.body, status)
	}
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		b.Fatalf("%s %s: %v in %s", method, path, err, r.body)
	}
	return v
}

// problem checks that r is a complete problem document of a slug, without further members.
func (b *bench) problem(r reply, slug string) admin.Problem {
	b.Helper()
	p := b.problemOf(r, slug)
	if !p.DeletedAt.IsZero() || !p.TombstoneUntil.IsZero() {
		b.Errorf("%s speaks of a deleted account", r.body)
	}
	return p
}

// problemOf checks that r is a complete problem document of a slug.
func (b *bench) problemOf(r reply, slug string) admin.Problem {
	b.Helper()
	var p admin.Problem
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		b.Fatalf("%v in %q", err, r.body)
	}
	want := admin.Problem{Type: "/docs/errors#" + slug, Status: r.status, Title: p.Title, Detail: p.Detail, Remedy: p.Remedy, Code: slug, DeletedAt: p.DeletedAt, TombstoneUntil: p.TombstoneUntil}
	if p != want || p.Title == "" || p.Remedy == "" || p.Detail == "" || r.header.Get("Content-Type") != "application/problem+json" {
		b.Errorf("%d %q %s, want the problem %s", r.status, r.header.Get("Content-Type"), r.body, slug)
	}
	return p
}

// createApp creates an app whose key the server creates.
func (b *bench) createApp(id int) adminapi.CreatedApp {
	b.Helper()
	made := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", fmt.Sprintf(`{"sdkappid":%d,"name":"n","edition":"pro"}`, id))
	b.secret(made.Secret)
	return made
}
