package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/directory"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
)

// running starts a server, calls fn, stops the server, and returns its log.
func running(t *testing.T, c config.Config, fn func(*Server)) string {
	t.Helper()
	log := new(testutil.Buffer)
	lg := slog.New(slog.NewTextHandler(testutil.Keep(t, log), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := openWith(t, Options{Config: c, Version: "test", Logger: lg})
	if err != nil {
		t.Fatal(err)
	}
	nameSecrets(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	fn(s)
	return log.String()
}

// get sends a GET request to address n of s, and returns the status and the body.
func get(t *testing.T, s *Server, n int, path, host, token string) (int, string) {
	t.Helper()
	req := testutil.NewRequest(t, http.MethodGet, "http://"+s.listeners[n].Addr().String()+path, token, "")
	req.Host = host
	resp, body := testutil.Do(t, http.DefaultClient, req)
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: header %s", path, name)
		}
	}
	return resp.StatusCode, body
}

// TestAdminOfDeveloper calls the admin API of a developer's server with the token of the
// context file.
func TestAdminOfDeveloper(t *testing.T) {
	dir, commits := t.TempDir(), 2
	if !anystore.Embedded() {
		commits = 3 // the nodes of a database compare their sealing keys
	}
	var token string
	log := running(t, config.Config{Data: dir}, func(s *Server) {
		c, err := ReadContext(filepath.Join(dir, ContextFile))
		if err != nil {
			t.Fatal(err)
		}
		token = c.AdminToken
		status, body := get(t, s, 0, "/admin/v1/apps", "", token)
		if status != 200 || !strings.Contains(body, `"name":"demo"`) || strings.Contains(body, c.Key) {
			t.Errorf("%d %s", status, body)
		}
		if status, body := get(t, s, 0, "/admin/v1/apps", "", ""); status != 401 {
			t.Errorf("without a token: %d %s", status, body)
		}
		if status, body = get(t, s, 0, "/metrics", "", ""); status != 200 ||
			!strings.Contains(body, `rollcall_requests_total{code="0",command="admin.listApps"} 1`) ||
			!strings.Contains(body, `rollcall_accounts{sdkappid="1400000001"} 1`) ||
			!strings.Contains(body, fmt.Sprintf(`rollcall_store_calls_total{method="Commit",result="ok"} %d`, commits)) {
			t.Errorf("%d %s", status, body)
		}
		for _, path := range []string{"/metrics", "/admin/v1"} {
			if status, body := get(t, s, 0, path, "evil.example", token); status != 421 || strings.Contains(body, "rollcall_") {
				t.Errorf("%s by another name: %d %s", path, status, body)
			}
		}
		if strings.Contains(body, c.Key) || strings.Contains(body, token) {
			t.Error("the metrics hold a secret")
		}
		if status, _ := get(t, s, 0, "/", "evil.example", ""); status != 200 {
			t.Errorf("health by another name: %d", status)
		}
	})
	if token == "" || strings.Contains(log, token) {
		t.Error("the log holds the token, or there is none")
	}
}

// TestContextToken restarts a server. The token of the context file stays the same as long
// as the store has it.
func TestContextToken(t *testing.T) {
	dir := t.TempDir()
	o := config.Config{Data: dir, Store: "pebble:" + filepath.Join(dir, "accounts")}
	start := func(fn func(*Server)) (token string) {
		running(t, o, func(s *Server) {
			token = s.Context().AdminToken
			if status, body := get(t, s, 0, "/admin/v1/tokens", "", token); status != 200 || strings.Count(body, `"context"`) != 1 {
				t.Errorf("%d %s", status, body)
			}
			fn(s)
		})
		return token
	}
	first := start(func(*Server) {})
	second := start(func(s *Server) {
		ts, err := s.dir.Tokens(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.dir.DeleteToken(t.Context(), "test", ts[0].ID); err != nil {
			t.Fatal(err)
		}
	})
	if first == "" || second != first {
		t.Error("the token changed although the store knew it")
	}
	third := start(func(*Server) {})
	if third == second {
		t.Error("a deleted token came back")
	}
	if err := os.Remove(filepath.Join(dir, ContextFile)); err != nil {
		t.Fatal(err)
	}
	var other string // a token with the same rights and another name
	fourth := start(func(s *Server) {
		var err error
		_, other, err = s.dir.CreateToken(t.Context(), "test", account.Token{Name: "other", Scopes: []account.Scope{account.ScopeAdmin}})
		if err != nil {
			t.Fatal(err)
		}
		testutil.Secret(t, other)
	})
	if fourth == third {
		t.Error("a token without its file came back")
	}
	replaceIn(t, filepath.Join(dir, ContextFile), fourth, other)
	if fifth := start(func(*Server) {}); fifth == other {
		t.Error("the server took another's token for that of its context file")
	}
}

// replaceIn replaces a text in a file. The file must contain the text.
func replaceIn(t *testing.T, file, text, by string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	replaced := strings.ReplaceAll(string(b), text, by)
	if replaced == string(b) {
		t.Fatalf("%s does not hold the text", file)
	}
	if err := os.WriteFile(file, []byte(replaced), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAdminListen checks which address serves the admin API if the server can be reached
// from outside.
func TestAdminListen(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	o := config.Config{
		Listen: "0.0.0.0:0", InsecureListen: true, AdminListen: "127.0.0.1:0", PprofListen: "127.0.0.1:0",
		Data: dir, AdminTokenFile: file, AdminHost: []string{"admin.example"},
	}
	log := running(t, o, func(s *Server) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		token := strings.TrimSpace(string(b))
		for _, path := range []string{"/admin/v1", "/metrics", "/docs", "/openapi/admin.json", "/debug/pprof/"} {
			if status, body := get(t, s, 0, path, "127.0.0.1", token); status != 404 {
				t.Errorf("%s from outside: %d %s", path, status, body)
			}
		}
		for path, n := range map[string]int{"/admin/v1": 1, "/metrics": 1, "/docs/errors": 1, "/openapi/admin.json": 1, "/healthz": 1, "/debug/pprof/": 2} {
			for host, want := range map[string]int{"": 200, "admin.example": 200, "evil.example": 421} {
				if status, body := get(t, s, n, path, host, token); status != want && path != "/healthz" {
					t.Errorf("%s at %q: %d %.200s, want %d", path, host, status, body, want)
				}
			}
		}
		// A program that has only this address can call the vendor's protocol.
		resp, err := http.Post("http://"+s.listeners[1].Addr().String()+"/v4/openim/querystate", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the vendor's protocol beside the admin API: %v, %v", resp.Header, err)
		}
		if status, _ := get(t, s, 2, "/admin/v1", "", token); status != 404 {
			t.Errorf("the admin API at the address of profiles: %d", status)
		}
		if s.Context() != nil {
			t.Error("a server for others has made an app, or a file with its key")
		}
	})
	if b, err := os.ReadFile(file); err != nil || strings.Contains(log, strings.TrimSpace(string(b))) {
		t.Errorf("the log holds the token, or %v", err)
	}
}

func TestAdminTokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	open := func() error {
		s, err := openWith(t, Options{Config: config.Config{AdminTokenFile: file}})
		if err != nil {
			return err
		}
		return s.close()
	}
	text := directory.NewTokenText()
	testutil.Secret(t, text[:40])
	for name, tt := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"good":     {text + "\n", 0o600, ""},
		"empty":    {"", 0o600, "holds no token"},
		"cut":      {text[:40], 0o600, "holds no token"},
		"readable": {text, 0o644, "chmod 600"},
	} {
		if err := os.WriteFile(file, []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, tt.mode); err != nil {
			t.Fatal(err)
		}
		err := open()
		if tt.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), text[:40]) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestSealing checks that the key of the demo app is sealed on disk. The server creates a
// file of sealing keys, and does not start without it.
func TestSealing(t *testing.T) {
	dir := t.TempDir()
	o := config.Config{Data: dir, Store: "pebble:" + filepath.Join(dir, "accounts")}
	var key string
	running(t, o, func(s *Server) { key = s.Context().Key })
	running(t, o, func(s *Server) {
		if s.Context().Key != key {
			t.Error("the key changed with a restart")
		}
	})
	info, err := os.Stat(filepath.Join(dir, config.SealFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	err = filepath.WalkDir(filepath.Join(dir, "accounts"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), key) {
			t.Errorf("%s holds the key", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, config.SealFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := openWith(t, Options{Config: o}); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("without the file of keys: %v", err)
	}
	o.Data = ""
	if _, err := openWith(t, Options{Config: o}); err == nil || !strings.Contains(err.Error(), "--seal-keys") {
		t.Errorf("without a place for it: %v", err)
	}
}

// TestProbesAreQuiet checks that successful probes are logged at level debug.
func TestProbesAreQuiet(t *testing.T) {
	log := running(t, config.Config{}, func(s *Server) {
		for path, host := range map[string]string{"/healthz": "", "/readyz": "", "/metrics": "", "/": "", "/metrics?": "elsewhere.example.com"} {
			get(t, s, 0, path, host, "")
		}
	})
	got := map[string]int{}
	for line := range strings.Lines(log) {
		if _, rest, ok := strings.Cut(line, " msg=request "); ok {
			level := line[strings.Index(line, "level="):strings.Index(line, " msg=")]
			path, _, _ := strings.Cut(rest[strings.Index(rest, "path="):], " ")
			got[level+" "+path]++
		}
	}
	want := map[string]int{
		"level=DEBUG path=/healthz": 1, "level=DEBUG path=/readyz": 1, "level=DEBUG path=/metrics": 1,
		"level=INFO path=/": 1, "level=WARN path=/metrics": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
}

// TestLoggedPaths checks that the log contains the route of a request, or the known part
// of its path. It never contains a token, a key or a signature that a client has put into
// a path by mistake.
func TestLoggedPaths(t *testing.T) {
	const secret = "rct_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	paths := []struct{ path, want string }{
		{"/", "/"},
		{"/healthz", "/healthz"},
		{"/" + secret, "/…"},
		{"/healthz/" + secret, "/…"},
		{"/metrics?x=" + secret, "/metrics"},
		{"/docs/" + secret, "/docs/…"},
		{"/v4/" + secret, "/v4/…"},
		{"/v4/im_open_login_svc/kick%3Fusersig=" + secret, "/v4/…"},
		{"/v4/im_open_login_svc/kick?usersig=" + secret, "/v4/im_open_login_svc/kick"},
		{"/admin/v1", "/admin/v1"},
		{"/admin/v1/" + secret, "/admin/…"},
		{"/admin/v1/tokens/" + secret, "/admin/…"}, // that route has no GET
		{"/admin/v1/apps/1400000001/accounts/" + secret, "/admin/v1/apps/{sdkappid}/accounts/{userid}"},
	}
	log := running(t, config.Config{}, func(s *Server) {
		for _, p := range paths {
			req := testutil.NewRequest(t, http.MethodGet, s.Context().URL+p.path, s.Context().AdminToken, "")
			testutil.Do(t, http.DefaultClient, req) // the body ends after the line is logged
		}
	})
	var got []string
	for line := range strings.Lines(log) {
		if _, rest, ok := strings.Cut(line, " path="); ok {
			path, _, _ := strings.Cut(rest, " ")
			got = append(got, strings.Trim(path, `"`))
		}
	}
	var want []string
	for _, p := range paths {
		want = append(want, p.want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths in the log (-want +got):\n%s", diff)
	}
	if strings.Contains(log, "0123456789abcdef") {
		t.Errorf("the log holds what it must not:\n%s", log)
	}
}
