package conformance

import (
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

var (
	docBlock = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	keyLine  = regexp.MustCompile(`(?m)^openssl .*$`)
)

// firstOK follows the first section of docs/testing.md: it makes the keys, writes the
// program and runs it. The output must be what the document shows. The packages of npm
// are those of this directory.
func firstOK(t *testing.T, programs string) {
	needNodeModules(t)
	doc, err := os.ReadFile("../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	section, _, found := strings.Cut(string(doc), "\n## The kit\n")
	blocks := map[string]string{}
	for _, m := range docBlock.FindAllStringSubmatch(section, -1) {
		blocks[m[1]] += m[2]
	}
	command, want, shown := strings.Cut(strings.TrimPrefix(blocks["console"], "$ "), "\n")
	if !found || !shown || blocks["js"] == "" || len(keyLine.FindAllString(blocks["sh"], -1)) != 2 {
		t.Fatalf("the document has other blocks: %q", blocks)
	}
	dir := filepath.Dir(writeFile(t, "first.js", []byte(blocks["js"])))
	modules, err := filepath.Abs("npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "NODE_PATH="+modules, "NODE_NO_WARNINGS=1")
	for _, line := range append(keyLine.FindAllString(blocks["sh"], -1), command) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // only limits a hang
		defer cancel()
		cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+line)
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.Dir, cmd.Env = dir, environ
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		if line == command && string(out) != want {
			t.Errorf("%s printed\n%swant\n%s", line, out, want)
		}
	}
}
