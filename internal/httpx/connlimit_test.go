package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A pipeListener is a listener in memory, for servers in a synctest bubble. Its
// backlog has no limit.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	stop  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.stop.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// dial connects when the backlog of the listener has a place.
func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A bubbleServer is a server with a ConnLimit in a synctest bubble, where time
// passes only when all goroutines wait.
type bubbleServer struct {
	*pipeListener
	tls *tls.Config // configuration of clients; nil without TLS
}

// serveLimited runs test with a server of h that accepts n connections.
func serveLimited(t *testing.T, n int, secure bool, h http.Handler, test func(*testing.T, *bubbleServer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &bubbleServer{pipeListener: newPipeListener()}
		o := ListenerOptions{Conns: NewConnLimit(n), FaultResponse: func(Fault) (http.Header, []byte) { return nil, []byte("{}") }}
		o.Logger, _ = newLog()
		if secure {
			o.TLS, s.tls = selfSigned(t)
		}
		ln := NewListener(s.pipeListener, o)
		inner := Handler(o.Logger, func(w http.ResponseWriter, r *http.Request) error {
			h.ServeHTTP(w, r)
			return nil
		}, nil)
		srv := &http.Server{Handler: inner, IdleTimeout: time.Hour, ReadTimeout: time.Minute, WriteTimeout: time.Hour}
		done := make(chan error, 1)
		go func() { done <- ln.Serve(srv) }()
		test(t, s)
		_ = srv.Close()
		<-done
	})
}

// client returns a client with its own connections.
func (s *bubbleServer) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: s.dial, TLSClientConfig: s.tls.Clone(), ForceAttemptHTTP2: true}}
}

func (s *bubbleServer) url() string {
	if s.tls != nil {
		return "https://127.0.0.1/"
	}
	return "http://127.0.0.1/"
}

// get requests / and returns how long that took.
func (s *bubbleServer) get(t *testing.T, client *http.Client) time.Duration {
	t.Helper()
	start := time.Now()
	resp, err := client.Get(s.url())
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	return time.Since(start)
}

// silent opens a connection and sends nothing.
func (s *bubbleServer) silent(t *testing.T) net.Conn {
	t.Helper()
	c, err := s.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// isClosed reports whether the server has closed c.
func isClosed(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// TestSilentStrangersGiveWay fills every place with connections that send
// nothing, before their handshake or before their request. After a second they
// are closed for a client.
func TestSilentStrangersGiveWay(t *testing.T) {
	for name, secure := range map[string]bool{"clear": false, "tls": true} {
		t.Run(name, func(t *testing.T) {
			serveLimited(t, 3, secure, serveOK(t), func(t *testing.T, s *bubbleServer) {
				var silent []net.Conn
				for range 3 {
					silent = append(silent, s.silent(t))
					time.Sleep(time.Millisecond)
				}
				if got, want := s.get(t, s.client()), connWait-3*time.Millisecond; got != want {
					t.Errorf("the client was served after %v, want %v", got, want)
				}
				for i, c := range silent {
					if got, want := isClosed(c), i == 0; got != want {
						t.Errorf("stranger %d: closed is %v, want %v", i, got, want)
					}
				}
			})
		})
	}
}

// TestLongestIdleGivesWay checks that the connection that has been idle longest
// is closed.
func TestLongestIdleGivesWay(t *testing.T) {
	for name, secure := range map[string]bool{"http1": false, "http2": true} {
		t.Run(name, func(t *testing.T) {
			serveLimited(t, 2, secure, serveOK(t), func(t *testing.T, s *bubbleServer) {
				a, b, c := s.client(), s.client(), s.client()
				for _, client := range []*http.Client{a, b} {
					s.get(t, client)
					time.Sleep(time.Minute)
				}
				s.get(t, a) // now b is idle longest
				if got := s.get(t, c); got != 0 {
					t.Errorf("the newcomer waited %v beside an idle connection", got)
				}
				reused := func(client *http.Client) (reused bool) {
					trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }}
					req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", s.url(), nil)
					if err != nil {
						t.Fatal(err)
					}
					resp, err := client.Do(req)
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					return reused
				}
				if !reused(a) {
					t.Error("the connection in use was closed")
				}
				if reused(b) {
					t.Error("the idle connection is still there")
				}
			})
		})
	}
}

