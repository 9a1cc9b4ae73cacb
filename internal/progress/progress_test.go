package progress

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A log collects what a bar writes.
type log struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out log
		b := New(&out, Options{Verb: "importing", Unit: "rows"})
		b.Set(State{TotalBytes: 1000})
		time.Sleep(4 * time.Second)
		b.Set(State{Bytes: 400, TotalBytes: 1000, Rows: 40, Failed: 3, Retries: 2, Note: "limited to 10 calls/s"})
		time.Sleep(time.Second)
		synctest.Wait()
		var got line
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Fatal(err, out.String())
		}
		want := line{"importing", 40, 3, 2, 8, 40, 7, 5, "limited to 10 calls/s"}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		time.Sleep(10 * time.Second)
		b.Close()
		if n := strings.Count(out.String(), "\n"); n != 3 && n != 2 { // Close can come with the third
			t.Errorf("%d lines after 15 seconds: %q", n, out.String())
		}
	})
}

func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out log
		b := New(&out, Options{Verb: "importing", Unit: "rows", Quiet: true, Terminal: true})
		b.Set(State{Rows: 1})
		time.Sleep(time.Minute)
		b.Close()
		if out.String() != "" {
			t.Errorf("wrote %q", out.String())
		}
	})
}

// TestBar checks what a terminal receives, and that Close removes the line.
func TestBar(t *testing.T) {
	var out log
	b := New(&out, Options{Verb: "importing", Unit: "rows", Terminal: true})
	b.Set(State{Bytes: 500, TotalBytes: 1000, Rows: 1_234_567, Failed: 12, Note: "waiting for the server"})
	b.Above(func(w io.Writer) { _, _ = io.WriteString(w, "a line above\n") })
	for !strings.Contains(out.String(), "importing") { // until the first redraw
		time.Sleep(time.Millisecond)
	}
	b.Close()
	for _, want := range []string{"importing  50% ", " 1,234,567 rows", "12 rejected", "waiting for", "a line above\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
	if !strings.HasSuffix(out.String(), "\x1b[J") && !strings.HasSuffix(out.String(), "\x1b[K") {
		t.Errorf("the line stays: %q", out.String())
	}
}

// TestSetWhileDrawing checks that no update waits for the bar, which waits for its texts.
func TestSetWhileDrawing(t *testing.T) {
	var out log
	b := New(&out, Options{Verb: "importing", Unit: "rows", Terminal: true})
	for n := int64(0); strings.Count(out.String(), "importing") < 3; n++ {
		for range 1000 {
			b.Set(State{Bytes: n, TotalBytes: 1 << 40, Rows: n})
		}
	}
	b.Close()
}

// TestResumed checks that the rate does not count what an earlier command has done, and
// that it follows a change within the window.
func TestResumed(t *testing.T) {
	at := time.Unix(0, 0)
	p := pace{start: at}
	s := State{Rows: 1_000_000, Bytes: 10_000_000, TotalBytes: 20_000_000}
	p.add(at, s)
	for range 60 {
		at = at.Add(time.Second)
		s.Rows, s.Bytes = s.Rows+100, s.Bytes+1000
		p.add(at, s)
	}
	if r := p.report(at, s); r.rate != 100 || r.eta != 9940*time.Second {
		t.Errorf("got %+v", r)
	}
	if r := p.report(at.Add(stalled), s); r.eta != 0 || r.rate >= 100 {
		t.Errorf("without progress: %+v", r)
	}
	for range 30 {
		at = at.Add(time.Second)
		s.Rows += 10
		p.add(at, s)
	}
	if r := p.report(at, s); r.rate != 10 || r.eta != 0 {
		t.Errorf("after a change: %+v", r)
	}
	if n := len(p.samples); n > int(window/sampleGap)+2 {
		t.Errorf("%d samples are kept", n)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1234 * time.Millisecond: "1.2s", 90 * time.Second: "1m30s", 3*time.Hour + 5*time.Minute: "3h05m", 50 * time.Hour: "50h00m",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
