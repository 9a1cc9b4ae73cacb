package httpx

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// selfSigned returns the TLS configurations of a server on 127.0.0.1 and of its
// clients.
func selfSigned(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return server, &tls.Config{RootCAs: roots}
}

// TestProtocols checks that clients get the HTTP version that they ask for, and
// that handlers see the TLS state.
func TestProtocols(t *testing.T) {
	s := startServer(t, true, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || !r.TLS.HandshakeComplete {
			w.Header().Set("Insecure", "yes")
		}
		_, _ = io.WriteString(w, r.Proto)
	}))
	for want, http2 := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		t.Run(want, func(t *testing.T) {
			tr := &http.Transport{TLSClientConfig: s.tls.Clone(), ForceAttemptHTTP2: http2}
			defer tr.CloseIdleConnections()
			for range 3 {
				resp, err := (&http.Client{Transport: tr}).Get("https://" + s.addr)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(body) != want || resp.Proto != want {
					t.Errorf("got %s, body %q, %v, want %s", resp.Proto, body, err, want)
				}
				if resp.Header.Get("Insecure") != "" {
					t.Error("the handler saw no TLS")
				}
			}
		})
	}
}

// TestBodyTooLargeOnHTTP2 checks that errors of handlers work in HTTP/2, too.
func TestBodyTooLargeOnHTTP2(t *testing.T) {
	lg, _ := newLog()
	s := startServer(t, true, Handler(lg, func(_ http.ResponseWriter, r *http.Request) error {
		_, err := ReadBody(r, 10)
		return err
	}, respondError))
	tr := &http.Transport{TLSClientConfig: s.tls.Clone(), ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Post("https://"+s.addr, "application/json", strings.NewReader("more than ten bytes"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "sorry" || resp.ProtoMajor != 2 {
		t.Errorf("got %q, %v over %s, want %q over HTTP/2", body, err, resp.Proto, "sorry")
	}
}

// TestPlainOnTLS sends plain HTTP to a TLS port.
func TestPlainOnTLS(t *testing.T) {
	s := startServer(t, true, serveOK(t))
	plain := &testServer{addr: s.addr, log: s.log}
	for _, method := range []string{"GET", "POST", "DELETE", "OPTIONS"} {
		t.Run(method, func(t *testing.T) {
			r := bufio.NewReader(plain.dial(t, method+" / HTTP/1.1\r\nHost: x\r\n\r\n"))
			plain.checkRefusal(t, r, Fault{Status: 400, Reason: "plain HTTP on a port of TLS"})
		})
	}
	t.Run("neither TLS nor HTTP", func(t *testing.T) {
		got, err := io.ReadAll(plain.dial(t, "SSH-2.0-OpenSSH_9.6\r\n"))
		if err != nil && !isReset(err) || strings.Contains(string(got), "HTTP") {
			t.Errorf("got %q, %v, want the connection to end", got, err)
		}
	})
}

// isReset reports whether err is the error of a client when the server closes a
// connection with unread bytes.
func isReset(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

// TestCloseDuringHandshake checks that Close does not wait for clients.
func TestCloseDuringHandshake(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, client := selfSigned(t)
	lg, _ := newLog()
	l := NewListener(inner, ListenerOptions{TLS: server, Logger: lg})
	silent, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	go func() {
		// Connections are accepted in order: when this one is through, the
		// handshake of the silent one is under way.
		c, err := tls.Dial("tcp", inner.Addr().String(), client)
		if err == nil {
			c.Close()
		}
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("the silent client's connection is still open")
	}
}
