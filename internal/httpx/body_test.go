package httpx

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadBody(t *testing.T) {
	large := strings.Repeat("x", 3*keepBuffer)
	tests := map[string]struct {
		body    string
		length  int64 // announced; -1 is chunked
		limit   int64
		wantErr error
	}{
		"empty":                       {body: "", length: 0, limit: 10},
		"empty, chunked":              {body: "", length: -1, limit: 10},
		"at the limit":                {body: "0123456789", length: 10, limit: 10},
		"at the limit, chunked":       {body: "0123456789", length: -1, limit: 10},
		"over the limit":              {body: "0123456789a", length: 11, limit: 10, wantErr: &BodyTooLargeError{10}},
		"over the limit, chunked":     {body: "0123456789a", length: -1, limit: 10, wantErr: &BodyTooLargeError{10}},
		"announced over the limit":    {body: "0", length: 11, limit: 10, wantErr: &BodyTooLargeError{10}},
		"far over the limit, chunked": {body: large, length: -1, limit: 10, wantErr: &BodyTooLargeError{10}},
		"larger than a new buffer":    {body: large[:newBuffer+1], length: -1, limit: 1 << 20},
		"larger than a kept buffer":   {body: large, length: -1, limit: 1 << 20},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader(tt.body)))
			r.ContentLength = tt.length
			b, err := ReadBody(r, tt.limit)
			if diff := cmp.Diff(tt.wantErr, err); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			if err != nil {
				return
			}
			defer b.Free()
			if got := string(b.Bytes()); got != tt.body {
				t.Errorf("got %d bytes, want %d", len(got), len(tt.body))
			}
		})
	}
}

// TestReadBodyReuse checks that a body leaves no bytes in the next one, and
// that a second Free does not give the same memory to two requests.
func TestReadBodyReuse(t *testing.T) {
	read := func(s string) *Body {
		t.Helper()
		b, err := ReadBody(httptest.NewRequest("POST", "/", strings.NewReader(s)), 100)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for range 100 {
		first := read("a long first body")
		first.Free()
		first.Free()
		second, third := read("second"), read("third")
		if got := string(second.Bytes()) + " " + string(third.Bytes()); got != "second third" {
			t.Fatalf("got %q, want %q", got, "second third")
		}
		second.Free()
		third.Free()
	}
}

// serveLength returns a server that responds with the length of the body, which
// may have a million bytes, or with the kind of error.
func serveLength(t *testing.T) *httptest.Server {
	t.Helper()
	lg, log := newLog()
	ts := httptest.NewServer(Handler(lg, func(w http.ResponseWriter, r *http.Request) error {
		b, err := ReadBody(r, 1e6)
		if err != nil {
			return err
		}
		defer b.Free()
		_, err = fmt.Fprint(w, len(b.Bytes()))
		return err
	}, func(w http.ResponseWriter, _ *http.Request, err error) slog.Level {
		if _, ok := errors.AsType[*BodyTooLargeError](err); ok {
			_, _ = io.WriteString(w, "too large")
		} else {
			fmt.Fprint(w, "unreadable: ", errors.Is(err, io.ErrUnexpectedEOF))
		}
		return slog.LevelWarn
	}))
	t.Cleanup(func() {
		ts.Close()
		t.Logf("log:\n%s", log)
	})
	return ts
}

// TestReadBodyOfLiars sends bodies that differ from their announced length.
func TestReadBodyOfLiars(t *testing.T) {
	ts := serveLength(t)
	tests := map[string]struct{ request, want string }{
		"honest":                 {"Content-Length: 5\r\n\r\n12345", "5"},
		"shorter than announced": {"Content-Length: 500\r\n\r\n12345", "unreadable: true"},
		"chunks cut short":       {"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", "unreadable: true"},
		"chunks not chunked":     {"Transfer-Encoding: chunked\r\n\r\n12345", "unreadable: true"},
		"chunk size no number":   {"Transfer-Encoding: chunked\r\n\r\nzz\r\n12345", "unreadable: false"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", ts.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\n"+tt.request)
			_ = c.(*net.TCPConn).CloseWrite()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// TestBodyTooLargeCloses sends large bodies completely. The client must be able
// to read the response, and the connection must end.
func TestBodyTooLargeCloses(t *testing.T) {
	ts := serveLength(t)
	body := bytes.Repeat([]byte("x"), 5e6)
	for name, r := range map[string]io.Reader{
		"announced": bytes.NewReader(body),
		"chunked":   io.MultiReader(bytes.NewReader(body)),
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := ts.Client().Post(ts.URL, "application/json", r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || string(got) != "too large" {
				t.Errorf("got %q, %v, want %q", got, err, "too large")
			}
			if !resp.Close {
				t.Error("the connection stays open")
			}
		})
	}
}

func TestReadBodyCountsBytes(t *testing.T) {
	lg, log := newLog()
	h := Handler(lg, func(_ http.ResponseWriter, r *http.Request) error {
		b, err := ReadBody(r, 100)
		if err != nil {
			return err
		}
		b.Free()
		return nil
	}, respondError)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader("12345")))
	if got := log.one(t)["bytes_in"]; got != 5.0 {
		t.Errorf("bytes_in = %v, want 5", got)
	}
}
