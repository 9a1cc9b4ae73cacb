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

// pipelineServer serves a handler that counts its calls. A header Known means
// that the caller has a genuine credential.
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

// TestPipelineOfStranger checks that for a caller without a credential the
// second request in one write is the last that is served. Its response must
// arrive although more has been sent than the server reads.
func TestPipelineOfStranger(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for _, request := range []string{strangerGET, strangerPOST} {
			s, calls := pipelineServer(t, secure)
			r := bufio.NewReader(s.dial(t, strings.Repeat(request, 200)))
			for i, end := range []bool{false, true} {
				if resp, _ := readResponse(t, r); resp.Close != end {
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

// TestPipelineOfKnown checks that a caller with a genuine credential may send
// any number of requests at once.
func TestPipelineOfKnown(t *testing.T) {
	s, _ := pipelineServer(t, false)
	r := bufio.NewReader(s.dial(t, strings.Repeat(knownPOST, 200)))
	for i := range 200 {
		if resp, body := readResponse(t, r); resp.Close || body != "/a abc" {
			t.Fatalf("response %d: %q, ends the connection: %v", i, body, resp.Close)
		}
	}
}

// TestKeepAliveOfStranger checks that a caller without a credential that waits
// for each response keeps the connection, even if a body arrives after its
// header.
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
			if resp, _ := readResponse(t, r); resp.Close {
				t.Fatalf("tls %v: response %d ends the connection", secure, i)
			}
		}
	}
}

// TestYield checks that a connection whose next request has always arrived lets
// others run: after each pipelined request, and after a few others.
func TestYield(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, test := range []struct {
		arrives   bool
		responses int
	}{{false, 1}, {true, yieldEvery}} {
		const tries = 40 // the scheduler sometimes resumes the goroutine that yields
		others := 0
		for range tries {
			c := newConn(nil, nil)
			var ran atomic.Bool
			go ran.Store(true)
			for range test.responses {
				c.arrived.Store(test.arrives)
				c.state(http.StateActive)
				c.state(http.StateIdle)
			}
			if ran.Load() {
				others++
			}
		}
		if others < tries/2 {
			t.Errorf("arrives %v: something else ran during %d responses in %d of %d tries", test.arrives, test.responses, others, tries)
		}
	}
}

// TestCloseGently checks that closing a server does not wait for connections
// that linger.
func TestCloseGently(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	c := newConn(near, nil)
	c.linger.Store(true)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := near.Write(nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("after the second Close, a write gives %v", err)
	}
}
