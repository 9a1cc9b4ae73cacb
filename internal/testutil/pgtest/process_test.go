package pgtest

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hangVariable makes this test binary start servers and wait.
const hangVariable = "PGTEST_HANG"

// TestHang is run by TestKilledBinary.
func TestHang(t *testing.T) {
	if os.Getenv(hangVariable) == "" {
		t.Skip("a part of TestKilledBinary")
	}
	Pooled(t, URL(t))
	Redis(t)
	println(servers.dir)
	select {}
}

// TestKilledBinary checks that the servers of a killed test binary end, and that its
// files are removed.
func TestKilledBinary(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestHang$")
	cmd.Env = append(os.Environ(), hangVariable+"=1", "CI=true")
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	dir := strings.TrimSpace(line)
	if err != nil || !filepath.IsAbs(dir) {
		t.Fatalf("the other process prints %q, %v", line, err)
	}
	if n := len(workers(t, dir)); n < 5 {
		t.Errorf("only %d processes work below %s", n, dir)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	eventually(t, "the folder "+dir+" is removed", func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, fs.ErrNotExist)
	})
	if left := workers(t, dir); len(left) > 0 {
		t.Errorf("processes %q are left", left)
	}
}

// workers returns the processes that work below a folder.
func workers(t *testing.T, dir string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd+"/", dir+"/") {
			found = append(found, filepath.Base(filepath.Dir(link)))
		}
	}
	return found
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startTime); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not true in time: %s", what)
		}
	}
}

// TestPort checks that a port stays reserved and can be used by a server that shares it.
func TestPort(t *testing.T) {
	seen := map[int]bool{}
	for range 100 {
		p, err := port()
		if err != nil {
			t.Fatal(err)
		}
		if seen[p] {
			t.Fatalf("port %d is given twice", p)
		}
		seen[p] = true
	}
	for p := range seen {
		for range 2 {
			l, err := net.Listen("tcp", address(p)) // sets SO_REUSEADDR
			if err != nil {
				t.Fatal(err)
			}
			if _, err := net.Listen("tcp", address(p)); err == nil {
				t.Fatal("two servers listen on a port")
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 1000 { // the kernel gives a reserved port to nobody
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if p := l.Addr().(*net.TCPAddr).Port; seen[p] {
			t.Fatalf("the reserved port %d is given to another", p)
		}
	}
}

// TestKillTree checks that processes below a killed one end with it.
func TestKillTree(t *testing.T) {
	dir, err := servers.folder("tree")
	if err != nil {
		t.Fatal(err)
	}
	p, err := launch(dir, syscall.SIGTERM, "/bin/sh", "-c", "sh -c 'sleep 1000 & wait' & sleep 1000")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "four processes run", func() bool { return len(workers(t, dir)) == 4 })
	if err := p.kill(); err != nil {
		t.Fatal(err)
	}
	if left := workers(t, dir); len(left) > 0 {
		t.Errorf("processes %q are left", left)
	}
}
