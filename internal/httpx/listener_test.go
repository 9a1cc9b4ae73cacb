package httpx

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// A testServer serves a handler on a Listener.
type testServer struct {
	addr string
	log  *logBuffer
	tls  *tls.Config // configuration of clients; nil without TLS
}

// startServer serves h, over TLS if secure, until the test ends.
func startServer(t *testing.T, secure bool, h http.Handler) *testServer {
	t.Helper()
	return startServerOn(t, secure, func(l net.Listener) net.Listener { return l }, h)
}

// startServerOn is like startServer, on the listener that wrap returns for a
// TCP listener.
func startServerOn(t *testing.T, secure bool, wrap func(net.Listener) net.Listener, h http.Handler) *testServer {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{addr: inner.Addr().String()}
	o := ListenerOptions{FaultResponse: func(f Fault) (http.Header, []byte) {
		return http.Header{"X-Own": {"a header of ours"}}, fmt.Appendf(nil, `{"Status":%d,"Reason":%q}`, f.Status, f.Reason)
	}}
	o.Logger, s.log = newLog()
	if secure {
		o.TLS, s.tls = selfSigned(t)
	}
	srv := &http.Server{Handler: h, MaxHeaderBytes: 4 << 10, ReadHeaderTimeout: time.Minute, ReadTimeout: 2 * time.Minute, WriteTimeout: 3 * time.Minute, IdleTimeout: 4 * time.Minute}
	done := make(chan error, 1)
	ln := NewListener(wrap(inner), o)
	go func() { done <- ln.Serve(srv) }()
	t.Cleanup(func() {
		// The context of the test has ended; this one waits for all connections.
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown = %v", err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve = %v, want %v", err, http.ErrServerClosed)
		}
	})
	return s
}

// dial opens an HTTP/1 connection to s and sends request.
func (s *testServer) dial(t *testing.T, request string) net.Conn {
	t.Helper()
	var c net.Conn
	var err error
	if s.tls != nil {
		config := s.tls.Clone()
		config.NextProtos = []string{"http/1.1"}
		c, err = tls.Dial("tcp", s.addr, config)
	} else {
		c, err = net.Dial("tcp", s.addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c
}

// readResponse reads one response from r.
func readResponse(t *testing.T, r *bufio.Reader) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// checkRefusal checks that the next and last response in r is that of the fault
// want.
func (s *testServer) checkRefusal(t *testing.T, r *bufio.Reader, want Fault) {
	t.Helper()
	resp, body := readResponse(t, r)
	if wantBody := fmt.Sprintf(`{"Status":%d,"Reason":%q}`, want.Status, want.Reason); body != wantBody {
		t.Errorf("body = %s, want %s", body, wantBody)
	}
	id := resp.Header.Get(RequestIDHeader)
	if resp.Status != "200 OK" || len(id) != requestIDLen || !resp.Close || resp.ContentLength != int64(len(body)) {
		t.Errorf("response = %+v, want 200, an id, a length, and the connection to close", resp)
	}
	if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil {
		t.Errorf("date: %v", err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type = %q", got)
	}
	if got := resp.Header.Get("X-Own"); got != "a header of ours" {
		t.Errorf("X-Own = %q, want the header of FaultResponse", got)
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("after the response: %q, %v, want the end", rest, err)
	}
	wantLog := fmt.Sprintf(`"request_id":"%s","fault":%d,"reason":"%s"`, id, want.Status, want.Reason)
	if !strings.Contains(s.log.String(), wantLog) {
		t.Errorf("the log lacks %s", wantLog)
	}
}

// serveOK responds to every request with its path.
func serveOK(t *testing.T) http.Handler {
	lg, _ := newLog()
	return Handler(lg, known(func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, r.URL.Path)
		return err
	}), respondError)
}

// known returns h for callers with a genuine credential.
func known(h HandlerFunc) HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		EventFrom(r.Context()).Known()
		return h(w, r)
	}
}

