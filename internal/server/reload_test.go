package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/directory"
	"rollcall/internal/testutil"
)

// A reloadable is a server with a file for everything that a reload reads.
type reloadable struct {
	*Server
	t     *testing.T
	dir   string
	log   bytes.Buffer
	level slog.LevelVar
}

func newReloadable(t *testing.T) *reloadable {
	r := &reloadable{t: t, dir: t.TempDir()}
	r.renewCertificate()
	r.write("app.key", directory.NewSecret())
	r.write("redis.password", "first password")
	r.settings("log_level: info")
	load := func() (*config.Loaded, error) { return config.Load(config.Options{File: r.file("rollcall.yml")}) }
	l, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if err := MakeDataDir(l.Data); err != nil {
		t.Fatal(err)
	}
	lg := slog.New(slog.NewTextHandler(testutil.Keep(t, &r.log), &slog.HandlerOptions{Level: &r.level}))
	r.Server, err = Open(t.Context(), Options{Config: l.Config, Effective: l.Effective(), Logger: lg, Level: &r.level, Reload: load})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	nameSecrets(t, r.Server)
	return r
}

func (r *reloadable) file(name string) string { return filepath.Join(r.dir, name) }

// write writes a file, whose content is a secret.
func (r *reloadable) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(r.file(name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	for field := range strings.FieldsSeq(text) {
		if len(field) >= 32 && name != "cert.pem" && name != "rollcall.yml" {
			testutil.Secret(r.t, field)
		}
	}
}

// settings writes the file of settings with further lines.
func (r *reloadable) settings(lines string) {
	r.write("rollcall.yml", strings.ReplaceAll(`store: "mem:"
data: DIR/data
listen: 127.0.0.1:0
admin_listen: off
tls_cert: DIR/cert.pem
tls_key: DIR/key.pem
sdkappid: 1400000031
key_file: DIR/app.key
admin_token_file: DIR/admin.token
seal_keys: DIR/seal.keys
redis: redis://127.0.0.1:1
redis_password_file: DIR/redis.password
`, "DIR", r.dir)+lines+"\n")
}

func (r *reloadable) renewCertificate() {
	cert, key := testutil.Certificate(r.t)
	r.write("cert.pem", string(cert))
	r.write("key.pem", string(key))
}

func (r *reloadable) addSealKey() {
	b, err := os.ReadFile(r.file("seal.keys"))
	if err != nil {
		r.t.Fatal(err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	r.write("seal.keys", fmt.Sprintf("%s%d %s\n", b, bytes.Count(b, []byte("\n")), base64.StdEncoding.EncodeToString(key)))
}

// state describes everything that a reload can change.
func (r *reloadable) state() string {
	r.t.Helper()
	app, err := r.Server.dir.App(r.t.Context(), 1400000031)
	if err != nil {
		r.t.Fatal(err)
	}
	_, tokenErr := r.Server.dir.Authenticate(r.t.Context(), r.adminToken)
	return fmt.Sprintf("certificate %x, level %v, key %s, token %x %v, redis %s, settings %v", r.certificate.current.Load().Certificate[0],
		r.level.Level(), app.ActiveKeys(r.Server.dir.Now(app.ID))[0].Fingerprint(), account.HashToken(r.adminToken), tokenErr, r.redisPassword, (*r.effective.Load())[len(*r.effective.Load())-1].Value)
}

// TestReload changes each thing that a reload reads, and then something that it does not.
func TestReload(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(r *reloadable)
		want   string
		status string
	}{
		"nothing":     {func(*reloadable) {}, "level=INFO msg=reloaded changed=nothing", "reloaded"},
		"certificate": {(*reloadable).renewCertificate, "changed=tls_cert", "reloaded"},
		"level":       {func(r *reloadable) { r.settings("log_level: debug") }, "changed=log_level", "reloaded"},
		"redis":       {func(r *reloadable) { r.write("redis.password", "second password") }, "changed=redis_password_file", "reloaded"},
		"seal keys":   {(*reloadable).addSealKey, "changed=seal_keys", "reloaded"},
		"token":       {func(r *reloadable) { r.write("admin.token", directory.NewTokenText()) }, "changed=admin_token_file", "reloaded"},
		"key":         {func(r *reloadable) { r.write("app.key", directory.NewSecret()) }, "changed=key_file", "reloaded"},
		"two things": {
			func(r *reloadable) { r.renewCertificate(); r.settings("log_level: debug") },
			`changed="tls_cert, log_level"`, "reloaded",
		},
		"a restart is needed": {
			func(r *reloadable) { r.settings("max_in_flight: 99\ndrain: 3s\nlog_level: debug") },
			`level=WARN msg="reloaded, but some changed settings need a restart" changed=log_level restart_for="max_in_flight, drain"`, "restart for max_in_flight, drain",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReloadable(t)
			before := r.state()
			tt.change(r)
			if got := r.reloadNow(t.Context()); got != tt.status {
				t.Errorf("status %q, want %q", got, tt.status)
			}
			if !strings.Contains(r.log.String(), tt.want) {
				t.Errorf("no %s in\n%s", tt.want, r.log.String())
			}
			after := r.state()
			if changed := before != after; changed != (name != "nothing" && name != "seal keys") {
				t.Errorf("changed: %v, from %s to %s", changed, before, after)
			}
			if name == "seal keys" {
				if n, _, err := r.records.Reseal(t.Context(), account.AuditEntry{Action: "test"}); n != 1 || err != nil {
					t.Errorf("Reseal = %d, %v, want the secret of the app to be sealed anew", n, err)
				}
			}
			if after != before && !strings.Contains(after, "<nil>") {
				t.Errorf("the token is refused: %s", after)
			}
		})
	}
}

// TestReloadRefused spoils one file and changes all others. Nothing changes, and one line
// says what is wrong. When the file is right again, everything is used.
func TestReloadRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text, want string
	}{
		"settings":          {"rollcall.yml", "listenn: :1\n", "listenn is no setting"},
		"certificate":       {"cert.pem", "none", "tls_cert"},
		"key of another":    {"key.pem", "none", "tls_cert"},
		"key":               {"app.key", "", "key_file"},
		"password":          {"redis.password", "two\nlines", "redis_password_file"},
		"token":             {"admin.token", "short", "admin_token_file"},
		"no seal keys":      {"seal.keys", "", "holds no key"},
		"another seal key":  {"seal.keys", "1 " + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n", "has no longer the key of version 1"},
		"a seal key is cut": {"seal.keys", "1 AAAA\n", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReloadable(t)
			before := r.state()
			r.renewCertificate()
			r.settings("log_level: debug")
			r.write("app.key", directory.NewSecret())
			r.write("redis.password", "second password")
			r.write("admin.token", directory.NewTokenText())
			right, err := os.ReadFile(r.file(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			r.write(tt.file, tt.text)
			r.log.Reset()
			r.reloadNow(t.Context())
			if got := r.log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=ERROR") || !strings.Contains(got, tt.want) {
				t.Errorf("log %s, want one error with %q", got, tt.want)
			}
			if got := r.state(); got != before {
				t.Errorf("changed from %s to %s", before, got)
			}
			r.write(tt.file, string(right))
			if got := r.reloadNow(t.Context()); got != "reloaded" {
				t.Errorf("the right file: %s", got)
			}
			if got := r.state(); got == before {
				t.Error("nothing changed with the right file")
			}
		})
	}
}

