package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNPM installs the npm packages without a network, and makes a first import with npx.
func TestNPM(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		skip(t, "npm is not installed")
	}
	r := built(t)
	p := &project{t: t, dir: t.TempDir()}
	p.run("npm", "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts",
		r.file(t, r.dir, "rollcall-0.3.0.tgz"), r.file(t, r.dir, npmName(own)+"-0.3.0.tgz"))
	if got := p.run("npx", "--no-install", "rollcall", "version"); !strings.HasPrefix(got, "rollcall v0.3.0 ") {
		t.Errorf("version %q", got)
	}
	p.serve()
	if got := p.run("npx", "--no-install", "rollcall", "account", "import", "alice"); !regexp.MustCompile(`(?m)^alice +imported$`).MatchString(got) {
		t.Errorf("the first import prints %q", got)
	}
	if got := p.run("npx", "--no-install", "rollcall", "account", "list", "--output", "json"); !strings.Contains(got, `"alice"`) {
		t.Errorf("the accounts are %s", got)
	}
	if got := p.run("node", "-p", "require('rollcall').binaryPath()"); !strings.HasSuffix(got, npmName(own)+"/bin/rollcall") {
		t.Errorf("binaryPath returns %q", got)
	}
	if err := os.RemoveAll(filepath.Join(p.dir, "node_modules", npmName(own))); err != nil {
		t.Fatal(err)
	}
	if out, err := p.try("npx", "--no-install", "rollcall", "version"); err == nil || !strings.Contains(out, "the package "+npmName(own)+" is not installed") {
		t.Errorf("without the package of the platform: %v: %s", err, out)
	}
}

// A project is a directory of a user of npm.
type project struct {
	t   *testing.T
	dir string
}

func (p *project) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "npm_config_cache="+filepath.Join(p.dir, ".npm"), "npm_config_update_notifier=false")
	return cmd
}

func (p *project) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	defer cancel()
	out, err := p.command(ctx, args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (p *project) run(args ...string) string {
	p.t.Helper()
	out, err := p.try(args...)
	if err != nil {
		p.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

// serve starts a server with the program of the package, as node_modules/.bin has it, and
// stops it with a signal at the end of the test.
func (p *project) serve() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // for one that ignores signals
	p.t.Cleanup(cancel)
	cmd := p.command(ctx, filepath.Join(p.dir, "node_modules", ".bin", "rollcall"), "serve", "--store", "mem:", "--listen", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &stderr, 10*time.Second
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			p.t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			p.t.Errorf("the server does not end well after a signal: %v: %s", err, &stderr)
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.Contains(lines.Text(), " is ready on ") {
			go func() {
				for lines.Scan() { // so that the server can write
				}
			}()
			return
		}
	}
	p.t.Fatalf("the server does not start: %s", &stderr)
}