// TestBusyConnectionStays checks that a connection is not closed while its
// request is being served, however long that takes. The new connection is
// served afterwards.
func TestBusyConnectionStays(t *testing.T) {
	for name, secure := range map[string]bool{"http1": false, "http2": true} {
		t.Run(name, func(t *testing.T) {
			slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(10 * time.Second) })
			serveLimited(t, 1, secure, slow, func(t *testing.T, s *bubbleServer) {
				var wg sync.WaitGroup
				wg.Go(func() {
					if got := s.get(t, s.client()); got != 10*time.Second {
						t.Errorf("the first was served after %v, want 10s", got)
					}
				})
				synctest.Wait()
				if got := s.get(t, s.client()); got < 20*time.Second || got > 22*time.Second {
					t.Errorf("the second was served after %v, want 20s and a second or two of patience", got)
				}
				wg.Wait()
			})
		})
	}
}

// send opens a connection and sends text, which may be the beginning of a
// request. It sends from a separate goroutine, because a pipe has no buffer.
func (s *bubbleServer) send(t *testing.T, text string) net.Conn {
	t.Helper()
	c := s.silent(t)
	go func() { _, _ = io.WriteString(c, text) }()
	return c
}

// TestHalfRequestsGiveWay checks that a client cannot keep a place with a
// request whose body does not arrive, whether the request was refused or not,
// or with responses that it does not read.
func TestHalfRequestsGiveWay(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "no") })
	read := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := ReadBody(r, 1<<20); err == nil {
			body.Free()
		}
	})
	const (
		half  = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"
		whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	)
	for _, tt := range []struct {
		name, send string
		h          http.Handler
		drip       bool
	}{
		{"refused", half, refuse, false},
		{"refused, dripping", half, refuse, true},
		{"awaited", half, read, false},
		{"awaited, dripping", half, read, true},
		{"unread responses", whole + whole + whole, refuse, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.UserAgent() == "good" {
					return
				}
				tt.h.ServeHTTP(w, r)
			})
			serveLimited(t, 2, false, h, func(t *testing.T, s *bubbleServer) {
				strangers := []net.Conn{s.send(t, tt.send), s.send(t, tt.send)}
				var dripping sync.WaitGroup
				if tt.drip {
					for _, c := range strangers {
						dripping.Go(func() { drip(c) })
					}
				}
				synctest.Wait()
				r, err := http.NewRequestWithContext(t.Context(), "GET", s.url(), nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("User-Agent", "good")
				start := time.Now()
				resp, err := s.client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if took := time.Since(start); took > connWait {
					t.Errorf("the client was served after %v, want %v at most", took, connWait)
				}
				for _, c := range strangers {
					_ = c.Close()
				}
				dripping.Wait()
			})
		})
	}
}

// drip sends a byte every tenth of a second.
func drip(c net.Conn) {
	for {
		time.Sleep(100 * time.Millisecond)
		if _, err := io.WriteString(c, "x"); err != nil {
			return
		}
	}
}

// TestBodyAfterRefusal checks that a client whose request is refused before its
// body has arrived keeps its connection only if the body follows in time.
func TestBodyAfterRefusal(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "no") })
	for after, closes := range map[time.Duration]bool{bodyGrace / 2: false, 2 * bodyGrace: true} {
		serveLimited(t, 2, false, refuse, func(t *testing.T, s *bubbleServer) {
			body := &lateBody{wait: after, text: strings.NewReader("{}")}
			r, err := http.NewRequestWithContext(t.Context(), "POST", s.url(), body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = 2
			start := time.Now()
			resp, err := s.client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if took := time.Since(start); took > bodyGrace {
				t.Errorf("body after %v: response after %v, want %v at most", after, took, bodyGrace)
			}
			if resp.Close != closes {
				t.Errorf("body after %v: closes is %v, want %v", after, resp.Close, closes)
			}
			time.Sleep(after) // until the body has been sent
		})
	}
}

// A lateBody is a body that arrives after a delay.
type lateBody struct {
	wait time.Duration
	text *strings.Reader
}

func (b *lateBody) Read(p []byte) (int, error) {
	time.Sleep(b.wait)
	b.wait = 0
	return b.text.Read(p)
}

// A sourceConn is one end of a pipe with a given remote address.
type sourceConn struct {
	net.Conn
	from string
}

func (c sourceConn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.from), 1))
}

// join opens n connections from an address, each of which must get a place at
// once, and returns the last one.
func join(t *testing.T, l *ConnLimit, n int, from string) (last *limitedConn) {
	t.Helper()
	for i := range n {
		_, server := net.Pipe()
		last = &limitedConn{Conn: sourceConn{server, from}, limit: l}
		if wait := l.tryEnter(last); wait > 0 {
			t.Fatalf("connection %d from %s would wait %v", i+1, from, wait)
		}
	}
	return last
}

// held returns the number of places of a source.
func held(l *ConnLimit, from string) int {
	s := l.sources[sourceOf(sourceConn{nil, from})]
	if s == nil {
		return 0
	}
	return s.conns.Len()
}

