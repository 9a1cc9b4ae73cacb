package logbuf

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A sink keeps each write as one string.
type sink struct {
	mu     sync.Mutex
	writes []string
	err    error         // result of every write
	stuck  chan struct{} // if not nil, writes block until it is closed
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	stuck := s.stuck
	s.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	s.writes = append(s.writes, string(p))
	return len(p), nil
}

func (s *sink) setErr(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// check compares all writes with want after everything has settled. It must be
// called in a synctest bubble.
func (s *sink) check(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.writes); diff != "" {
		t.Fatalf("writes (-want +got):\n%s", diff)
	}
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.writes, "")
}

// newLog returns a logger through a Handler to s. Its lines are like
// "level=INFO msg=a".
func newLog(s io.Writer) (*slog.Logger, *Handler) {
	h := New(s, func(w io.Writer) slog.Handler {
		return slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})
	})
	return slog.New(h), h
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		lg, _ := newLog(s)
		lg.Info("a") // after silence
		s.check(t, "level=INFO msg=a\n")
		lg.Info("b")
		lg.Info("c")
		time.Sleep(delay - 1)
		s.check(t, "level=INFO msg=a\n")
		time.Sleep(time.Nanosecond)
		s.check(t, "level=INFO msg=a\n", "level=INFO msg=b\nlevel=INFO msg=c\n")
		lg.Info("d")
		time.Sleep(10 * delay)
		lg.Info("e") // after silence
		s.check(t, "level=INFO msg=a\n", "level=INFO msg=b\nlevel=INFO msg=c\n", "level=INFO msg=d\n", "level=INFO msg=e\n")
	})
}

func TestUrgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		lg, _ := newLog(s)
		lg.Info("a")
		synctest.Wait()
		lg.Info("b")
		lg.Warn("c") // such as refusals, of which there may be thousands a second
		s.check(t, "level=INFO msg=a\n")
		lg.Error("d")
		s.check(t, "level=INFO msg=a\n", "level=INFO msg=b\nlevel=WARN msg=c\nlevel=ERROR msg=d\n")
	})
}

func TestEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		lg, _ := newLog(s)
		lg.Info("a")
		synctest.Wait()
		lg.Info(strings.Repeat("x", enough))
		synctest.Wait()
		if got := len(s.writes); got != 2 {
			t.Errorf("%d writes, want 2", got)
		}
	})
}

func TestDerived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		lg, h := newLog(s)
		lg.With("k", 1).Info("a")
		synctest.Wait()
		lg.WithGroup("g").With("k", 2).Info("b", "l", 3)
		h.Close()
		s.check(t, "level=INFO msg=a k=1\n", "level=INFO msg=b g.k=2 g.l=3\n")
	})
}

// TestStuck logs more than fits while nobody reads.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{stuck: make(chan struct{})}
		lg, h := newLog(s)
		lg.Error("first") // blocks
		synctest.Wait()
		const lines = 20
		for range lines {
			lg.Error(strings.Repeat("x", maxPending/10))
		}
		if got := len(h.b.pending); got > maxPending {
			t.Errorf("%d bytes wait, want at most %d", got, maxPending)
		}
		close(s.stuck)
		synctest.Wait()
		lg.Info("last")
		h.Close()
		kept := strings.Count(s.text(), "xxx\n")
		want := fmt.Sprintf("level=WARN msg=\"log lines dropped\" lines=%d\nlevel=INFO msg=last\n", lines-kept)
		if !strings.HasSuffix(s.text(), want) || kept == 0 || kept == lines {
			t.Errorf("%d of %d lines were kept; the log ends in %q, want %q", kept, lines, s.writes[len(s.writes)-1], want)
		}
	})
}

func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		s.setErr(errors.New("no space"))
		lg, _ := newLog(s)
		lg.Error("a")
		lg.Info("b")
		lg.Error("c")
		synctest.Wait()
		s.setErr(nil)
		lg.Error("d")
		synctest.Wait()
		lg.Error("e")
		s.check(t, "level=ERROR msg=d\n", "level=WARN msg=\"log lines dropped\" lines=3\nlevel=ERROR msg=e\n")
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		lg, h := newLog(s)
		h.Close() // there is nothing yet
		s.check(t)
		lg.Info("a")
		synctest.Wait()
		lg.Info("b")
		h.Close()
		s.check(t, "level=INFO msg=a\n", "level=INFO msg=b\n")
		lg.Info("c")
		s.check(t, "level=INFO msg=a\n", "level=INFO msg=b\n", "level=INFO msg=c\n")
	})
}

func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{stuck: make(chan struct{})}
		lg, h := newLog(s)
		lg.Info("a")
		synctest.Wait()
		lg.Info("b")
		start := time.Now()
		h.Close()
		if took := time.Since(start); took != closeTimeout {
			t.Errorf("Close took %v, want %v", took, closeTimeout)
		}
		close(s.stuck)
		synctest.Wait()
		s.check(t, "level=INFO msg=a\n", "level=INFO msg=b\n")
	})
}

// TestConcurrent checks that every line arrives once and complete, and that the
// lines of one goroutine stay in order.
func TestConcurrent(t *testing.T) {
	const goroutines, lines = 8, 500
	s := new(sink)
	lg, h := newLog(s)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for n := range lines {
				lg.Log(t.Context(), slog.Level(n%2*4), "line", "g", g, "n", n)
			}
		})
	}
	wg.Wait()
	h.Close()
	next := make([]int, goroutines)
	for line := range strings.Lines(s.text()) {
		var level string
		var g, n int
		if _, err := fmt.Sscanf(line, "level=%s msg=line g=%d n=%d\n", &level, &g, &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if n != next[g] {
			t.Fatalf("%q follows line %d", line, next[g]-1)
		}
		next[g]++
	}
	for g, n := range next {
		if n != lines {
			t.Errorf("%d lines of goroutine %d, want %d", n, g, lines)
		}
	}
}
