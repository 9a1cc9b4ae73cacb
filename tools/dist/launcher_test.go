package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// interruptible is a program that counts interrupts until it is told to end.
const interruptible = `#!/usr/bin/env node
let interrupts = 0;
process.on('SIGINT', () => { interrupts++; console.log('interrupted'); });
process.on('SIGTERM', () => { console.log('interrupts: ' + interrupts); process.exit(0); });
setInterval(() => {}, 1e6);
console.log('launcher: ' + process.ppid);
`

// launcher installs the npm package rollcall with a program into a new directory, and returns
// its script.
func launcher(t *testing.T, program string) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		skip(t, "node is not installed")
	}
	modules := filepath.Join(t.TempDir(), "node_modules")
	files := map[string]string{npmName(own) + "/bin/rollcall": program}
	for _, name := range []string{"package.json", "index.js", "bin/rollcall.js"} {
		body, err := os.ReadFile(filepath.Join(root, npmDir, name))
		if err != nil {
			t.Fatal(err)
		}
		files["rollcall/"+name] = string(body)
	}
	for name, body := range files {
		file := filepath.Join(modules, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(body), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(modules, "rollcall", "bin", "rollcall.js")
}

// TestInterrupt interrupts the program from the keyboard of a terminal, which signals the
// launcher and the program, and from elsewhere, which signals the launcher alone. Each time
// the program gets one signal: a second one would end it at once.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("script(1) has other flags here")
	}
	script := launcher(t, interruptible)
	for name, cmd := range map[string]*exec.Cmd{
		"terminal": exec.Command("script", "--quiet", "--return", "--command", "node "+script, "/dev/null"),
		"none":     exec.Command("node", script),
	} {
		t.Run(name, func(t *testing.T) {
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = cmd.Process.Kill() // an error says that it has ended
				_ = cmd.Wait()
			})
			pid := 0
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				line := strings.TrimPrefix(strings.TrimSpace(lines.Text()), "^C")
				switch {
				case strings.HasPrefix(line, "launcher: "):
					if _, err := fmt.Sscanf(line, "launcher: %d", &pid); err != nil {
						t.Fatal(err)
					}
					if name == "none" {
						err = syscall.Kill(pid, syscall.SIGINT)
					} else {
						_, err = io.WriteString(stdin, "\x03")
					}
				case line == "interrupted": // the launcher passes on what it got before
					err = syscall.Kill(pid, syscall.SIGTERM)
				case strings.HasPrefix(line, "interrupts: "):
					if line != "interrupts: 1" {
						t.Errorf("the program got %s", line)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			t.Error("the program did not say how often it was interrupted")
		})
	}
}
