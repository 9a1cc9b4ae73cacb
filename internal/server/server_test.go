package server_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/server"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
	"rollcall/usersig"
)

// open opens a server. The default is the usual store of [anystore.Configure] and a free
// address.
func open(t *testing.T, c config.Config, app *account.App) (*server.Server, error) {
	t.Helper()
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:0")
	anystore.Configure(t, &c)
	c, err := config.New(c)
	if err != nil {
		return nil, err
	}
	return server.Open(t.Context(), server.Options{Config: c, App: app, Version: "test", Logger: testutil.Logger(t)})
}

// start runs a server until the test ends.
func start(t *testing.T, c config.Config, app *account.App) *server.Server {
	t.Helper()
	s, err := open(t, c, app)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Context(); c != nil {
		testutil.Secret(t, c.Key, c.AdminToken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// ownApp returns an app for servers that create no demo app.
func ownApp() *account.App {
	return &account.App{ID: 1400000001, Edition: account.Development, Keys: []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "the secret of an own app"}}}
}

// importAlice imports an account with a signature of the context's key, and returns the
// response.
func importAlice(t *testing.T, client *http.Client, c *server.Context) string {
	t.Helper()
	sig, err := usersig.Sign(usersig.HMACKey(c.Key), usersig.Claims{SDKAppID: c.SDKAppID, Identifier: c.Admin, Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, sig)
	q := url.Values{"sdkappid": {fmt.Sprint(c.SDKAppID)}, "identifier": {c.Admin}, "usersig": {sig}}
	resp, err := client.Post(c.URL+"/v4/im_open_login_svc/account_import?"+q.Encode(), "", strings.NewReader(`{"UserID":"alice"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const imported = `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`

func TestDemoApp(t *testing.T) {
	dir := t.TempDir()
	s := start(t, config.Config{Data: dir}, nil)
	c, err := server.ReadContext(filepath.Join(dir, server.ContextFile))
	if err != nil {
		t.Fatal(err)
	}
	if *c != *s.Context() {
		t.Errorf("context file differs from Context")
	}
	if got := importAlice(t, http.DefaultClient, c); got != imported {
		t.Errorf("answer %s, want %s", got, imported)
	}
}

func TestCredentials(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(keyFile, []byte("secret of mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, config.Config{SDKAppID: 1400000099, KeyFile: keyFile, Admin: "boss"}, nil)
	c := s.Context()
	if c.SDKAppID != 1400000099 || c.Key != "secret of mine" || c.Admin != "boss" {
		t.Errorf("context names app %d, admin %q", c.SDKAppID, c.Admin)
	}
	if got := importAlice(t, http.DefaultClient, c); got != imported {
		t.Errorf("answer %s, want %s", got, imported)
	}
}

// TestCredentialsMakeNoTestApp serves an app of credentials on a server that allows test
// apps. The app is no test app, because its key is that of a real app: the server does not
// sign with it for others.
func TestCredentialsMakeNoTestApp(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(keyFile, []byte("secret of mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, config.Config{SDKAppID: 1400000099, KeyFile: keyFile}, nil)
	api, err := client.NewAdmin(client.AdminOptions{BaseURL: s.Context().URL, Token: s.Context().AdminToken})
	if err != nil {
		t.Fatal(err)
	}
	defer api.CloseIdleConnections()
	app, err := api.App(t.Context(), 1400000099)
	if err != nil || app.Test {
		t.Errorf("app %+v, %v, want no test app", app, err)
	}
	var p *client.Problem
	if _, err := api.SignUser(t.Context(), 1400000099, client.NewUserSig{}); !errors.As(err, &p) || p.Slug != client.SlugForbidden {
		t.Errorf("SignUser: %v, want forbidden", err)
	}
	_, err = api.UpdateApp(t.Context(), 1400000099, client.AppPatch{Settings: map[string]any{"any_signature": true}})
	if !errors.As(err, &p) || p.Slug != client.SlugBadRequest {
		t.Errorf("any_signature: %v, want bad-request", err)
	}
}

// TestListenEverywhere listens on all addresses. The context contains an address that
// clients can call.
func TestListenEverywhere(t *testing.T) {
	s := start(t, config.Config{Listen: ":0", InsecureListen: true}, ownApp())
	if got := s.Context().URL; !strings.HasPrefix(got, "http://127.0.0.1:") {
		t.Errorf("URL = %s, want one of 127.0.0.1", got)
	}
	if got := importAlice(t, http.DefaultClient, s.Context()); got != imported {
		t.Errorf("answer %s, want %s", got, imported)
	}
}

// TestPaths checks that every method and spelling of a path below /v4 gets a response in
// the vendor's form, and that other paths are Rollcall's own.
func TestPaths(t *testing.T) {
	s := start(t, config.Config{}, nil)
	tests := []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/v4/im_open_login_svc/account_import", 200, `"ErrorCode":60002`},
		{"POST", "/v4/im_open_login_svc/account_import/", 200, `"ErrorCode":60009`},
		{"POST", "/v4/nope", 200, `"ErrorCode":60009`},
		{"POST", "/v4", 200, `"ErrorCode":60009`},
		{"POST", "//v4//im_open_login_svc/account_import", 200, `"ErrorCode":60009`},
		{"PURGE", "/v4/../v4/x", 200, `"ErrorCode":60009`},
		{"GET", "/", 200, "Rollcall test"},
		{"GET", "/healthz", 200, "ok\n"},
		{"GET", "/readyz", 200, "ready\n"},
		{"GET", "/v4x", 404, "nothing here"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://"+s.Addr().String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.URL.Opaque = "//" + s.Addr().String() + tt.path // sent unchanged
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(b), tt.body) {
				t.Errorf("%d %q, %v; want %d with %q", resp.StatusCode, b, err, tt.status, tt.body)
			}
			if resp.Header.Get("Rollcall-Request-Id") == "" {
				t.Error("no Rollcall-Request-Id")
			}
			if ct := resp.Header.Get("Content-Type"); strings.HasPrefix(tt.body, `"`) && ct != "application/json" {
				t.Errorf("Content-Type %q", ct)
			}
		})
	}
}

