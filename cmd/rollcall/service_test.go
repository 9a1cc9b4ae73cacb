package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A notifySocket is the socket on which a supervisor receives messages.
type notifySocket struct {
	*net.UnixConn
	name string
}

func newNotifySocket(t *testing.T) *notifySocket {
	t.Helper()
	dir, err := os.MkdirTemp("", "rollcall") // a name in t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &notifySocket{name: filepath.Join(dir, "notify")}
	if s.UnixConn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.name, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// await reads messages until one begins with want, and returns it.
func (s *notifySocket) await(t *testing.T, want string) string {
	t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(time.Minute)) // a failure shows as an error of Read
	for b := make([]byte, 4096); ; {
		n, err := s.Read(b)
		if err != nil {
			t.Fatalf("no message %s: %v", want, err)
		}
		if strings.HasPrefix(string(b[:n]), want) {
			return string(b[:n])
		}
	}
}

// startNotifying starts a server on dir with variables in its environment.
func startNotifying(t *testing.T, dir string, variables []string, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// env sets the variables, because startCommand sets the environment.
	cmd := exec.Command("env", append(append(variables, exe), serveArgs(dir, args...)...)...)
	return startCommand(t, dir, cmd)
}

// TestNotify starts and stops a server with a supervisor that has a watchdog.
func TestNotify(t *testing.T) {
	s := newNotifySocket(t)
	p := startNotifying(t, t.TempDir(), []string{"NOTIFY_SOCKET=" + s.name, "WATCHDOG_USEC=400000"}, "--drain", "1s")
	s.await(t, "STATUS=opening the store\nEXTEND_TIMEOUT_USEC=3600000000")
	if got := s.await(t, "READY=1"); !strings.Contains(got, "serving "+p.context.URL) {
		t.Errorf("ready: %q", got)
	}
	for range 3 {
		s.await(t, "WATCHDOG=1")
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.await(t, "STOPPING=1\nSTATUS=draining")
	if got := s.await(t, "STOPPING=1"); !strings.Contains(got, "EXTEND_TIMEOUT_USEC=15000000") {
		t.Errorf("the end: %q", got)
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("exit: %v\n%s", err, p.stderr)
	}
}
