package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	return startCommand(t, dir, envCommand(variables, append([]string{exe}, serveArgs(dir, args...)...)...))
}

// envCommand returns a command with variables in its environment. The program env sets them,
// because startCommand replaces the environment of the command itself.
func envCommand(variables []string, command ...string) *exec.Cmd {
	return exec.Command("env", slices.Concat(variables, command)...)
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

// activated returns a command that starts a server on dir with sockets under names, as a
// supervisor does. The names are separated by colons.
func activated(t *testing.T, dir, names string, sockets []net.Listener, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const script = `export LISTEN_PID=$$ LISTEN_FDS=$0 LISTEN_FDNAMES=$1; shift; exec "$@"`
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute) // for a server that starts against the rules
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", script, strconv.Itoa(len(sockets)), names, exe, "serve", "--data", dir}, args...)...)
	for _, l := range sockets {
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() }) // the process has a copy
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	return cmd
}

// openSocket opens a socket as a supervisor does.
func openSocket(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestSocketActivation starts a server on a socket that is open already. A client that
// connects while the server restarts waits, and is then served.
func TestSocketActivation(t *testing.T) {
	dir, socket := t.TempDir(), openSocket(t, "tcp", "127.0.0.1:0")
	p := startCommand(t, dir, activated(t, dir, "rollcall-api", []net.Listener{socket}, "--listen", "127.0.0.1:1"))
	if want := "http://" + socket.Addr().String(); p.context.URL != want {
		t.Fatalf("the server is at %s, want %s", p.context.URL, want)
	}
	check := func(p *process) {
		t.Helper()
		var ack struct{ ActionStatus string }
		if err := p.call(http.DefaultClient, "account_import", `{"UserID":"alice"}`, &ack); err != nil || ack.ActionStatus != "OK" {
			t.Errorf("import: %+v, %v", ack, err)
		}
	}
	check(p)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("exit: %v\n%s", err, p.stderr)
	}
	http.DefaultClient.CloseIdleConnections()
	var waiting sync.WaitGroup
	waiting.Go(func() { check(p) })
	startCommand(t, dir, activated(t, dir, "rollcall-api", []net.Listener{socket}))
	waiting.Wait()
}

// TestSocketOfAdmins passes both sockets. The server is not a developer's then: the address
// of the account API serves no admins.
func TestSocketOfAdmins(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "app.key")
	if err := os.WriteFile(key, []byte(strings.Repeat("k", 64)), 0o600); err != nil {
		t.Fatal(err)
	}
	api, admin := openSocket(t, "tcp", "127.0.0.1:0"), openSocket(t, "tcp", "127.0.0.1:0")
	startCommand(t, dir, activated(t, dir, "rollcall-api:rollcall-admin", []net.Listener{api, admin}, "--sdkappid", "1400000007", "--key-file", key))
	for addr, want := range map[string]int{api.Addr().String(): http.StatusNotFound, admin.Addr().String(): http.StatusOK} {
		resp, err := http.Get("http://" + addr + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // nothing is read
		if resp.StatusCode != want {
			t.Errorf("/metrics at %s: %s, want %d", addr, resp.Status, want)
		}
	}
}

// TestSocketsRefused passes sockets that a server must not use. It does not start.
func TestSocketsRefused(t *testing.T) {
	loopback := func(t *testing.T) net.Listener { return openSocket(t, "tcp", "127.0.0.1:0") }
	everywhere := func(t *testing.T) net.Listener { return openSocket(t, "tcp", "0.0.0.0:0") }
	local := func(t *testing.T) net.Listener {
		dir, err := os.MkdirTemp("", "rollcall")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return openSocket(t, "unix", filepath.Join(dir, "s"))
	}
	for name, tt := range map[string]struct {
		names   string
		sockets []func(*testing.T) net.Listener
		args    []string
		want    string
	}{
		"another name":       {"http", []func(*testing.T) net.Listener{loopback}, nil, `the name "http": set FileDescriptorName=rollcall-api`},
		"no name":            {"", []func(*testing.T) net.Listener{loopback}, nil, `the name "LISTEN_FD_3": set FileDescriptorName=`},
		"the same name":      {"rollcall-api:rollcall-api", []func(*testing.T) net.Listener{loopback, loopback}, nil, "two sockets with the name rollcall-api"},
		"another family":     {"rollcall-api", []func(*testing.T) net.Listener{local}, nil, "which is not of TCP"},
		"from outside":       {"rollcall-api", []func(*testing.T) net.Listener{everywhere}, []string{"--listen", "127.0.0.1:0"}, "can be reached from outside: give --tls-cert and --tls-key"},
		"admin from outside": {"rollcall-admin", []func(*testing.T) net.Listener{everywhere}, nil, "can be reached from outside: choose a loopback address"},
		"admin is off":       {"rollcall-admin", []func(*testing.T) net.Listener{loopback}, []string{"--admin-listen", "off"}, "--admin-listen is off, but the supervisor passed a socket"},
	} {
		t.Run(name, func(t *testing.T) {
			var sockets []net.Listener
			for _, open := range tt.sockets {
				sockets = append(sockets, open(t))
			}
			dir := t.TempDir()
			cmd := activated(t, filepath.Join(dir, "data"), tt.names, sockets, tt.args...)
			cmd.Env = servedBy(t, dir)
			out, err := cmd.CombinedOutput()
			if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), tt.want) {
				t.Errorf("%v, %s\nwant %q", err, out, tt.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
				t.Error("the server made its data directory")
			}
		})
	}
}
