package httpx

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// A countingListener counts the writes of its connections.
type countingListener struct {
	net.Listener
	writes *atomic.Int32
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.writes}, err
}

type countingConn struct {
	net.Conn
	writes *atomic.Int32
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func (c countingConn) CloseWrite() error { return closeWrite(c.Conn) }

// bodyOf returns n bytes that repeatedly contain the end of a header.
func bodyOf(n int) []byte {
	return bytes.Repeat([]byte("\r\n\r\n0123456789abcdef"), n/20+1)[:n]
}

// TestWholeResponses requests responses of many sizes, written in several ways,
// on one connection. Each must arrive as it was written. For responses with a
// Content-Length the number of writes is checked.
func TestWholeResponses(t *testing.T) {
	lg, _ := newLog()
	var writes atomic.Int32
	s := startServerOn(t, false, func(l net.Listener) net.Listener { return countingListener{l, &writes} },
		Handler(lg, known(func(w http.ResponseWriter, r *http.Request) error {
			n, _ := strconv.Atoi(r.FormValue("n"))
			body := bodyOf(n)
			switch r.URL.Path {
			case "/chunked":
				w.Header().Set("Trailer", "X-After")
			case "/parts":
				w.Header().Set("Content-Length", strconv.Itoa(n))
				_, err := w.Write(body[:n/2])
				if err != nil {
					return err
				}
				body = body[n/2:]
			case "/both": // net/http sends it in chunks
				w.Header().Set("Content-Length", strconv.Itoa(n))
				w.Header().Set("Transfer-Encoding", "chunked")
			case "/long":
				w.Header().Set("X-Long", strings.Repeat("x", 5000))
				w.Header().Set("Content-Length", strconv.Itoa(n))
			default:
				w.Header().Set("Content-Length", strconv.Itoa(n))
			}
			_, err := w.Write(body)
			return err
		}), nil))
	c := s.dial(t, "")
	r := bufio.NewReader(c)
	for _, n := range []int{0, 1, 2000, minWhole, minWhole + 1, 3700, 3900, 4000, 4096, 7000, 8192, 30000, maxWhole, maxWhole + 1, 200000} {
		for _, path := range []string{"/", "/chunked", "/parts", "/both", "/long"} {
			for _, method := range []string{"GET", "HEAD"} {
				writes.Store(0)
				if _, err := fmt.Fprintf(c, "%s %s?n=%d HTTP/1.1\r\nHost: x\r\n\r\n", method, path, n); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(r, &http.Request{Method: method})
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if want := bodyOf(n); err != nil || method == "GET" && !bytes.Equal(got, want) {
					t.Errorf("%s %s of %d bytes: %d bytes, %v, want what was written", method, path, n, len(got), err)
				}
				if path == "/" && n <= maxWhole && writes.Load() != 1 {
					t.Errorf("%s %s of %d bytes took %d writes, want 1", method, path, n, writes.Load())
				}
			}
		}
	}
}

// TestWholeResponsesToOthers checks that clients of HTTP/1.0 and clients that
// pipeline requests get complete responses.
func TestWholeResponsesToOthers(t *testing.T) {
	lg, _ := newLog()
	s := startServer(t, true, Handler(lg, known(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Length", "7000")
		_, err := w.Write(bodyOf(7000))
		return err
	}), nil))
	for _, request := range []string{"GET / HTTP/1.0\r\n\r\n", strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 9) + "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"} {
		r := bufio.NewReader(s.dial(t, request))
		for range strings.Count(request, "GET") {
			if _, got := readResponse(t, r); got != string(bodyOf(7000)) {
				t.Errorf("%.20q: %d bytes", request, len(got))
			}
		}
		if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
			t.Errorf("%.20q: then %d bytes, %v", request, len(rest), err)
		}
	}
}
