package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	// fence finds the blocks of a document.
	fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	// goProgram and jsProgram find the names of the programs that a document runs.
	goProgram = regexp.MustCompile(`go run \./(\w+)`)
	jsProgram = regexp.MustCompile(`node (\w+\.js)`)
)

// play plays a document of docs as a reader would, beside a server that runs: it runs the
// commands of each "console" block in a shell, builds Go programs and saves programs of Node
// under the names with which the document runs them, and runs Go tests. The output of
// commands must be what the document shows, except for times, numbers and secrets. play
// returns the number of blocks by language.
func play(t *testing.T, document string) map[string]int {
	t.Helper()
	doc, err := os.ReadFile("../../docs/" + document)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := startProcess(t, filepath.Join(dir, "rollcall-data"), "--store", "mem:")
	r := &reader{t: t, dir: dir, env: readerEnv(t, dir)}
	if m := goProgram.FindSubmatch(doc); m != nil {
		r.goName = string(m[1])
	}
	if m := jsProgram.FindSubmatch(doc); m != nil {
		r.jsName = string(m[1])
	}
	doc = bytes.ReplaceAll(doc, []byte("http://127.0.0.1:7580"), []byte(p.context.URL))
	doc = bytes.ReplaceAll(doc, []byte("go run ./"), []byte("./"))
	played := map[string]int{}
	for _, m := range fence.FindAllStringSubmatch(string(doc), -1) {
		played[m[1]]++
		switch m[1] {
		case "console":
			r.console(m[2])
		case "go":
			r.program(m[2])
		case "js":
			r.save(r.jsName, m[2])
		}
	}
	return played
}

// A reader plays the blocks in a directory.
type reader struct {
	t      *testing.T
	dir    string
	env    []string
	goName string // of the Go program
	jsName string // of the program of Node
}

// readerEnv returns an environment in which "rollcall" is the test binary, and in which
// programs of Node find the packages of the conformance tests.
func readerEnv(t *testing.T, dir string) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Abs("../../conformance/npm/node_modules")
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
	return append(os.Environ(), asProgram+"=1", "PATH="+bin+":"+os.Getenv("PATH"), "NODE_PATH="+modules)
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

// program builds a Go program inside the module, which its imports need, or runs a Go test
// there. The commands of a console block run the program.
func (r *reader) program(source string) {
	file, args := r.save("main.go", source), []string{"build", "-o", filepath.Join(r.dir, r.goName)}
	if strings.Contains(source, "func Test") {
		file, args = r.save("block_test.go", source), []string{"test"}
	}
	cmd := exec.Command("go", append(args, file)...)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("go %s: %v\n%s", args[0], err, out)
	}
}

// save writes a file into the directory of the reader and returns its name.
func (r *reader) save(name, text string) string {
	file := filepath.Join(r.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return file
}

// run returns the output of a command, including errors.
func (r *reader) run(name string, args ...string) string {
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Minute) // only limits a hang
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = r.dir, r.env, time.Second
	out, _ := cmd.CombinedOutput() // a step may fail; its output shows that
	return strings.TrimRight(string(out), "\n")
}

func (r *reader) compare(command, got, want string) {
	r.t.Helper()
	if diff := cmp.Diff(mask(want+"\n"), mask(got+"\n")); diff != "" {
		r.t.Errorf("$ %s (-document +now):\n%s", command, diff)
	}
}
