package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"rollcall/internal/intercept"
)

// forwarded are the signals that are passed on to the program.
var forwarded = []os.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
}

// run runs the program to its end, and returns its exit code.
func (s *execSession) run(command []string) (int, error) {
	cmd, err := exec.Command(command[0], command[1:]...), error(nil)
	if s.hosts {
		cmd, err = s.inside(command)
	}
	if err != nil {
		return 0, cannotRun(s.env, command[0], err)
	}
	cmd.Env = s.environ
	code, err := runProgram(s.env, cmd, s.signals)
	if err != nil {
		return 0, cannotRun(s.env, command[0], err)
	}
	return code, nil
}

// catchSignals returns a channel that receives the signals for the program. From then on
// they no longer end this process.
func catchSignals() (signals chan os.Signal, stop func()) {
	signals = make(chan os.Signal, len(forwarded))
	signal.Notify(signals, forwarded...)
	return signals, func() { signal.Stop(signals) }
}

// endedBefore returns the exit code after a signal that came before the program could be
// started, such as Ctrl-C. The other signals have nobody to go to.
func endedBefore(signals <-chan os.Signal) (code int, ended bool) {
	select {
	case sig := <-signals:
		return exitSignal + int(sig.(syscall.Signal)), true
	default:
		return 0, false
	}
}

// runProgram runs cmd to its end, passes signals on to it, and returns its exit code. The
// error is that of its start.
func runProgram(env *environment, cmd *exec.Cmd, signals <-chan os.Signal) (int, error) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.stdin, env.stdout, env.stderr
	if code, ended := endedBefore(signals); ended {
		return code, nil
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	orphans := make(chan os.Signal, 1)
	signal.Notify(orphans, syscall.SIGCHLD)
	defer signal.Stop(orphans)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case <-orphans:
			intercept.ReapOrphans(cmd.Process.Pid)
		case sig := <-signals:
			if !fromTerminal(sig) {
				_ = cmd.Process.Signal(sig) // it has ended if that fails
			}
		case err := <-ended:
			return codeOfProgram(err)
		}
	}
}

// codeOfProgram returns the exit code of a program whose end is err, as a shell does.
func codeOfProgram(err error) (int, error) {
	e, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return exitOK, err
	}
	if status, ok := e.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal()), nil
	}
	return e.ExitCode(), nil
}

// cannotRun says why a program could not be started.
func cannotRun(env *environment, program string, err error) error {
	code, text := exitCannotRun, fmt.Sprintf("%s cannot be run: %v", program, err)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code, text = exitNotFound, program+" is not found: correct its name"
	}
	fmt.Fprintln(env.stderr, "rollcall exec:", cleanLines(text))
	return &quietError{code}
}

// fromTerminal reports whether the terminal sent a signal, so that the program has got it
// already: the terminal sends such signals to the whole group of the foreground.
func fromTerminal(sig os.Signal) bool {
	if sig != syscall.SIGINT && sig != syscall.SIGQUIT {
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false // there is no terminal
	}
	defer tty.Close()
	return true
}
