package httpx

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A settingConn counts how often its deadlines are set.
type settingConn struct {
	net.Conn
	sets *atomic.Int32
}

func (c settingConn) SetReadDeadline(t time.Time) error {
	c.sets.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c settingConn) SetWriteDeadline(t time.Time) error {
	c.sets.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

// TestLazyDeadlines reads and writes on a connection whose other end does
// nothing. Each call must time out as on any other connection.
func TestLazyDeadlines(t *testing.T) {
	const second = time.Second
	set := func(t *testing.T, set func(time.Time) error, after time.Duration) {
		t.Helper()
		at := time.Time{}
		if after != 0 {
			at = time.Now().Add(after)
		}
		if err := set(at); err != nil {
			t.Error(err)
		}
	}
	for _, test := range []struct {
		name string
		sets func(set func(after time.Duration)) // 0 is no deadline
		took time.Duration                       // duration of the read or write
	}{
		{"set before", func(set func(time.Duration)) { set(5 * second) }, 5 * second},
		{"in the past", func(set func(time.Duration)) { set(-second) }, 0},
		{"moved forward before", func(set func(time.Duration)) { set(9 * second); set(5 * second) }, 5 * second},
		{"moved back before", func(set func(time.Duration)) { set(5 * second); set(9 * second) }, 9 * second},
		{"set during", func(set func(time.Duration)) { go func() { time.Sleep(second); set(second) }() }, 2 * second},
		{"moved forward during", func(set func(time.Duration)) { set(9 * second); go func() { time.Sleep(second); set(-1) }() }, second},
		{"moved back during", func(set func(time.Duration)) { set(5 * second); go func() { time.Sleep(second); set(9 * second) }() }, 10 * second},
		{"lifted during, set again", func(set func(time.Duration)) {
			set(5 * second)
			go func() { time.Sleep(second); set(0); time.Sleep(9 * second); set(second) }()
		}, 11 * second},
	} {
		for _, reads := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				inner, other := net.Pipe()
				defer other.Close()
				c := newLazyConn(inner)
				defer c.Close()
				side, do := c.SetReadDeadline, c.Read
				if !reads {
					side, do = c.SetWriteDeadline, c.Write
				}
				for range 2 { // the second begins with the state that the first left
					start := time.Now()
					set(t, side, 0)
					test.sets(func(after time.Duration) { set(t, side, after) })
					_, err := do(make([]byte, 1))
					if took := time.Since(start); took != test.took || !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("%s, reads %v: %v after %v, want a time-out after %v", test.name, reads, err, took, test.took)
					}
				}
			})
		}
	}
}

// TestWriteSlack checks that a write keeps a deadline that is slightly earlier
// than the wanted one, and no other.
func TestWriteSlack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, other := net.Pipe()
		defer other.Close()
		go func() { _, _ = io.Copy(io.Discard, other) }()
		var sets atomic.Int32
		c := newLazyConn(settingConn{inner, &sets})
		defer c.Close()
		start := time.Now()
		for _, step := range []struct {
			after time.Duration // from the start; 0 is none
			want  int32
		}{
			{30 * time.Second, 1},
			{30*time.Second + writeSlack, 1},
			{30*time.Second + writeSlack + 1, 2},
			{30*time.Second + writeSlack, 3}, // never later than wanted
			{0, 4},
			{0, 4},
			{30 * time.Second, 5},
		} {
			at := time.Time{}
			if step.after > 0 {
				at = start.Add(step.after)
			}
			if err := c.SetWriteDeadline(at); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte("x")); err != nil || sets.Load() != step.want {
				t.Errorf("a write until %v: %v, deadlines set %d times, want %d", step.after, err, sets.Load(), step.want)
			}
		}
	})
}

// TestFewDeadlines serves requests with all deadlines of net/http. Most of
// these are never set on the connection.
func TestFewDeadlines(t *testing.T) {
	var sets atomic.Int32
	s := startServerOn(t, false, func(l net.Listener) net.Listener { return settingListener{l, &sets} }, serveOK(t))
	c := s.dial(t, "")
	r := bufio.NewReader(c)
	const requests = 50
	for range requests {
		if _, err := io.WriteString(c, knownPOST); err != nil {
			t.Fatal(err)
		}
		if _, body := readResponse(t, r); body != "/a" {
			t.Fatalf("body %q", body)
		}
	}
	if n := sets.Load(); n > 3*requests+2 { // the first sets two more
		t.Errorf("deadlines set %d times in %d requests, want at most 3 in each", n, requests)
	}
}

// TestLazyCloseWrite shuts down only the writing side.
func TestLazyCloseWrite(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	inner, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := newLazyConn(inner)
	defer c.Close()
	if err := closeWrite(c); err != nil {
		t.Fatal(err)
	}
	if err := client.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the client reads %d bytes, %v, want the end", n, err)
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("then %d bytes are read, %v, want 1", n, err)
	}
}

type settingListener struct {
	net.Listener
	sets *atomic.Int32
}

func (l settingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return settingConn{c, l.sets}, err
}
