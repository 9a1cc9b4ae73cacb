package pgtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process is a server that this test process started. It ends with it.
type process struct {
	name string
	cmd  *exec.Cmd
	quit syscall.Signal // stops the server
	log  string         // file with the output
	done chan struct{}  // closed when the process has ended
}

// launch starts a program with its output in dir. The signal quit stops it.
func launch(dir string, quit syscall.Signal, program string, args ...string) (*process, error) {
	p := &process{name: filepath.Base(program), quit: quit, log: filepath.Join(dir, filepath.Base(program)+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if p.cmd, err = command(dir, program, args...); err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // only the end matters
		close(p.done)
	}()
	servers.add(p)
	return p, nil
}

// run calls a program and waits for its end. The error contains its output.
func run(dir, program string, args ...string) error {
	cmd, err := command(dir, program, args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, out)
	}
	return nil
}

// command returns a command in dir, of the user of the servers, in a process group of its
// own, without the settings of the caller for PostgreSQL.
func command(dir, program string, args ...string) (*exec.Cmd, error) {
	owner, err := owner()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "PG") && !strings.HasPrefix(setting, "LC_") {
			cmd.Env = append(cmd.Env, setting)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C", "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setpgid: true}
	return cmd, nil
}

// owner returns the user of the servers, or nil for the user of the tests. PostgreSQL
// refuses to run as root.
func owner() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

// own gives a file to the user of the servers.
func own(name string) error {
	owner, err := owner()
	if err != nil || owner == nil {
		return err
	}
	return os.Chown(name, int(owner.Uid), int(owner.Gid))
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop ends the process and waits for its end.
func (p *process) stop() error {
	if p.ended() {
		return nil
	}
	if err := p.cmd.Process.Signal(p.quit); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(startTime):
		_ = p.cmd.Process.Kill() // the error below says enough
		return p.failed("does not stop")
	}
}

// kill ends the process and all processes below it, as a loss of power would.
func (p *process) kill() error {
	if err := killTree(p.cmd.Process.Pid); err != nil {
		return err
	}
	<-p.done
	return nil
}

// failed returns an error with the end of the log.
func (p *process) failed(what string) error {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return err
	}
	const most = 4 << 10
	return fmt.Errorf("%s %s; its log:\n%s", p.name, what, log[max(0, len(log)-most):])
}

// A missingError means that a program is not installed.
type missingError string

// Error implements error.
func (program missingError) Error() string {
	return string(program) + " is not installed; tools/setup installs it"
}

// find returns the path of a program. Programs of administrators need not be in PATH.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	if path, err := exec.LookPath("/usr/sbin/" + program); err == nil {
		return path, nil
	}
	return "", missingError(program)
}

// failStart ends a test because a server did not start. A missing program skips it, except
// on CI.
func failStart(tb testing.TB, server string, err error) {
	tb.Helper()
	if _, missing := errors.AsType[missingError](err); missing && os.Getenv("CI") != "true" {
		tb.Skip(err)
	}
	tb.Fatalf("start %s: %v", server, err)
}

// stopAtEnd stops a server when tb ends.
func stopAtEnd(tb testing.TB, p *process) {
	tb.Cleanup(func() {
		if err := p.stop(); err != nil {
			tb.Error(err)
		}
	})
}

// write creates a file that the servers can read.
func write(name, text string) error {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return err
	}
	return own(name)
}

// appendTo adds a text to a file that exists.
func appendTo(name, text string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// address returns the address of a port of this machine.
func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
