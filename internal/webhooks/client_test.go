package webhooks_test

import (
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
	"rollcall/internal/webhooks"
)

// realBench returns a bench whose requests go over the network.
func realBench(t *testing.T, o webhooks.Options) *bench {
	b := benchOn(t, checked.New(new(mem.Store)), nil, "")
	o.Records, o.Directory, o.Logger, o.Metrics = b.registry, b.dir, testutil.Logger(t), b.count
	b.s = webhooks.New(o)
	return b
}

// serve returns the URL of a receiver.
func serve(t *testing.T, fn http.HandlerFunc) string {
	s := httptest.NewUnstartedServer(fn)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func (b *bench) verify(url string) adminapi.WebhookVerification {
	b.Helper()
	b.set(adminapi.NewWebhook{URL: url, Token: new("a-token-of-the-webhook")})
	v, err := b.s.VerifyWebhook(b.Context(), app)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// TestVerify checks what a person learns of each kind of receiver.
func TestVerify(t *testing.T) {
	b := realBench(t, webhooks.Options{Developer: true})
	var elsewhere atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	_ = closed.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	for _, tt := range []struct {
		name, url, reason string
		status            int
	}{
		{"accepts", serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s", r.Method, body)
		}), "", 200},
		{"redirects", serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusTemporaryRedirect) }), "HTTP 307, a redirect, which is not followed", 307},
		{"fails", serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }), "answered HTTP 503", 503},
		{"closes", serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "closed the connection before its response", 0},
		{"breaks off", serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}), "the response broke off", 200},
		{"hangs", serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body) // otherwise the end of the connection is not seen
			<-r.Context().Done()
		}), "no response came within 2s", 0},
		{"is not there", nobody, "refused the connection", 0},
		{"has another certificate", secure.URL, "certificate of the receiver cannot be verified", 0},
		{"has no address", "http://nobody.invalid/", "has no address", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := b.verify(tt.url)
			if tt.name == "has no address" && !v.OK && v.Status == 0 {
				return // what a machine without DNS says differs
			}
			if v.Status != tt.status || v.OK != (tt.reason == "") || !strings.Contains(v.Reason, tt.reason) || strings.Contains(v.Reason, "Sign=") {
				t.Errorf("%+v, want %d, %q", v, tt.status, tt.reason)
			}
			if v.OK && v.Answer != `POST {"CallbackCommand":"Alert.RequestOverLimit","ServiceName":"rollcall","Command":"webhook_verify","Request":0,"Limit":0}` {
				t.Errorf("the receiver got %s", v.Answer)
			}
		})
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

// TestHugeAnswer checks that no more of a response is read than is allowed.
func TestHugeAnswer(t *testing.T) {
	b := realBench(t, webhooks.Options{Developer: true})
	sent := make(chan int, 1)
	v := b.verify(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n, chunk := 0, make([]byte, 64<<10)
		for n < 1<<30 {
			m, err := w.Write(chunk)
			if n += m; err != nil {
				break
			}
		}
		sent <- n
	}))
	if !v.OK || len(v.Answer) != 1<<10 {
		t.Errorf("%v, %d bytes", v.OK, len(v.Answer))
	}
	if n := <-sent; n > 64<<20 { // what the buffers of the two ends take
		t.Errorf("the receiver could send %d bytes", n)
	}
}

// TestGuarded checks that a server for others reaches nothing in its network, neither by an
// address nor by a name.
func TestGuarded(t *testing.T) {
	var calls atomic.Int32
	url := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	b := realBench(t, webhooks.Options{})
	_, err := b.s.SetWebhook(t.Context(), "test", app, adminapi.NewWebhook{URL: url})
	if account.CodeOf(err) != account.BadParameter || !strings.Contains(account.DetailOf(err), "webhook_allow_networks") {
		t.Errorf("a loopback address: %v", err)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	v := b.verify("http://localhost:" + port)
	if v.OK || !strings.Contains(v.Reason, "the server's own network") || calls.Load() != 0 {
		t.Errorf("%+v after %d calls", v, calls.Load())
	}
}

// TestConnections checks that a connection is used again, and that nothing is left at the end.
func TestConnections(t *testing.T) {
	before := runtime.NumGoroutine()
	b := realBench(t, webhooks.Options{Developer: true})
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	stop := b.run()
	for range 5 {
		if v := b.verify(s.URL); !v.OK {
			t.Fatalf("%+v", v)
		}
	}
	stop()
	s.Close()
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for 5 requests", n)
	}
	b.waitFor("the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
}

// TestTLS checks that a receiver with a certificate of a known CA is called.
func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	if v := realBench(t, webhooks.Options{Developer: true, Roots: roots}).verify(s.URL); !v.OK {
		t.Errorf("%+v", v)
	}
}

