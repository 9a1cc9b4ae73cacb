package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/internal/testutil"
)

// freePort returns a port of 127.0.0.1 on which nobody listens.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// A proxy is a running HAProxy.
type proxy struct {
	url    string
	socket string // for its statistics
}

// proxyConfig is the configuration of docs/operations.md with other addresses and times, and
// without the attempts with another node, which would hide calls that fail.
const proxyConfig = `
global
    stats socket %[1]s mode 600
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
    retries 0
frontend accounts
    bind 127.0.0.1:%[2]d
    default_backend rollcall
backend rollcall
    option httpchk GET /readyz
    http-check expect status 200
    timeout check 30s
    default-server check inter 200ms fall 2 rise 2
    server a 127.0.0.1:%[3]d
    server b 127.0.0.1:%[4]d
`

// startProxy starts a HAProxy in front of two nodes. It ends with the test.
func startProxy(t *testing.T, a, b int) *proxy {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/haproxy"); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip("haproxy is not installed; tools/setup installs it")
		}
	}
	dir, err := os.MkdirTemp("", "proxy") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	port, log := freePort(t), new(testutil.Buffer)
	p := &proxy{fmt.Sprintf("http://127.0.0.1:%d", port), filepath.Join(dir, "socket")}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, proxyConfig, p.socket, port, a, b), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-db", "-f", file)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // its worker ends with it
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("haproxy:\n%s", log)
		}
	})
	eventually(t, "socket of haproxy", func() bool { _, err := os.Stat(p.socket); return err == nil })
	return p
}

// waitUp waits until the proxy sends calls to a node, "a" or "b".
func (p *proxy) waitUp(t *testing.T, node string) {
	t.Helper()
	eventually(t, "node "+node+" in haproxy", func() bool { return strings.HasPrefix(p.status(t, node), "UP") })
}

// status returns what HAProxy thinks of a node, as "UP 1/2".
func (p *proxy) status(t *testing.T, node string) string {
	t.Helper()
	c, err := net.Dial("unix", p.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "show stat\n"); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(c).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row[0] == "rollcall" && row[1] == node {
			return row[17]
		}
	}
	t.Fatalf("haproxy has no node %s", node)
	return ""
}
