package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestExecSignals passes a signal on to the program, and reports a signal that ended it.
func TestExecSignals(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, script string
		signal       syscall.Signal
		want         int
	}{
		{"handled", `tail -f /dev/null & trap 'kill $!; exit 5' TERM; echo ready; wait`, syscall.SIGTERM, 5},
		{"not handled", `echo ready; exec tail -f /dev/null`, syscall.SIGUSR1, 128 + int(syscall.SIGUSR1)},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // only limits a hang
		defer cancel()
		cmd := exec.CommandContext(ctx, exe, "exec", "--", "sh", "-c", tt.script)
		cmd.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+t.TempDir())
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
			t.Errorf("%s: %q, %v", tt.name, line, err)
		}
		if err := cmd.Process.Signal(tt.signal); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // the exit code is compared
		if got := cmd.ProcessState.ExitCode(); got != tt.want {
			t.Errorf("%s: exit code %d, want %d", tt.name, got, tt.want)
		}
		for _, v := range cmd.Env {
			if dir, ok := strings.CutPrefix(v, "TMPDIR="); ok {
				if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
					t.Errorf("%s: %v are left, %v", tt.name, left, err)
				}
			}
		}
	}
}

// TestEndedBefore checks that a signal before the start of the program keeps it from
// being started.
func TestEndedBefore(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	cmd := exec.Command("sh", "-c", "exit 3")
	if code, err := runProgram(&environment{}, cmd, signals); code != 128+int(syscall.SIGTERM) || err != nil || cmd.Process != nil {
		t.Errorf("exit code %d, %v, process %v", code, err, cmd.Process)
	}
	if code, err := runProgram(&environment{}, cmd, signals); code != 3 || err != nil {
		t.Errorf("without a signal: exit code %d, %v", code, err)
	}
}
