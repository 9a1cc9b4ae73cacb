package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestTestkit builds the npm package rollcall-testkit and runs its tests. The program that
// they start is this test binary.
func TestTestkit(t *testing.T) {
	t.Parallel()
	needTestkit(t)
	node(t, "node_modules/typescript/bin/tsc")
	node(t, "node_modules/typescript/bin/tsc", "-p", "test")
	tests, err := filepath.Glob(filepath.Join(testkitDir, "build", "*.test.js"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("tests %v, %v", tests, err)
	}
	args := []string{"--test"}
	for _, file := range tests {
		args = append(args, filepath.Join("build", filepath.Base(file)))
	}
	node(t, args...)
}

const testkitDir = "../../packages/rollcall-testkit"

// node runs Node in the package and fails the test if that fails.
func node(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // only limits a hang
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = testkitDir
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "ROLLCALL_BIN="+programFile(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("node %v: %v\n%s", args, err, out)
	}
}

// programFile writes a script that becomes the test binary as rollcall.
func programFile(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rollcall")
	script := fmt.Sprintf("#!/bin/sh\nexport %s=1\nexec '%s' \"$@\"\n", asProgram, exe)
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// needTestkit skips the test if the packages that it needs are not installed. In CI it
// fails instead.
func needTestkit(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("node")
	for _, module := range []string{testkitDir + "/node_modules/typescript", "../../conformance/npm/node_modules/tls-sig-api-v2"} {
		if err == nil {
			_, err = os.Stat(module)
		}
	}
	if err == nil {
		return
	}
	const help = "npm packages are not there: run make setup"
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s (%v)", help, err)
	}
	t.Skipf("%s (%v)", help, err)
}
