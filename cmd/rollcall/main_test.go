package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rollcall/internal/testutil/pgtest"
)

// asProgram is the environment variable that makes the test binary run as rollcall.
const asProgram = "ROLLCALL_TEST_AS_PROGRAM"

// raceOptions is the environment variable with the options of the race detector.
const raceOptions = "GORACE"

// TestMain lets the tests run the test binary as "rollcall".
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "ROLLCALL_") && !strings.HasPrefix(name, "ROLLCALL_TEST_") {
			os.Unsetenv(name) // the tests must not call a server of the developer
		}
	}
	testscript.Main(tests{m}, map[string]func(){"rollcall": main})
}

// tests are the tests of this package, with the databases that they start.
type tests struct{ *testing.M }

func (t tests) Run() int { return pgtest.Run(t.M) }

// TestScripts plays testdata/*.txtar, each a session at the shell.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: scriptCommands, Setup: setupScript, Condition: scriptCondition})
}

func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want int
	}{
		{nil, exitOK},
		{[]string{"--help"}, exitOK},
		{[]string{"version"}, exitOK},
		{[]string{"nonsense"}, exitBadUsage},
		{[]string{"serve", "--listen"}, exitBadUsage},
		{[]string{"sig", "make", "--key-file", "/nonexistent"}, exitFailure},
	} {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		if got := run(context.Background(), &environment{null, null, null}, tt.args); got != tt.want {
			t.Errorf("run(%q) = %d, want %d", tt.args, got, tt.want)
		}
	}
}
