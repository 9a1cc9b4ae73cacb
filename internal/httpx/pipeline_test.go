package httpx

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// pipelineServer serves a handler that counts its calls, and notes that it knows
// the caller of each with a header Known.
func pipelineServer(t *testing.T, secure bool) (s *testServer, calls *atomic.Int32) {
	t.Helper()
	lg, _ := newLog()
	calls = new(atomic.Int32)
	return startServer(t, secure, Handler(lg, func(w http.ResponseWriter, r *http.Request) error {
		calls.Add(1)
		body, err := ReadBody(r, 1<<20)
		if err != nil {
			return err
		}
		defer body.Free()
		if r.Header.Get("Known") != "" {
			EventFrom(r.Context()).Known()
		}
		_, err = fmt.Fprintf(w, "%s %s", r.URL.Path, body.Bytes())
		return err
	}, nil)), calls
}

const (
	strangerGET  = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
	strangerPOST = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
	knownPOST    = "POST /a HTTP/1.1\r\nHost: x\r\nKnown: 1\r\nContent-Length: 3\r\n\r\nabc"
)

// A stranger's second request in one write is the last that is served. Its
// response arrives although more has been sent than anybody reads.
func TestPipelineOfStranger(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for _, request := range []string{strangerGET, strangerPOST} {
			s, calls := pipelineServer(t, secure)
			r := bufio.NewReader(s.dial(t, strings.Repeat(request, 200)))
			for i, end := range []bool{false, true} {
				if resp, _ := readAnswer(t, r); resp.Close != end {
					t.Fatalf("tls %v: response %d ends the connection: %v, want %v", secure, i, resp.Close, end)
				}
			}
			if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
				t.Errorf("tls %v: then %q, %v; want the end", secure, rest, err)
			}
			if n := calls.Load(); n != 2 {
				t.Errorf("tls %v: %d requests were served, want 2", secure, n)
			}
		}
	}
}

// Who has shown a credential may send as many requests at once as he likes.
func TestPipelineOfKnown(t *testing.T) {
	s, _ := pipelineServer(t, false)
	r := bufio.NewReader(s.dial(t, strings.Repeat(knownPOST, 200)))
	for i := range 200 {
		if resp, body := readAnswer(t, r); resp.Close || body != "/a abc" {
			t.Fatalf("response %d: %q, ends the connection: %v", i, body, resp.Close)
		}
	}
}

// A stranger who waits for each response keeps the connection, also with a body
// that arrives after its header.
func TestKeepAliveOfStranger(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s, _ := pipelineServer(t, secure)
		c := s.dial(t, "")
		r := bufio.NewReader(c)
		for i := range 100 {
			request := []string{strangerGET, strangerPOST, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat("a", 9000)}[i%3]
			head, body, _ := strings.Cut(request, "\r\n\r\n")
			for _, part := range []string{head + "\r\n\r\n", body} {
				if _, err := io.WriteString(c, part); err != nil {
					t.Fatal(err)
				}
			}
			if resp, _ := readAnswer(t, r); resp.Close {
				t.Fatalf("tls %v: response %d ends the connection", secure, i)
			}
		}
	}
}

// A connection whose next request is always there lets others run: after each
// request that was pipelined, and after a few that were not.
func TestYield(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, test := range []struct {
		arrives   bool
		responses int
	}{{false, 1}, {true, yieldEvery}} {
		c := newConn(nil, nil)
		var ran atomic.Bool
		go ran.Store(true)
		for range test.responses {
			c.arrived.Store(test.arrives)
			c.state(http.StateActive)
			c.state(http.StateIdle)
		}
		if !ran.Load() {
			t.Errorf("arrives %v: nothing else ran during %d responses", test.arrives, test.responses)
		}
	}
}

// A server that is closed does not wait for connections that end gently.
func TestCloseGently(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	c := newConn(near, nil)
	c.rude.Store(true)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := near.Write(nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("after the second Close, a write gives %v", err)
	}
}
