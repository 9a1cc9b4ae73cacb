package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fence finds the blocks of a document.
var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// TestQuickstart plays docs/quickstart.md as a reader would: it runs the commands of each
// "console" block in a shell, and builds the Go program. The output must be what the
// document shows, except for times, numbers and secrets.
func TestQuickstart(t *testing.T) {
	doc, err := os.ReadFile("../../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := startProcess(t, filepath.Join(dir, "rollcall-data"), "--store", "mem:")
	r := &reader{t: t, dir: dir, env: readerEnv(t, dir)}
	doc = bytes.ReplaceAll(doc, []byte("http://127.0.0.1:7580"), []byte(p.context.URL))
	doc = bytes.ReplaceAll(doc, []byte("go run ./tour"), []byte("./tour"))
	played := map[string]int{}
	for _, m := range fence.FindAllStringSubmatch(string(doc), -1) {
		played[m[1]]++
		switch m[1] {
		case "console":
			r.console(m[2])
		case "go":
			r.program(m[2])
		}
	}
	if played["console"] < 8 || played["go"] != 1 {
		t.Errorf("blocks by language: %v; the tour should have at least 8 of console and one of go", played)
	}
}

// A reader plays the blocks in a directory.
type reader struct {
	t   *testing.T
	dir string
	env []string
}

// readerEnv returns an environment in which "rollcall" is the test binary.
func readerEnv(t *testing.T, dir string) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(bin, "rollcall")); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), asProgram+"=1", "PATH="+bin+":"+os.Getenv("PATH"))
}

// console plays a block. A line after "$ " is a command, and the lines up to the next
// command are its output. console skips a command that starts the server, because the
// server runs already.
func (r *reader) console(block string) {
	for part := range strings.SplitSeq("\n"+block, "\n$ ") {
		command, want, _ := strings.Cut(part, "\n")
		if command == "" || strings.HasPrefix(command, "rollcall serve") {
			continue
		}
		r.compare(command, r.run("bash", "-c", command), strings.TrimRight(want, "\n"))
	}
}

// program builds a Go program inside the module, which its imports need. The commands of a
// console block run it.
func (r *reader) program(source string) {
	main := filepath.Join(r.dir, "main.go")
	if err := os.WriteFile(main, []byte(source), 0o600); err != nil {
		r.t.Fatal(err)
	}
	tour := filepath.Join(r.dir, "tour")
	build := exec.Command("go", "build", "-o", tour, main)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		r.t.Fatalf("building the program: %v\n%s", err, out)
	}
}

// run returns the output of a command, including errors.
func (r *reader) run(name string, args ...string) string {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, _ := cmd.CombinedOutput() // a step may fail; its output shows that
	return strings.TrimRight(string(out), "\n")
}

func (r *reader) compare(command, got, want string) {
	r.t.Helper()
	if diff := cmp.Diff(mask(want+"\n"), mask(got+"\n")); diff != "" {
		r.t.Errorf("$ %s (-document +now):\n%s", command, diff)
	}
}
