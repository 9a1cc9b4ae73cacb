package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/config"
	"rollcall/internal/intercept"
	"rollcall/internal/region"
	"rollcall/internal/testutil"
)

// trusting returns a client that trusts the local CA in dir, and connects to addr for
// every host.
func trusting(t *testing.T, dir, addr string, o *tls.Config) *http.Client {
	t.Helper()
	ca, err := os.ReadFile(intercept.CAFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AppendCertsFromPEM(ca)
	tr := &http.Transport{TLSClientConfig: o, ForceAttemptHTTP2: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// TestLocalTLS calls a developer's server under the vendor's names, by TLS 1.2 and 1.3
// and by HTTP/2.
func TestLocalTLS(t *testing.T) {
	dir := t.TempDir()
	log := running(t, config.Config{TLSLocal: true, Data: dir, Intercept: []string{"api.example.com"}}, func(s *Server) {
		saved, err := ReadContext(dir + "/" + ContextFile)
		if err != nil || saved.CA != intercept.CAFile(dir) || !strings.HasPrefix(saved.URL, "https://127.0.0.1:") || saved.AdminToken == "" {
			t.Errorf("context file: CA %q, URL %q, %v", saved.CA, saved.URL, err)
		}
		if curl, err := saved.Curl(); err != nil || !strings.HasPrefix(curl, "curl --cacert '"+saved.CA+"' -d ") {
			t.Errorf("curl line %s, %v", curl, err)
		}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			hc := trusting(t, dir, s.Addr().String(), &tls.Config{MinVersion: version, MaxVersion: version})
			for _, host := range append(region.Hosts(), "api.example.com", "localhost", "127.0.0.1", "[::1]") {
				resp, err := hc.Get("https://" + host + "/v4/")
				if err != nil {
					t.Error(err)
					continue
				}
				resp.Body.Close()
				if resp.ProtoMajor != 2 || resp.TLS.Version != version {
					t.Errorf("%s: %s, TLS %x, want HTTP/2, TLS %x", host, resp.Proto, resp.TLS.Version, version)
				}
			}
		}
		old := trusting(t, dir, s.Addr().String(), &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		if _, err := old.Get("https://localhost/"); err == nil {
			t.Error("TLS 1.1 is accepted")
		}
	})
	if strings.Contains(log, "was replaced") {
		t.Errorf("the first CA replaces another: %s", log)
	}
}

// TestLocalNames checks that a name that is no host name does not start a server.
func TestLocalNames(t *testing.T) {
	_, err := openWith(t, Options{Config: config.Config{TLSLocal: true, Data: t.TempDir(), Intercept: []string{"https://x.com"}}})
	if err == nil || !strings.HasPrefix(err.Error(), `--intercept: "https://x.com" is no host name`) {
		t.Error(err)
	}
}

// TestLocalRenewal lets a server run for as long as its CA is valid. It replaces the CA
// once, and serves the new certificate without a restart.
func TestLocalRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, log := t.TempDir(), new(testutil.Buffer)
		s := &Server{o: Options{Config: config.Config{TLSLocal: true, Data: dir}, Logger: slog.New(slog.NewTextHandler(testutil.Keep(t, log), nil))}}
		if err := s.openLocal(); err != nil {
			t.Fatal(err)
		}
		first, err := s.certificate.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.renewLocal(ctx, nil) }()
		time.Sleep(89 * 24 * time.Hour)
		now, err := s.certificate.get(nil)
		if err != nil || bytes.Equal(now.Certificate[0], first.Certificate[0]) || time.Until(now.Leaf.NotAfter) < 70*24*time.Hour {
			t.Errorf("after 89 days the certificate is valid until %v, %v", now.Leaf.NotAfter, err)
		}
		if n := strings.Count(log.String(), "the local CA was replaced"); n != 1 {
			t.Errorf("%d warnings: %s", n, log)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestOutside asks for paths outside of the vendor's protocol. Under a name of the vendor
// the response is always the vendor's. Under another name it is only for JSON.
func TestOutside(t *testing.T) {
	running(t, config.Config{Intercept: []string{"api.example.com"}}, func(s *Server) {
		for _, test := range []struct{ host, path, field, want string }{
			{region.China, "/", "", vendors},
			{region.China, "/healthz", "", vendors},
			{region.China + ":443", "/admin/v1", "", vendors},
			{"Sg.Api.Im.Qcloud.Com", "/nope", "", vendors},
			{"api.example.com", "/", "", vendors},
			{region.China, "/v4/nope", "", `"ErrorCode":60009`},
			{"localhost", "/", "", "Rollcall test"},
			{"localhost", "/", "Accept: text/html,application/json", "Rollcall test"},
			{"localhost", "/", "Accept: application/json, text/plain, */*", vendors},
			{"localhost", "/", "Content-Type: application/json; charset=utf-8", vendors},
			{"localhost", "/nope", "Content-Type: application/json", vendors},
			{"localhost", "/admin", "Content-Type: application/json", vendors},
			{"localhost", "/healthz", "Accept: application/json", "ok"},
			{"localhost", "/admin/v1/nope", "Accept: application/json", "not-found"},
			{"example.com", "/nope", "", "nothing here"},
		} {
			got := ask(t, s.Addr().String(), "POST "+test.path, "X: x\r\n"+test.field+"\r\nAuthorization: Bearer "+s.Context().AdminToken, test.host)
			if !strings.HasPrefix(got, test.want) && !strings.Contains(got, test.want) || test.want == vendors && got != vendors {
				t.Errorf("%s%s %s: %s, want %s", test.host, test.path, test.field, got, test.want)
			}
		}
	})
}

// vendors is the body of the vendor's gateway for such paths.
const vendors = `{"ActionStatus":"FAIL","ErrorCode":60002,"ErrorInfo":"HTTP parse Error"}`
