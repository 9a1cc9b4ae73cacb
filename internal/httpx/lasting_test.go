package httpx

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// events returns the events of the log with these keys, one line each.
func (b *logBuffer) events(t *testing.T, keys ...string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(b.String()) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, key := range keys {
			parts = append(parts, fmt.Sprint(event[key]))
		}
		lines = append(lines, strings.Join(parts, " "))
	}
	return lines
}

// A runner is a Listener that runs until stop.
type runner struct {
	addr string
	log  *logBuffer
	stop context.CancelFunc
	done chan error
}

// run runs h behind inner, within the limit of conns and with grace at the end.
func run(t *testing.T, inner net.Listener, conns *ConnLimit, h HandlerFunc) *runner {
	t.Helper()
	s := &runner{addr: inner.Addr().String(), done: make(chan error, 1)}
	o := ListenerOptions{Conns: conns, FaultAnswer: func(Fault) (http.Header, []byte) { return nil, nil }}
	o.Logger, s.log = newLog()
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	srv := &http.Server{Handler: Handler(o.Logger, h, answerError), ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	go func() { s.done <- NewListener(inner, o).Run(ctx, srv, grace) }()
	return s
}

const grace = 10 * time.Second

// listen returns a listener of TCP.
func listen(t *testing.T) net.Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return inner
}

// echo takes the connection over and returns each line, after a greeting that looks
// like a fault of the library.
func echo(w http.ResponseWriter, r *http.Request) error {
	EventFrom(r.Context()).SetPath("/link")
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, greeting); err != nil {
		return err
	}
	for {
		line, err := rw.ReadString('\n')
		if err != nil {
			return nil
		}
		if line == "fail\n" {
			return errors.New("that was asked for")
		}
		if _, err := io.WriteString(c, line); err != nil {
			return err
		}
	}
}

const (
	greeting = "HTTP/1.1 400 Hello\r\n\r\n"
	dialLink = "GET /link HTTP/1.1\r\nHost: x\r\n\r\n"
)

// expect reads want.
func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("read %q, %v; want %q", b, err, want)
	}
}

// A connection that was taken over holds no place of an InFlight, has an event of its
// own, and nothing is written to it but by its handler.
func TestTakeOver(t *testing.T) {
	for name, test := range map[string]struct{ last, level string }{
		"the client ends": {"", "INFO"},
		"it fails":        {"fail\n", "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			inFlight := NewInFlight(1, 0)
			s := run(t, listen(t), NewConnLimit(4), inFlight.Wrap(echo))
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			// The first line comes with the request.
			if _, err := io.WriteString(c, dialLink+"one\n"); err != nil {
				t.Fatal(err)
			}
			expect(t, c, greeting+"one\n")
			if n := inFlight.Len(); n != 0 {
				t.Errorf("%d requests in flight, want none", n)
			}
			if _, err := io.WriteString(c, "two\n"); err != nil {
				t.Fatal(err)
			}
			expect(t, c, "two\n")
			if _, err := io.WriteString(c, test.last); err != nil {
				t.Fatal(err)
			}
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil {
				t.Errorf("then %q, %v; want the end", rest, err)
			}
			c.Close()
			s.stop()
			if err := <-s.done; err != nil {
				t.Error(err)
			}
			want := []string{
				"request INFO /link 101 0 0",
				fmt.Sprintf("connection %s /link 101 %d %d", test.level, 8+len(test.last), len(greeting)+8),
			}
			if got := s.log.events(t, "msg", "level", "path", "status", "bytes_in", "bytes_out"); !slices.Equal(got, want) {
				t.Errorf("events %q, want %q", got, want)
			}
			if ids := s.log.events(t, "request_id"); ids[0] != ids[1] {
				t.Errorf("request ids %q, want one", ids)
			}
		})
	}
}

// A stream outlives the timeouts of the server if its handler says so, holds no place
// of an InFlight, and has an event of its own.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inFlight, inner, next := NewInFlight(1, 0), newPipeListener(), make(chan string)
		s := run(t, inner, NewConnLimit(2), inFlight.Wrap(func(w http.ResponseWriter, r *http.Request) error {
			EventFrom(r.Context()).SetPath("/lines")
			if err := Stream(w); err != nil {
				return err
			}
			for line := range next {
				if err := Extend(w, time.Second); err != nil {
					return err
				}
				if _, err := io.WriteString(w, line); err != nil {
					return err
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					return err
				}
			}
			return nil
		}))
		c, err := inner.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET /lines HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		go func() {
			defer close(next)
			for range 3 {
				time.Sleep(time.Hour)
				next <- "line\n"
			}
		}()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := inFlight.Len(); n != 0 {
			t.Errorf("%d requests in flight, want none", n)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != "line\nline\nline\n" || err != nil {
			t.Errorf("read %q, %v", body, err)
		}
		c.Close()
		s.stop()
		if err := <-s.done; err != nil {
			t.Error(err)
		}
		want := []string{"request /lines 0 0", "stream /lines 15 1.08e+07"}
		if got := s.log.events(t, "msg", "path", "bytes_out", "took_ms"); !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}

