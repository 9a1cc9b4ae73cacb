package httpx

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// A watchedListener says when it has accepted a connection, and when it is closed.
type watchedListener struct {
	net.Listener
	accepted, closed chan struct{}
	close            sync.Once
}

func watch(t *testing.T) *watchedListener {
	return &watchedListener{Listener: listen(t), accepted: make(chan struct{}), closed: make(chan struct{})}
}

// dial returns a connection that l has accepted.
func (l *watchedListener) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	<-l.accepted
	return c
}

func (l *watchedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.accepted <- struct{}{}
	}
	return c, err
}

func (l *watchedListener) Close() error {
	defer l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// TestFirstRequestAtEnd ends a server that has accepted a connection. The first
// request of the connection arrives later, and gets its response.
func TestFirstRequestAtEnd(t *testing.T) {
	server, client := selfSigned(t)
	http1, http2 := client.Clone(), client.Clone()
	http1.NextProtos, http2.NextProtos = []string{"http/1.1"}, []string{"h2"}
	for name, test := range map[string]struct{ server, client *tls.Config }{
		"HTTP/1.1": {}, "HTTP/1.1 with TLS": {server, http1}, "HTTP/2.0": {server, http2},
	} {
		t.Run(name, func(t *testing.T) {
			l := watch(t)
			lg, _ := newLog()
			h := Handler(lg, func(w http.ResponseWriter, r *http.Request) error {
				_, err := io.WriteString(w, r.Proto)
				return err
			}, respondError)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error, 1)
			go func() {
				o := ListenerOptions{TLS: test.server, Conns: NewConnLimit(10), Logger: lg}
				done <- NewListener(l, o).Run(ctx, &http.Server{Handler: h, ReadTimeout: time.Minute}, grace, func(err error) { t.Error(err) })
			}()
			raw := l.dial(t)
			stop()
			<-l.closed
			if got, err := get(raw, test.client); err != nil || got != name[:8] {
				t.Errorf("the response is %q, %v", got, err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// get sends a request on a new connection, with TLS if conf is not nil, and returns the body of
// the response.
func get(raw net.Conn, conf *tls.Config) (string, error) {
	tr := &http.Transport{ForceAttemptHTTP2: conf != nil && conf.NextProtos[0] == "h2"}
	defer tr.CloseIdleConnections()
	tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return raw, nil }
	url := "http://127.0.0.1/"
	if conf != nil {
		url, tr.TLSClientConfig = "https://127.0.0.1/", conf
	}
	resp, err := (&http.Client{Transport: tr}).Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// TestSilentAtEnd ends a server that has accepted connections on which nothing arrives. It
// does not wait for them as long as net/http would.
func TestSilentAtEnd(t *testing.T) {
	server, _ := selfSigned(t)
	for name, conf := range map[string]*tls.Config{"plain": nil, "TLS": server} {
		t.Run(name, func(t *testing.T) {
			l := watch(t)
			lg, _ := newLog()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error, 1)
			go func() {
				done <- NewListener(l, ListenerOptions{TLS: conf, Logger: lg}).Run(ctx, &http.Server{}, 4*time.Second, func(err error) { t.Error(err) })
			}()
			l.dial(t)
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