// requestFaults are requests that net/http refuses by itself.
var requestFaults = map[string]struct {
	request string
	want    Fault
}{
	"bad path escape":    {"POST /v4/%zz HTTP/1.1\r\nHost: x\r\n\r\n", Fault{Status: 400, Reason: "Bad Request"}},
	"no request":         {"hello\r\n\r\n", Fault{Status: 400, Reason: "Bad Request"}},
	"no host":            {"POST / HTTP/1.1\r\n\r\n", Fault{Status: 400, Reason: "Bad Request: missing required Host header"}},
	"malformed host":     {"POST / HTTP/1.1\r\nHost: a b\r\n\r\n", Fault{Status: 400, Reason: "Bad Request: malformed Host header"}},
	"header name":        {"POST / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", Fault{Status: 400, Reason: "Bad Request: invalid header name"}},
	"header, no colon":   {"POST / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", Fault{Status: 400, Reason: "Bad Request"}},
	"header value":       {"POST / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n", Fault{Status: 400, Reason: "Bad Request"}},
	"unknown expect":     {"POST / HTTP/1.1\r\nHost: x\r\nExpect: rain\r\n\r\n", Fault{Status: 417, Reason: "Expectation Failed"}},
	"expect on HTTP/1.0": {"POST / HTTP/1.0\r\nExpect: rain\r\n\r\n", Fault{Status: 417, Reason: "Expectation Failed"}},
	"expect with a body": {"POST / HTTP/1.1\r\nHost: x\r\nExpect: rain\r\nContent-Length: 5\r\n\r\n12345", Fault{Status: 417, Reason: "Expectation Failed"}},
	"large header":       {"POST / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 32<<10) + "\r\n\r\n", Fault{Status: 431, Reason: "Request Header Fields Too Large"}},
	"unknown encoding":   {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n" + strings.Repeat("a", 32<<10), Fault{Status: 501, Reason: "Not Implemented"}},
	"unknown version":    {"POST / HTTP/3.0\r\nHost: x\r\n\r\n", Fault{Status: 505, Reason: "HTTP Version Not Supported: unsupported protocol version"}},
	"content length":     {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", Fault{Status: 400, Reason: "Bad Request"}},
}

// TestFaults sends each fault as the first request of a connection, after
// another request, and in one packet behind two others.
func TestFaults(t *testing.T) {
	const good = "GET /good HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, secure := range []bool{false, true} {
		s := startServer(t, secure, serveOK(t))
		for name, tt := range requestFaults {
			t.Run(fmt.Sprintf("%s/tls=%t", name, secure), func(t *testing.T) {
				s.checkRefusal(t, bufio.NewReader(s.dial(t, tt.request)), tt.want)

				c := s.dial(t, good)
				r := bufio.NewReader(c)
				checkGood(t, r)
				if _, err := io.WriteString(c, tt.request); err != nil {
					t.Fatal(err)
				}
				s.checkRefusal(t, r, tt.want)

				r = bufio.NewReader(s.dial(t, good+good+tt.request))
				checkGood(t, r)
				checkGood(t, r)
				s.checkRefusal(t, r, tt.want)
			})
		}
	}
}

// checkGood checks that the next response in r comes from serveOK.
func checkGood(t *testing.T, r *bufio.Reader) {
	t.Helper()
	resp, body := readResponse(t, r)
	if resp.StatusCode != http.StatusOK || body != "/good" || resp.Close {
		t.Fatalf("got %d %q, want an ordinary response", resp.StatusCode, body)
	}
}

// TestResponsesPass checks that responses of handlers arrive unchanged,
// whatever they look like, even in pieces and when the next request has already
// arrived.
func TestResponsesPass(t *testing.T) {
	const lookalike = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n400 Bad Request"
	long := strings.Repeat("v", 10<<10)
	tests := map[string]struct {
		handler    HandlerFunc
		wantStatus int
		wantBody   string
	}{
		"error status of ours": {
			func(w http.ResponseWriter, _ *http.Request) error {
				w.WriteHeader(http.StatusNotFound)
				return nil
			}, 404, "",
		},
		"error status and a head in pieces": {
			func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("A-Long-One", long) // sorts before the request id
				w.WriteHeader(http.StatusInternalServerError)
				return nil
			}, 500, "",
		},
		"body that looks like a fault": {
			func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("Content-Length", fmt.Sprint(2*len(lookalike)))
				for range 2 {
					_, _ = io.WriteString(w, lookalike)
					_ = http.NewResponseController(w).Flush()
				}
				return nil
			}, 200, lookalike + lookalike,
		},
		"body after 100-continue": {
			func(w http.ResponseWriter, r *http.Request) error {
				_, err := io.Copy(w, r.Body)
				return err
			}, 200, "12345",
		},
	}
	for name, tt := range tests {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/tls=%t", name, secure), func(t *testing.T) {
				lg, _ := newLog()
				s := startServer(t, secure, Handler(lg, known(tt.handler), respondError))
				request := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
				if strings.HasSuffix(name, "continue") {
					request = strings.Replace(request, "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1)
				}
				r := bufio.NewReader(s.dial(t, request+request+request))
				for range 3 {
					resp, body := readResponse(t, r)
					if resp.StatusCode == http.StatusContinue {
						resp, body = readResponse(t, r)
					}
					if resp.StatusCode != tt.wantStatus || body != tt.wantBody {
						t.Fatalf("got %d %q, want %d %q", resp.StatusCode, body, tt.wantStatus, tt.wantBody)
					}
				}
				if got := s.log.String(); got != "" {
					t.Errorf("log = %s, want no fault", got)
				}
			})
		}
	}
}