// TestLibraryFaults sends requests to which net/http itself would respond. The responses
// have the vendor's form too.
func TestLibraryFaults(t *testing.T) {
	s := start(t, config.Config{}, nil)
	for name, raw := range map[string]string{
		"raw space":    "POST /v4/openim/querystate?identifier=a b HTTP/1.1\r\nHost: x\r\n\r\n",
		"bad escape":   "POST /v4/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"no host":      "POST /v4/x HTTP/1.1\r\n\r\n",
		"expectation":  "POST /v4/x HTTP/1.1\r\nHost: x\r\nExpect: more\r\nContent-Length: 1\r\n\r\n",
		"coding":       "POST /v4/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
		"large header": "POST /v4/x HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 80<<10) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() { _, _ = io.WriteString(conn, raw) }() // may be cut off
			b, _ := io.ReadAll(conn)                         // a reset may follow the answer
			if got := string(b); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.Contains(got, `"ErrorCode":60002,"ErrorInfo":"HTTP parse Error"`) {
				t.Errorf("answer %q", got)
			} else if !strings.Contains(got, "\r\nRollcall-Advice: The ") {
				t.Errorf("no advice: %q", got)
			}
		})
	}
}

// TestPipeline sends requests without waiting for responses. With a valid UserSig or token
// every request gets a response. Otherwise the connection ends after the second response.
func TestPipeline(t *testing.T) {
	s := start(t, config.Config{}, nil)
	c := s.Context()
	sig, err := usersig.Sign(usersig.HMACKey(c.Key), usersig.Claims{SDKAppID: c.SDKAppID, Identifier: c.Admin, Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, sig)
	good := url.Values{"sdkappid": {fmt.Sprint(c.SDKAppID)}, "identifier": {c.Admin}, "usersig": {sig}}
	bad := url.Values{"sdkappid": {fmt.Sprint(c.SDKAppID)}, "identifier": {c.Admin}, "usersig": {"x"}}
	const token, last = "Authorization: Bearer ", "Connection: close\r\n"
	check := "POST /v4/im_open_login_svc/account_check?"
	for name, test := range map[string]struct {
		line, fields string
		want         int
	}{
		"unknown path":  {"GET /v4/x", "", 2},
		"health":        {"GET /healthz", "", 2},
		"bad UserSig":   {check + bad.Encode(), "", 2},
		"good UserSig":  {check + good.Encode(), "", 10},
		"good token":    {"GET /admin/v1/apps", token + c.AdminToken + "\r\n", 10},
		"unknown token": {"GET /admin/v1/apps", token + "x\r\n", 2},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			request := func(fields string) string {
				return test.line + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + test.fields + fields + "\r\n"
			}
			if _, err := io.WriteString(conn, strings.Repeat(request(""), 9)+request(last)); err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(conn)
			if n := strings.Count(string(b), "HTTP/1.1 "); n != test.want || err != nil {
				t.Errorf("%d responses, %v; want %d", n, err, test.want)
			}
		})
	}
}

