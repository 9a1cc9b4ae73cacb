package server

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/directory"
	"rollcall/internal/testutil"
)

// TestServerForOthers starts a server for others on the data of a developer's server. It
// shows no key, removes the context file, and refuses the token of that file. On a new
// store it creates no demo app.
func TestServerForOthers(t *testing.T) {
	cert, key := testutil.Certificate(t)
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for file, b := range map[string][]byte{certFile: cert, keyFile: key} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]config.Config{
		"TLS on loopback":          {TLSCert: certFile, TLSKey: keyFile},
		"all addresses":            {Listen: "0.0.0.0:0", InsecureListen: true},
		"an address for admins":    {AdminListen: "127.0.0.1:0"},
		"no address for admins":    {AdminListen: "off"},
		"TLS and one for admins":   {TLSCert: certFile, TLSKey: keyFile, AdminListen: "127.0.0.1:0"},
		"all, and none for admins": {Listen: "0.0.0.0:0", InsecureListen: true, AdminListen: "off"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.Store, c.Data = "pebble:"+filepath.Join(dir, "accounts"), dir
			var token string
			running(t, config.Config{Store: c.Store, Data: dir}, func(s *Server) { token = s.Context().AdminToken })
			running(t, c, func(s *Server) {
				if s.Context() != nil {
					t.Error("it has a context")
				}
				if _, err := s.dir.Authenticate(t.Context(), token); account.CodeOf(err) != account.NoToken {
					t.Errorf("the token of the developer's server: %v, want that there is none", err)
				}
			})
			if _, err := os.Stat(filepath.Join(dir, ContextFile)); !os.IsNotExist(err) {
				t.Errorf("the context file of the developer's server: %v", err)
			}
			c.Store, c.Data = "mem:", ""
			log := running(t, c, func(s *Server) {
				if apps, err := s.dir.Apps(t.Context()); err != nil || len(apps) > 0 {
					t.Errorf("apps on a new store: %v, %v", apps, err)
				}
			})
			if !strings.Contains(log, "there is no app yet") {
				t.Error("the log does not say how to go on")
			}
		})
	}
}

// TestContextOfCredentials serves an app of credentials. The context file names the file
// of the key, and contains no copy of the key.
func TestContextOfCredentials(t *testing.T) {
	const secret = "a secret that the vendor's console shows"
	testutil.Secret(t, secret)
	keyFile := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(keyFile, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, adminListen := range []string{"", "off"} {
		dir := t.TempDir()
		c := config.Config{Data: dir, AdminListen: adminListen, SDKAppID: 1400000099, KeyFile: keyFile}
		file := filepath.Join(dir, ContextFile)
		running(t, c, func(*Server) {
			b, err := os.ReadFile(file)
			if err != nil || strings.Contains(string(b), secret) {
				t.Errorf("the context file holds the key, or %v", err)
			}
			c, err := ReadContext(file)
			if err != nil || c.Key != secret || c.KeyFile != keyFile || c.SDKAppID != 1400000099 {
				t.Errorf("read context of app %d, key file %s, right key %v, %v", c.SDKAppID, c.KeyFile, c.Key == secret, err)
			}
		})
	}
}

// TestOwnAppNamedDemo has an own app with the name of the demo app. The server does not
// show its key.
func TestOwnAppNamedDemo(t *testing.T) {
	dir := t.TempDir()
	own := &account.App{ID: 1400000005, Name: demoName, Edition: account.Development, Keys: []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "the secret of an own app"}}}
	testutil.Secret(t, own.Keys[0].Secret)
	c := config.Config{Store: "pebble:" + filepath.Join(dir, "accounts"), Data: dir}
	s, err := openWith(t, Options{Config: c, App: own})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.close(), os.Remove(filepath.Join(dir, ContextFile))); err != nil {
		t.Fatal(err)
	}
	running(t, c, func(s *Server) {
		if s.Context() != nil {
			t.Errorf("the server shows app %d", s.Context().SDKAppID)
		}
	})
}

// TestForwarded sends requests that a proxy has forwarded. A developer's server refuses
// them on paths for admins, because those are for its own machine. An address for admins
// accepts them.
func TestForwarded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	ask := func(s *Server, n int, path, header, token string) int {
		req := testutil.NewRequest(t, http.MethodGet, "http://"+s.listeners[n].Addr().String()+path, token, "")
		if header != "" {
			req.Header.Set(header, "203.0.113.9")
		}
		resp, _ := testutil.Do(t, http.DefaultClient, req)
		return resp.StatusCode
	}
	admins := []string{"/admin/v1", "/docs/errors", "/openapi/admin.json", "/metrics"}
	headers := []string{"X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Anything", "Forwarded", "Via", "X-Real-IP"}
	running(t, config.Config{}, func(s *Server) {
		token := s.Context().AdminToken
		for _, path := range admins {
			if got := ask(s, 0, path, "", token); got != http.StatusOK {
				t.Errorf("%s: %d, want 200", path, got)
			}
			for _, header := range headers {
				if got := ask(s, 0, path, header, token); got != http.StatusForbidden {
					t.Errorf("%s with %s: %d, want 403", path, header, got)
				}
			}
		}
		for _, path := range []string{"/", "/healthz", "/readyz", "/v4/openim/querystate"} {
			if got := ask(s, 0, path, "X-Forwarded-For", token); got != http.StatusOK {
				t.Errorf("%s: %d, want 200", path, got)
			}
		}
	})
	running(t, config.Config{AdminListen: "127.0.0.1:0", AdminTokenFile: file}, func(s *Server) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range admins {
			if got := ask(s, 0, path, "", strings.TrimSpace(string(text))); got != http.StatusNotFound {
				t.Errorf("%s beside an address for admins: %d, want 404", path, got)
			}
			if got := ask(s, 1, path, "X-Forwarded-For", strings.TrimSpace(string(text))); got != http.StatusOK {
				t.Errorf("%s at the address for admins: %d, want 200", path, got)
			}
		}
	})
	running(t, config.Config{AdminListen: "off"}, func(s *Server) {
		if len(s.listeners) != 1 {
			t.Errorf("%d addresses, want one", len(s.listeners))
		}
		_, token, err := s.dir.CreateToken(t.Context(), directory.ServerActor, account.Token{Name: "all", Scopes: []account.Scope{account.ScopeAdmin}})
		if err != nil {
			t.Fatal(err)
		}
		testutil.Secret(t, token)
		for _, path := range admins {
			if got := ask(s, 0, path, "", token); got != http.StatusNotFound {
				t.Errorf("%s where it is off: %d, want 404", path, got)
			}
		}
	})
}