// TestReloadUnderCalls reloads everything many times while clients connect and call.
func TestReloadUnderCalls(t *testing.T) {
	r := newReloadable(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- r.Run(ctx) }()
	var calls atomic.Int64
	var clients sync.WaitGroup
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/v4/im_open_login_svc/account_check?sdkappid=1400000031&identifier=administrator&usersig=x"} {
		clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
			for ctx.Err() == nil {
				req := testutil.NewRequest(t, http.MethodPost, r.url()+path, "", "{}")
				resp, err := client.Do(req.WithContext(ctx))
				if err == nil {
					err = resp.Body.Close()
				}
				if err != nil && ctx.Err() == nil {
					t.Errorf("%s: %v", path, err)
					return
				}
				calls.Add(1)
			}
		})
	}
	for round := range 10 {
		want := calls.Load() + 8
		r.renewCertificate()
		r.addSealKey()
		r.settings("log_level: " + []string{"debug", "info"}[round%2])
		r.write("app.key", directory.NewSecret())
		r.write("redis.password", fmt.Sprintf("password %d", round))
		r.write("admin.token", directory.NewTokenText())
		if got := r.reloadNow(t.Context()); got != "reloaded" {
			t.Errorf("round %d: %s", round, got)
		}
		for calls.Load() < want && !t.Failed() {
			runtime.Gosched()
		}
	}
	cancel()
	clients.Wait()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