// TestOtherVersions calls paths of another version or without one. The response has the
// vendor's form, and its advice names the right path.
func TestOtherVersions(t *testing.T) {
	s := start(t, config.Config{}, nil)
	for _, path := range []string{"/v3/openim/querystate", "/v5/openim/querystate", "/openim/querystate", "//v4/openim/querystate"} {
		resp, err := http.Post("http://"+s.Addr().String()+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !strings.Contains(string(body), `"ErrorCode":60009`) || !strings.Contains(resp.Header.Get("Rollcall-Advice"), "call /v4/openim/querystate.") {
			t.Errorf("%s: %s %q, %v", path, body, resp.Header.Get("Rollcall-Advice"), err)
		}
	}
}

// TestPlainHTTPOnTLS sends plain HTTP to a port with TLS. The response advises https://.
func TestPlainHTTPOnTLS(t *testing.T) {
	certFile, keyFile, _ := certificate(t)
	s := start(t, config.Config{TLSCert: certFile, TLSKey: keyFile}, ownApp())
	resp, err := http.Post("http://"+s.Addr().String()+"/v4/openim/querystate", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Rollcall-Advice"); !strings.Contains(got, "Call it with https://.") {
		t.Errorf("Rollcall-Advice = %q", got)
	}
}

func TestTLS(t *testing.T) {
	certFile, keyFile, pool := certificate(t)
	s := start(t, config.Config{TLSCert: certFile, TLSKey: keyFile}, ownApp())
	for _, h2 := range []bool{false, true} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: h2}
		defer tr.CloseIdleConnections()
		if got := importAlice(t, &http.Client{Transport: tr}, s.Context()); got != imported {
			t.Errorf("HTTP/2 %v: answer %s", h2, got)
		}
	}
}

// certificate creates a certificate for 127.0.0.1.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	certPEM, keyPEM := testutil.Certificate(t)
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, b := range map[string][]byte{certFile: certPEM, keyFile: keyPEM} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile, pool
}

func TestBadOptions(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	private := filepath.Join(t.TempDir(), "private")
	if err := os.WriteFile(private, []byte("-----BEGIN EC PRIVATE KEY-----"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		c    config.Config
		want string
	}{
		{"no certificate", config.Config{TLSCert: empty, TLSKey: empty}, "--tls-cert"},
		{"empty key", config.Config{SDKAppID: 1, KeyFile: empty}, "is empty"},
		{"private key", config.Config{SDKAppID: 1, KeyFile: private}, "public key"},
		{"unknown store", config.Config{Store: "tape:x", SealKeys: "none"}, "tape"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := open(t, tt.c, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestContextIsPrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), server.ContextFile)
	if err := os.WriteFile(file, []byte(`{}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := server.ReadContext(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a context that others can read: %v", err)
	}
}
