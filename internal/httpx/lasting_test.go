package httpx

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// events returns the events of the log with these keys, one per line.
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

// A runner is a Listener that runs until stop is called.
type runner struct {
	addr string
	log  *logBuffer
	stop context.CancelFunc
	done chan error
}

// run serves h on inner with the limit conns. At the end it has a grace time.
func run(t *testing.T, inner net.Listener, conns *ConnLimit, h HandlerFunc) *runner {
	t.Helper()
	s := &runner{addr: inner.Addr().String(), done: make(chan error, 1)}
	o := ListenerOptions{Conns: conns, FaultResponse: func(Fault) (http.Header, []byte) { return nil, nil }}
	o.Logger, s.log = newLog()
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	srv := &http.Server{Handler: Handler(o.Logger, h, respondError), ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	go func() { s.done <- NewListener(inner, o).Run(ctx, srv, grace, func(err error) { t.Error(err) }) }()
	return s
}

const grace = 10 * time.Second

// listen returns a TCP listener.
func listen(t *testing.T) net.Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return inner
}

// echo takes the connection over and returns each line. First it sends a
// greeting that looks like a fault of net/http.
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

// expect reads want from r.
func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("read %q, %v; want %q", b, err, want)
	}
}

// TestGoOn checks that a connection goes on in another goroutine after its
// handler has returned, with the event of its exchange, and that Run waits for
// that goroutine even if the connection is closed already.
func TestGoOn(t *testing.T) {
	for name, test := range map[string]struct {
		end  func() error
		last string
	}{
		"it ends":   {func() error { return nil }, "connection INFO over <nil>"},
		"it fails":  {func() error { return errors.New("that was asked for") }, "connection ERROR over that was asked for"},
		"it panics": {func() error { panic("that was asked for") }, "connection ERROR over panic: that was asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			returned, closed, end := make(chan struct{}), make(chan struct{}), make(chan struct{})
			s := run(t, listen(t), nil, func(w http.ResponseWriter, r *http.Request) error {
				defer close(returned)
				event := EventFrom(r.Context())
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return err
				}
				return GoOn(w, func() error {
					<-returned
					_, _ = io.WriteString(c, "on\n")
					c.Close()
					close(closed)
					<-end
					event.Add(slog.String("word", "over"))
					return test.end()
				})
			})
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, dialLink); err != nil {
				t.Fatal(err)
			}
			expect(t, c, "on\n")
			<-closed
			s.stop()
			select {
			case err := <-s.done:
				t.Errorf("Run did not wait: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			close(end)
			if err := <-s.done; err != nil {
				t.Error(err)
			}
			events := s.log.events(t, "msg", "level", "word", "err")
			if got := events[len(events)-1]; got != test.last {
				t.Errorf("the last event is %q, want %q", got, test.last)
			}
		})
	}
}

// TestTakeOver checks that a connection that was taken over occupies no place
// of an InFlight, has its own event, and carries only what its handler writes.
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

// TestStream checks that a stream outlives the timeouts of the server if its
// handler extends them, occupies no place of an InFlight, and has its own
// event.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inFlight, inner, next := NewInFlight(1, 0), newPipeListener(), make(chan string)
		s := run(t, inner, NewConnLimit(2), inFlight.Wrap(func(w http.ResponseWriter, r *http.Request) error {
			EventFrom(r.Context()).SetPath("/lines")
			if err := Stream(w); err != nil {
				return err
			}
			for line := range next {
				if err := Extend(w, time.Second/2); err != nil {
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
			for _, pause := range []time.Duration{time.Hour, time.Second, time.Hour} {
				time.Sleep(pause)
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
		want := []string{"request /lines 0 0", "stream /lines 15 7.201e+06"}
		if got := s.log.events(t, "msg", "path", "bytes_out", "took_ms"); !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}

// TestEndOfLasting checks that streams and connections that were taken over are
// notified at the end, and cut off after the grace time if they do not end. A
// connection may outlive its handler.
func TestEndOfLasting(t *testing.T) {
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

// TestEndWithoutGrace checks that an end without grace time cuts nothing off if
// nothing runs.
func TestEndWithoutGrace(t *testing.T) {
	for range 50 {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := NewListener(newPipeListener(), ListenerOptions{}).Run(ctx, &http.Server{}, 0, func(error) {}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLimitOfLasting checks that streams and connections that were taken over
// have at most half of the places and are not closed for others.
func TestLimitOfLasting(t *testing.T) {
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
				t.Errorf("%s over the limit: %v, want the response of the error function", path, err)
			}
			time.Sleep(time.Hour) // longer than connWait
			defer c.Close()
		}
		if got := strings.Count(s.log.String(), "2 requests are being served already: streams and connections"); got != 2 {
			t.Errorf("%d refusals, want 2", got)
		}
		for range 10 { // clients that try to occupy every place
			c, err := inner.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			time.Sleep(2 * connWait)
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

// TestLastingHTTP2 checks that HTTP/2 has streams, but no connections to take
// over.
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
	}, respondError))
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