// At the end what lasts is told, and what is deaf is cut off at the bound. A
// connection may outlive its handler.
func TestEndWhatLasts(t *testing.T) {
	handlers := map[string]HandlerFunc{
		"/link": func(w http.ResponseWriter, r *http.Request) error {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				ending := Ending(r.Context())
				go func() {
					defer c.Close()
					<-ending
					time.Sleep(grace / 2)
				}()
			}
			return err
		},
		"/lines": func(w http.ResponseWriter, r *http.Request) error {
			if err := Stream(w); err != nil {
				return err
			}
			<-Ending(r.Context())
			return nil
		},
		"/deaf": func(w http.ResponseWriter, r *http.Request) error {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, err = c.Read(make([]byte, 1))
			}
			return err
		},
		"/deaf lines": func(w http.ResponseWriter, r *http.Request) error {
			if err := Stream(w); err != nil {
				return err
			}
			<-r.Context().Done()
			return r.Context().Err()
		},
	}
	for name, test := range map[string]struct {
		paths []string
		took  time.Duration
		err   bool
		last  string // event
	}{
		"who listens": {[]string{"/lines", "/link"}, grace / 2, false, "connection INFO <nil>"},
		"a link":      {[]string{"/link", "/deaf"}, grace, true, "connection ERROR io: read/write on closed pipe"},
		"a stream":    {[]string{"/link", "/deaf%20lines"}, grace, true, "stream WARN context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := newPipeListener()
				s := run(t, inner, nil, func(w http.ResponseWriter, r *http.Request) error { return handlers[r.URL.Path](w, r) })
				for _, path := range test.paths {
					c, err := inner.dial(t.Context(), "", "")
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
						t.Fatal(err)
					}
					go func() { _, _ = io.Copy(io.Discard, c) }()
				}
				synctest.Wait()
				time.Sleep(time.Hour)
				start := time.Now()
				s.stop()
				err := <-s.done
				if took := time.Since(start).Round(time.Second); took != test.took || (err != nil) != test.err {
					t.Errorf("Run returned %v after %v, want after %v, an error: %v", err, took, test.took, test.err)
				}
				if got := s.log.events(t, "msg", "level", "err"); !slices.Contains(got, test.last) {
					t.Errorf("events %q, want %q among them", got, test.last)
				}
			})
		})
	}
}

// An end without any grace cuts nothing off where nothing is going on.
func TestEndWithoutGrace(t *testing.T) {
	for range 50 {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := NewListener(newPipeListener(), ListenerOptions{}).Run(ctx, &http.Server{}, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// What lasts takes half of the places at most, and gives way to none.
func TestLimitOfWhatLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newPipeListener()
		s := run(t, inner, NewConnLimit(4), func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == "/link" {
				return echo(w, r)
			}
			if err := Stream(w); err != nil {
				return err
			}
			err := http.NewResponseController(w).Flush()
			<-Ending(r.Context())
			return err
		})
		ask := func(path string) (net.Conn, *bufio.Reader) {
			c, err := inner.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
				t.Fatal(err)
			}
			return c, bufio.NewReader(c)
		}
		link, r := ask("/link")
		expect(t, r, greeting)
		stream, lines := ask("/lines")
		if _, err := http.ReadResponse(lines, nil); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/link", "/lines"} {
			c, r := ask(path)
			if resp, err := http.ReadResponse(r, nil); err != nil || resp.Header.Get(RequestIDHeader) == "" {
				t.Errorf("%s over the limit: %v, want the answer of the error function", path, err)
			}
			time.Sleep(time.Hour) // more than the patience with those that wait
			defer c.Close()
		}
		if got := strings.Count(s.log.String(), "2 requests are being served already: what lasts"); got != 2 {
			t.Errorf("%d refusals, want 2", got)
		}
		for range 10 { // strangers who take every place
			c, err := inner.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			time.Sleep(2 * connPatience)
		}
		if _, err := io.WriteString(link, "still here\n"); err != nil {
			t.Fatal(err)
		}
		expect(t, r, "still here\n")
		if isClosed(stream) {
			t.Error("the stream gave way")
		}
		link.Close()
		synctest.Wait()
		again, r := ask("/link")
		expect(t, r, greeting)
		again.Close()
		stream.Close()
		s.stop()
		if err := <-s.done; err != nil {
			t.Error(err)
		}
	})
}

// HTTP/2 has streams, and no connections to take over.
func TestLastingHTTP2(t *testing.T) {
	lg, log := newLog()
	s := startServer(t, true, Handler(lg, func(w http.ResponseWriter, r *http.Request) error {
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Hijack: %v, want that it is not supported", err)
		}
		if err := errors.Join(Stream(w), Extend(w, time.Minute), Extend(w, 0)); err != nil {
			return err
		}
		_, err := io.WriteString(w, r.Proto)
		return err
	}, answerError))
	tr := &http.Transport{TLSClientConfig: s.tls.Clone(), ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get("https://" + s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "HTTP/2.0" || err != nil {
		t.Errorf("read %q, %v", body, err)
	}
	if got := log.events(t, "msg", "level"); !slices.Equal(got, []string{"request INFO", "stream INFO"}) {
		t.Errorf("events %q", got)
	}
}
