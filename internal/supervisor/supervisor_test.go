package supervisor

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listen opens the socket of a supervisor and names it in the environment. It returns a
// function that reads one message.
func listen(t *testing.T, name string) (read func() string) {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return func() string {
		t.Helper()
		b := make([]byte, 4096)
		_ = c.SetReadDeadline(time.Now().Add(time.Minute)) // a failure shows as an error of Read
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

func newLogger() (*slog.Logger, *bytes.Buffer) {
	b := new(bytes.Buffer)
	return slog.New(slog.NewTextHandler(b, nil)), b
}

// TestMessages sends every message to a socket in the file system, and to an abstract one.
func TestMessages(t *testing.T) {
	for kind, name := range map[string]string{
		"file":     filepath.Join(t.TempDir(), "notify"),
		"abstract": "@rollcall-test-" + strconv.Itoa(os.Getpid()),
	} {
		t.Run(kind, func(t *testing.T) {
			read := listen(t, name)
			lg, log := newLogger()
			s := New(lg)
			for _, tt := range []struct {
				send func()
				want string
			}{
				{func() { s.Starting("opening", time.Minute) }, `STATUS=opening\nEXTEND_TIMEOUT_USEC=60000000`},
				{func() { s.Ready("two\nlines") }, `READY=1\nSTATUS=two lines`},
				{func() { s.Reloading() }, `RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+\n`},
				{func() { s.Stopping("draining", 1500*time.Millisecond) }, `STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=1500000`},
				{func() { s.Alive() }, `WATCHDOG=1`},
			} {
				tt.send()
				if got := read(); !regexp.MustCompile("^" + tt.want + "$").MatchString(got) {
					t.Errorf("message %q, want %q", got, tt.want)
				}
			}
			if log.Len() > 0 {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// TestNobody sends messages without a supervisor, and to one that has gone.
func TestNobody(t *testing.T) {
	var none *Supervisor
	none.Ready("")
	if got := none.Watchdog(); got != 0 {
		t.Errorf("Watchdog = %v", got)
	}
	lg, log := newLogger()
	t.Setenv("NOTIFY_SOCKET", "")
	New(lg).Ready("")
	if log.Len() > 0 {
		t.Errorf("log without a supervisor: %s", log)
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	New(lg).Ready("")
	if !strings.Contains(log.String(), "check NOTIFY_SOCKET") {
		t.Errorf("log: %s", log)
	}
}

func TestWatchdog(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, tt := range []struct {
		usec, pid string
		want      time.Duration
		warned    bool
	}{
		{"", "", 0, false},
		{"3000000", "", 3 * time.Second, false},
		{"3000000", own, 3 * time.Second, false},
		{"3000000", "1", 0, false},
		{"soon", own, 0, true},
		{"-1", own, 0, true},
	} {
		t.Setenv("WATCHDOG_USEC", tt.usec)
		t.Setenv("WATCHDOG_PID", tt.pid)
		lg, log := newLogger()
		if got := New(lg).Watchdog(); got != tt.want || (log.Len() > 0) != tt.warned {
			t.Errorf("%s µs for %q: %v, log %q", tt.usec, tt.pid, got, log)
		}
	}
}