// TestResponseWithoutID checks that an error response that did not pass through
// [Handler] is replaced completely, even if it takes many writes.
func TestResponseWithoutID(t *testing.T) {
	s := startServer(t, false, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, strings.Repeat("page not found ", 10_000))
	}))
	r := bufio.NewReader(s.dial(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	s.checkRefusal(t, r, Fault{Status: 404, Reason: "Not Found"})
}

// TestServe checks that "OPTIONS *" reaches the handler, and that a ConnState
// that was set before is called.
func TestServe(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lg, _ := newLog()
	states := make(chan http.ConnState, 10)
	srv := &http.Server{Handler: serveOK(t), ConnState: func(_ net.Conn, s http.ConnState) { states <- s }}
	done := make(chan error, 1)
	go func() { done <- NewListener(inner, ListenerOptions{Logger: lg}).Serve(srv) }()
	s := &testServer{addr: inner.Addr().String()}
	_, body := readResponse(t, bufio.NewReader(s.dial(t, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")))
	if body != "*" {
		t.Errorf("body = %q, want that of the handler", body)
	}
	var got []http.ConnState
	for range 3 {
		got = append(got, <-states)
	}
	want := []http.ConnState{http.StateNew, http.StateActive, http.StateClosed}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	srv.Close()
	<-done
}

// TestListenerClose closes a Listener in each of its states.
func TestListenerClose(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for name, prepare := range map[string]func(*testing.T, *Listener){
			"never accepted": func(*testing.T, *Listener) {},
			"accepting": func(t *testing.T, l *Listener) {
				dialing, accepted := make(chan struct{}), make(chan error, 1)
				go func() {
					close(dialing)
					_, err := l.Accept()
					accepted <- err
				}()
				<-dialing
				t.Cleanup(func() {
					if err := <-accepted; !errors.Is(err, net.ErrClosed) {
						t.Errorf("Accept = %v, want %v", err, net.ErrClosed)
					}
				})
			},
		} {
			t.Run(fmt.Sprintf("%s/tls=%t", name, secure), func(t *testing.T) {
				t.Cleanup(func() { goleak.VerifyNone(t, goleak.IgnoreCurrent()) })
				inner, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				var o ListenerOptions
				if o.Logger, _ = newLog(); secure {
					o.TLS, _ = selfSigned(t)
				}
				l := NewListener(inner, o)
				prepare(t, l)
				if err := l.Close(); err != nil {
					t.Errorf("Close = %v", err)
				}
				if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Accept after Close = %v, want %v", err, net.ErrClosed)
				}
				if err := l.Close(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("second Close = %v, want %v", err, net.ErrClosed)
				}
			})
		}
	}
}