// TestGreedySourceGivesWay checks that only connections of the source with the
// most are closed for others, and at once.
func TestGreedySourceGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewConnLimit(64) // 2 of them kept for new sources, 4 make no source greedy
		join(t, l, 4, "192.0.2.1")
		time.Sleep(time.Minute) // these wait longest
		join(t, l, 58, "192.0.2.66")
		if wait := l.tryEnter(&limitedConn{Conn: sourceConn{nil, "192.0.2.66"}, limit: l}); wait <= 0 {
			t.Error("the greedy source got a place at the cost of another at once")
		}
		join(t, l, 2, "192.0.2.2") // reserved places, then at the cost of the greedy source
		join(t, l, 10, "2001:db8::1")
		join(t, l, 10, "2001:db8::ffff") // the same network
		for from, want := range map[string]int{"192.0.2.1": 4, "192.0.2.2": 2, "2001:db8::": 20, "192.0.2.66": 64 - 26} {
			if got := held(l, from); got != want {
				t.Errorf("%s holds %d places, want %d", from, got, want)
			}
		}
		time.Sleep(connWait)
		join(t, l, 5, "192.0.2.66") // replaces its own connections
		if got := held(l, "192.0.2.1"); got != 4 {
			t.Errorf("a source that holds few has %d places, want 4", got)
		}
		for l.conns.Len() > 0 {
			l.leave(l.conns.Front().Value.(*limitedConn))
		}
		if len(l.sources) != 0 || len(l.greedy) != 0 {
			t.Errorf("%d sources and %d greedy ones are left of no connection", len(l.sources), len(l.greedy))
		}
	})
}

// TestKeptPlaces checks that a health check gets a place while all others are
// occupied by requests that are being served.
func TestKeptPlaces(t *testing.T) {
	l := NewConnLimit(64)
	for range 62 {
		join(t, l, 1, "192.0.2.66").addBusy(1)
	}
	if wait := l.tryEnter(&limitedConn{Conn: sourceConn{nil, "192.0.2.66"}, limit: l}); wait <= 0 {
		t.Error("a kept place went to a source that holds others")
	}
	join(t, l, 1, "192.0.2.1")
}

// TestCrowd checks that many clients that all send at once are all served. None
// is closed because there are many, and each that ends frees its place at once.
func TestCrowd(t *testing.T) {
	serveLimited(t, 2, true, serveOK(t), func(t *testing.T, s *bubbleServer) {
		start := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				client := s.client()
				s.get(t, client)
				client.CloseIdleConnections()
			})
		}
		wg.Wait()
		if took := time.Since(start); took > 0 {
			t.Errorf("somebody waited %v for a place that was free", took)
		}
	})
}

// TestCloseWithoutPlace checks that Close does not wait for a place.
func TestCloseWithoutPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newPipeListener()
		l := newLimitedListener(inner, NewConnLimit(1))
		go func() {
			for range 2 {
				_, _ = inner.dial(t.Context(), "", "")
			}
		}()
		first, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		first.(*limitedConn).addBusy(1)
		second := make(chan error)
		go func() {
			_, err := l.Accept()
			second <- err
		}()
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := <-second; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept = %v, want %v", err, net.ErrClosed)
		}
	})
}

// TestCloseTwice checks that a connection that is closed twice frees one place.
func TestCloseTwice(t *testing.T) {
	limit := NewConnLimit(2)
	var conns []*limitedConn
	for range 2 {
		_, server := net.Pipe()
		c := &limitedConn{Conn: server, limit: limit}
		if wait := limit.tryEnter(c); wait != 0 {
			t.Fatalf("no place for %d connections", len(conns)+1)
		}
		conns = append(conns, c)
	}
	_ = conns[0].Close()
	_ = conns[0].Close()
	conns[0].state(http.StateIdle) // arrives late
	if got := limit.conns.Len(); got != 1 {
		t.Errorf("%d connections have a place, want 1", got)
	}
}

func TestConnsOf(t *testing.T) {
	tests := []struct {
		files uint64
		want  int // 0 for an error
	}{
		{0, 0},
		{leastFiles - 1, 0},
		{leastFiles, leastFiles / 2},
		{1024, 512},
		{4096, 4096 - keptFiles},
		{16384, 12288},
		{1 << 20, mostConns},
		{math.MaxUint64, mostConns}, // no limit
	}
	for _, tt := range tests {
		got, err := connsOf(tt.files)
		if got != tt.want || (err != nil) != (tt.want == 0) {
			t.Errorf("connsOf(%d) = %d, %v, want %d", tt.files, got, err, tt.want)
		}
	}
}
