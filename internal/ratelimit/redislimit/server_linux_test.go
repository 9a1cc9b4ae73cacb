package redislimit

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// A redisServer is a process of redis-server on a port of its own.
type redisServer struct {
	tb   testing.TB
	port int
	args []string
	cmd  *exec.Cmd
}

// startRedis starts a server with further arguments. It ends with the test.
func startRedis(tb testing.TB, args ...string) *redisServer {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatal(err)
		}
		tb.Skip("redis-server is not installed")
	}
	port := freePort(tb)
	r := &redisServer{tb: tb, port: port, args: append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", tb.TempDir(), "--daemonize", "no",
	}, args...)}
	r.start()
	tb.Cleanup(r.kill)
	return r
}

// freePort returns a port on which nobody listens.
func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (r *redisServer) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

func (r *redisServer) url() string { return "redis://" + r.addr() }

// start starts the process and waits until it listens.
func (r *redisServer) start() {
	r.tb.Helper()
	log, err := os.Create(filepath.Join(r.tb.TempDir(), "redis.log"))
	if err != nil {
		r.tb.Fatal(err)
	}
	defer log.Close()
	r.cmd = exec.Command("redis-server", r.args...)
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		r.tb.Fatal(err)
	}
	eventually(r.tb, "redis-server listens", func() bool {
		c, err := net.Dial("tcp", r.addr())
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (r *redisServer) signal(s syscall.Signal) {
	r.tb.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.tb.Fatal(err)
	}
}

// kill ends the process as kill -9 does. It does nothing if the process has ended.
func (r *redisServer) kill() {
	if r.cmd != nil {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		r.cmd = nil
	}
}

// eventually waits until cond is true.
func eventually(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatal("it never happened: " + what)
		}
	}
}
