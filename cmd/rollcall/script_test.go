package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rollcall/internal/server"
	"rollcall/internal/testutil/anystore"
)

// scriptCommands are the commands of testdata/*.txtar besides those of testscript.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"serve": scriptServe,
	"end":   scriptEnd,
	"mask":  scriptMask,
	"code":  scriptCode,
	"id":    scriptID,
}

// running is the key of the servers in the values of a script.
type running struct{}

// servers contains the servers that a script has started.
type servers struct {
	tb   testing.TB
	stop []func()
}

// setupScript adds an empty list of servers to the values of a script, and the options of the
// race detector to its environment.
func setupScript(env *testscript.Env) error {
	env.Setenv(raceOptions, os.Getenv(raceOptions))
	env.Values[running{}] = &servers{tb: env.T().(testing.TB)}
	return nil
}

// scriptServe starts "rollcall serve" with args on a free port, waits until it is ready,
// and stops it at the end of the script. Its data directory is ./rollcall-data, the
// default. Its log, with every level, must not contain a secret.
func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve [flag...]")
	}
	exe, err := os.Executable()
	ts.Check(err)
	cmd := exec.Command(exe, append([]string{"serve", "--listen", "127.0.0.1:0", "--log-level", "debug"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	all := ts.Value(running{}).(*servers)
	cmd.Env = servedBy(all.tb, ts.MkAbs(dataOf(args)))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	context := new(server.Context)
	stop := sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended
		if err := cmd.Wait(); err != nil {
			ts.Logf("serve: %v\n%s", err, &stderr)
		}
		if holdsSecret(stderr.String(), context.Key, context.AdminToken) {
			all.tb.Error("the log of a server holds a secret")
		}
	})
	ts.Defer(stop)
	all.stop = append(all.stop, stop)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), " is ready on "); ok {
			ts.Setenv("URL", url)
			ts.Setenv("HOST", strings.TrimPrefix(url, "http://"))
		}
		if _, file, ok := strings.Cut(lines.Text(), "; the key is in "); ok {
			if filepath.Base(file) != server.ContextFile { // it is the file of --key-file
				file = defaultContext
			}
			context, err = server.ReadContext(ts.MkAbs(file))
			ts.Check(err)
			return
		}
		if strings.HasPrefix(lines.Text(), "SDKAppID ") {
			ts.Setenv("READY", lines.Text()) // an app without a key
			return
		}
	}
	stop() // its standard error is complete then
	ts.Fatalf("the server did not start: %s", &stderr)
}

// dataOf returns the data directory of a server with args.
func dataOf(args []string) string {
	if i := slices.Index(args, "--data"); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return "rollcall-data"
}

// scriptCondition implements the condition [embedded]: servers have the embedded engine in
// their data directory, unless ROLLCALL_TEST_STORE chooses another one.
func scriptCondition(condition string) (bool, error) {
	if condition != "embedded" {
		return false, fmt.Errorf("unknown condition %s", condition)
	}
	return anystore.Embedded(), nil
}

// scriptEnd stops every server that the script has started, and waits for their ends.
func scriptEnd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: end")
	}
	for _, stop := range ts.Value(running{}).(*servers).stop {
		stop()
	}
}

// masks replace texts that differ from run to run.
var masks = []struct {
	pattern *regexp.Regexp
	mask    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`((?:device|replaced) +|"(?:id|Instid)": ?)\d+`), "${1}NUMBER"},
	{regexp.MustCompile(`rct_[A-Za-z0-9_-]{43}`), "TOKEN"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "SECRET"},
	{regexp.MustCompile(`\b[0-9a-f]{16}\b`), "FINGERPRINT"},
	{regexp.MustCompile(`\b[0-9a-f]{8}\b`), "ID"},
	{regexp.MustCompile(`(internal_id\W+)\d+`), "${1}NUMBER"},
	{regexp.MustCompile(`request [A-Z2-7]{16}`), "request ID"},
	{regexp.MustCompile(`; [\d.]+s, \d+ rows/s`), "; RATE"},
	{regexp.MustCompile(`\b[\d.]+(ms|µs)\b`), "DURATION"},
	{regexp.MustCompile(`(took(_ms)?\W+)[\d.]+(ms|s)?`), "${1}DURATION"},
	{regexp.MustCompile(`import-[A-Z2-7]{26}\b`), "import-KEY"},
	{regexp.MustCompile(`\b[A-Z2-7]{16}\b`), "REQUEST"},
	{regexp.MustCompile(`(bytes\W+)\d+`), "${1}NUMBER"},
	{regexp.MustCompile(` +\n`), "\n"},
	{regexp.MustCompile(`(\S)   +`), "$1  "},
}

func mask(text string) string {
	for _, m := range masks {
		text = m.pattern.ReplaceAllString(text, m.mask)
	}
	return text
}

// scriptMask compares the last standard output (or the file named second),
// masked, with a file.
func scriptMask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: mask want-file [got-file]")
	}
	source := "stdout"
	if len(args) == 2 {
		source = args[1]
	}
	text := strings.ReplaceAll(ts.ReadFile(source), ts.MkAbs("."), "WORK")
	if got, want := mask(text), ts.ReadFile(args[0]); got != want {
		ts.Fatalf("%s is not what was wanted\n-- got --\n%s-- want --\n%s", args[0], got, want)
	}
}

// scriptID sets a variable to the first request id in the last standard output.
func scriptID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: id VARIABLE")
	}
	ts.Setenv(args[0], regexp.MustCompile(`\b[A-Z2-7]{16}\b`).FindString(ts.ReadFile("stdout")))
}

// scriptCode runs rollcall and compares its exit code. The outputs are left in
// the files stdout.txt and stderr.txt.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N args...")
	}
	exe, err := os.Executable()
	ts.Check(err)
	cmd := exec.Command(exe, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	for _, name := range []string{"ROLLCALL_URL", "ROLLCALL_KEY", "ROLLCALL_ADMIN_TOKEN", "ROLLCALL_CONTEXT", "ROLLCALL_SDKAPPID", "ROLLCALL_CFG_LOG_FORMAT", "ROLLCALL_CFG_LOG_LEVEL", "ROLLCALL_CFG_LOG_LVEL", "ROLLCALL_CFG_TLS_CERT", "ROLLCALL_CFG_STORE"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the exit code is compared below
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("."), "stdout.txt"), stdout.Bytes(), 0o600))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("."), "stderr.txt"), stderr.Bytes(), 0o600))
	ts.Logf("[stdout]\n%s[stderr]\n%s", &stdout, &stderr)
	if got := cmd.ProcessState.ExitCode(); args[0] != strconv.Itoa(got) {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}
