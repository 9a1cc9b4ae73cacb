package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/testutil"
)

// startTime is how long a server may take to start or to stop.
const startTime = 2 * time.Minute

// A kit contains the folder and the processes of a test process.
type kit struct {
	mu      sync.Mutex
	dir     string     // parent of all folders; empty until the first is needed
	guard   io.Closer  // see guard
	running []*process // in the order of their starts
	folders int
}

// servers is the kit of this test process.
var servers kit

// Main runs the tests of a package, stops the servers of this process, and exits. It
// includes [testutil.Main].
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is [Main] without the exit. It returns the exit code.
func Run(m *testing.M) int {
	code := testutil.Run(m)
	if err := errors.Join(shared.end(), servers.stop()); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	return code
}

// folder returns a new folder that the user of the servers owns.
func (k *kit) folder(name string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dir == "" {
		dir, err := os.MkdirTemp("", "pgtest-")
		if err != nil {
			return "", err
		}
		if k.guard, err = guard(dir); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
		k.dir = dir
		if err := os.Chmod(dir, 0o711); err != nil {
			return "", err
		}
	}
	k.folders++
	dir := filepath.Join(k.dir, name+strconv.Itoa(k.folders))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return dir, own(dir)
}

// A guard's script waits for the end of its input. Then it ends all processes that work
// below a folder, and removes the folder. PostgreSQL frees its shared memory after SIGQUIT.
const guardScript = `cat >/dev/null
workers() { ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -F -- " -> $1/" | sed 's,.* /proc/\([0-9]*\)/cwd -> .*,\1,'; }
for round in $(seq 100); do
	pids=$(workers "$1")
	[ "$pids" ] || { rm -rf -- "$1"; exit; }
	[ "$round" -lt 20 ] && signal=QUIT || signal=KILL
	kill -"$signal" $pids
	sleep 0.1
done 2>/dev/null`

// guard starts a shell that ends the servers and removes dir when the result is closed or
// this process has ended, however it ends. The kernel's way to do so, Pdeathsig, does not
// reach the servers that Patroni starts.
func guard(dir string) (io.Closer, error) {
	cmd := exec.Command("/bin/sh", "-c", guardScript, "sh", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C ends only this process
	end, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = cmd.Wait() }() // only the end of the shell matters
	return end, nil
}

// add records a process that [kit.stop] has to stop.
func (k *kit) add(p *process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = append(slices.DeleteFunc(k.running, (*process).ended), p)
}

// stop ends all processes, the newest first, and removes the folder.
func (k *kit) stop() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	for _, p := range slices.Backward(k.running) {
		errs = append(errs, p.stop())
	}
	if k.dir != "" {
		errs = append(errs, os.RemoveAll(k.dir), k.guard.Close())
	}
	k.running, k.dir = nil, ""
	return errors.Join(errs...)
}

// await calls try until it succeeds, p ends, or startTime has passed.
func await(p *process, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.failed("ended while it started")
		case <-ctx.Done():
			return errors.Join(p.failed("does not respond"), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
