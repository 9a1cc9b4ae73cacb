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
	// start starts the server without accounts. It returns when the server
	// accepts calls.
	start(ctx context.Context) error

	// load runs o on the server.
	load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error)

	// pids returns the processes whose CPU time is that of the server. The CPU
	// time of their children counts, too.
	pids() []int

	// defersFor returns how long the server may wait, without using CPU time,
	// before it does work that a workload has caused.
	defersFor(workload string) time.Duration

	// stop ends the server and removes its data.
	stop() error
}

// stopTime is the maximum time that a server may take to end after a signal.
const stopTime = time.Minute

// A process is a server with HTTP.
type process struct {
	dir   string // its own directory; created by start, removed by stop
	args  []string
	keeps bool                             // whether it stores accounts
	url   func(line string) (string, bool) // returns its URL from a line of its output, once it accepts calls

	cmd     *exec.Cmd
	address string
}

// start starts the process in an empty directory.
func (p *process) start(ctx context.Context) error {
	if err := os.RemoveAll(p.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	return p.launch(ctx)
}

// launch starts the process with the data in its directory and waits until it
// accepts calls. Its standard error is written to a file beside its data.
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

func (p *process) defersFor(string) time.Duration { return quietLook }

func (p *process) pids() []int { return []int{p.cmd.Process.Pid} }

// end sends sig to the process and waits for its end.
func (p *process) end(sig os.Signal) error {
	if p.cmd == nil || p.cmd.Process == nil || p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = p.cmd.Wait() // only its end matters
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