// TestSetRefuses checks the error of each wrong setting, and that nothing is stored.
func TestSetRefuses(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		name, want string
		set        adminapi.NewWebhook
	}{
		{"URL", "begins with neither", adminapi.NewWebhook{URL: "example.com"}},
		{"no URL", "begins with neither", adminapi.NewWebhook{}},
		{"events", `not one of State.StateChange, Profile.CallbackPortraitSet, Alert.RequestOverLimit`, adminapi.NewWebhook{URL: target, Events: []string{"C2C.X"}}},
		{"no events", "events is empty", adminapi.NewWebhook{URL: target, Events: []string{}}},
		{"repeated event", "twice", adminapi.NewWebhook{URL: target, Events: []string{"State.StateChange", "State.StateChange"}}},
		{"mode", "mode is", adminapi.NewWebhook{URL: target, Mode: "x"}},
		{"spelling", "ios_spelling is", adminapi.NewWebhook{URL: target, IOSSpelling: "ios"}},
		{"token", "the token has 129 characters", adminapi.NewWebhook{URL: target, Token: new(strings.Repeat("x", 129))}},
		{"secret", "24 to 64 bytes", adminapi.NewWebhook{URL: target, Secret: new("whsec_c2hvcnQ=")}},
	} {
		_, err := b.s.SetWebhook(t.Context(), "test", app, tt.set)
		if account.CodeOf(err) != account.BadParameter || !strings.Contains(account.DetailOf(err), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	if _, err := b.s.Webhook(t.Context(), app); account.CodeOf(err) != account.NoWebhook {
		t.Errorf("after refusals: %v", err)
	}
	if _, err := b.s.SetWebhook(t.Context(), "test", app+1, adminapi.NewWebhook{URL: target}); account.CodeOf(err) != account.NoApp {
		t.Errorf("of no app: %v", err)
	}
}

// TestSetKeepsSecrets checks that secrets stay unless others are given, and are not shown.
func TestSetKeepsSecrets(t *testing.T) {
	b := newBench(t)
	first := b.set(adminapi.NewWebhook{Mode: "reliable", Token: new(strings.Repeat("é", 128))})
	if !first.Token || !first.Secret || first.NewSecret == "" {
		t.Errorf("%+v", first)
	}
	second := b.set(adminapi.NewWebhook{})
	if !second.Token || !second.Secret || second.NewSecret != "" || second.Mode != "faithful" {
		t.Errorf("%+v", second)
	}
	third := b.set(adminapi.NewWebhook{Token: new(""), Secret: new("")})
	if third.Token || !third.Secret || third.NewSecret == "" || third.NewSecret == first.NewSecret {
		t.Errorf("%+v", third)
	}
	w, _, err := b.registry.StoredWebhook(t.Context(), app)
	if err != nil || w.Secret != third.NewSecret || w.Token != "" {
		t.Errorf("stored: %v", err)
	}
	shown, err := b.s.Webhook(t.Context(), app)
	if err != nil || shown.NewSecret != "" || len(shown.Events) != 3 || shown.IOSSpelling != "iOS" {
		t.Errorf("%+v, %v", shown, err)
	}
	if _, err := b.s.SetWebhook(t.Context(), "test", app, adminapi.NewWebhook{URL: target + "?k=private"}); err != nil {
		t.Fatal(err)
	}
	entries, err := b.dir.Audit(t.Context(), account.AuditQuery{App: app, Limit: 1})
	if err != nil || entries[0].Action != "webhook.set" || strings.Contains(entries[0].Detail, "private") {
		t.Errorf("%+v, %v", entries, err)
	}
}
