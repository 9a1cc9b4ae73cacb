package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rollcall/internal/loadgen"
)

// A subject is a server that is measured.
type subject interface {
	// start starts it without any account, and returns when it takes calls.
	start(ctx context.Context) error

	// load runs o against it.
	load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error)

	// pids returns the processes whose CPU time is the server's; that of their
	// children counts too.
	pids() []int

	// putsOff returns how long the server may wait, without taking any CPU time, before
	// it does what a workload has caused.
	putsOff(workload string) time.Duration

	// stop ends it and removes its data.
	stop() error
}

// stopTime is how long a server may take to end after a signal.
const stopTime = time.Minute

// A process is a server that speaks HTTP.
type process struct {
	dir   string // of its own; made by start, removed by stop
	args  []string
	keeps bool                             // accounts can be found again
	url   func(line string) (string, bool) // from a line of its output, once it takes calls

	cmd     *exec.Cmd
	address string
}

// start starts the process in an empty folder.
func (p *process) start(ctx context.Context) error {
	if err := os.RemoveAll(p.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	return p.launch(ctx)
}

// launch starts the process on what its folder holds and waits until it takes
// calls. Its standard error goes to a file beside its data.
func (p *process) launch(ctx context.Context) error {
	log, err := os.Create(p.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopTime
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url, ok := p.url(lines.Text()); ok {
			p.address = url
			return nil
		}
	}
	err = p.cmd.Wait()
	text, _ := os.ReadFile(p.logFile())
	return fmt.Errorf("%s did not start: %w\n%s", strings.Join(p.args, " "), err, text)
}

func (p *process) logFile() string { return filepath.Clean(p.dir) + ".log" }

func (p *process) load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error) {
	o.URL, o.Verify = p.address, p.keeps
	return loadgen.Run(ctx, o)
}

func (p *process) putsOff(string) time.Duration { return quietLook }

func (p *process) pids() []int { return []int{p.cmd.Process.Pid} }

// end ends the process by sig and waits for it.
func (p *process) end(sig os.Signal) error {
	if p.cmd == nil || p.cmd.Process == nil || p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = p.cmd.Wait() // what counts is that it has ended
	return nil
}

func (p *process) stop() error {
	return errors.Join(p.end(syscall.SIGTERM), os.RemoveAll(p.dir), removeIfThere(p.logFile()))
}

func removeIfThere(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
