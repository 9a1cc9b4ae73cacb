package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// clone returns a clone with one commit.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module x\n\ngo 1.26.8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inClone(t, dir, "init", "--quiet")
	inClone(t, dir, "add", "go.mod")
	inClone(t, dir, "commit", "--quiet", "--message=first")
	return dir
}

func inClone(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@localhost"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z", "GIT_CONFIG_GLOBAL=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v: %s", args, err, out)
	}
}

func TestVersions(t *testing.T) {
	dir := clone(t)
	version := func(given string) string {
		s, err := newSource(t.Context(), dir, given)
		if err != nil {
			return err.Error()
		}
		return s.version
	}
	if got := version(""); !strings.HasPrefix(got, "v0.0.0-20260102030405-") || len(got) != len("v0.0.0-20260102030405-")+12 {
		t.Errorf("the version of a clone without tags is %q", got)
	}
	for _, good := range []string{"v1.2.3", "v0.3.0-rc.1"} {
		if got := version(good); got != good {
			t.Errorf("version %s: %s", good, got)
		}
	}
	for _, bad := range []string{"1.2.3", "v1.2", "v1.2.3+meta", "v01.2.3", "v1.2.3-", "devel", "v1.2.3 -X main.x=y"} {
		if got := version(bad); !strings.Contains(got, "is no semantic version") {
			t.Errorf("version %s is accepted: %s", bad, got)
		}
	}
	inClone(t, dir, "tag", "unrelated")
	inClone(t, dir, "tag", "v0.4.0")
	if got := version(""); got != "v0.4.0" {
		t.Errorf("the version of a tag is %q", got)
	}
	inClone(t, dir, "commit", "--quiet", "--allow-empty", "--message=second")
	if got := version(""); !strings.HasPrefix(got, "v0.4.0-1-g") {
		t.Errorf("the version behind a tag is %q", got)
	}
}

// TestDirty refuses a release whose files are not those of its commit.
func TestDirty(t *testing.T) {
	dir := clone(t)
	if err := clean(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module y\n\ngo 1.26.8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := clean(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "M go.mod") {
		t.Errorf("a changed file is accepted: %v", err)
	}
}

// TestReplaceable keeps directories that contain something else.
func TestReplaceable(t *testing.T) {
	dir := t.TempDir()
	for _, ok := range []string{dir, filepath.Join(dir, "none")} {
		if err := replaceable(ok); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "thesis"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceable(dir); err == nil {
		t.Error("a directory without a release would be replaced")
	}
	if err := os.WriteFile(filepath.Join(dir, sumsFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceable(dir); err != nil {
		t.Error(err)
	}
}

func TestPlatforms(t *testing.T) {
	for list, want := range map[string]string{
		"":                         "[linux/amd64 linux/arm64 darwin/amd64 darwin/arm64]",
		"darwin/arm64,linux/amd64": "[darwin/arm64 linux/amd64]",
	} {
		if got, err := parsePlatforms(list); err != nil || fmt.Sprint(got) != want {
			t.Errorf("platforms %q are %v, %v", list, got, err)
		}
	}
	for _, bad := range []string{"windows/amd64", "linux", "linux/amd64,"} {
		if _, err := parsePlatforms(bad); err == nil || !strings.Contains(err.Error(), "there is no platform") {
			t.Errorf("platforms %q: %v", bad, err)
		}
	}
}

// TestUntracked refuses a release with a file that git does not know, because the program
// could contain it.
func TestUntracked(t *testing.T) {
	dir := clone(t)
	for name, text := range map[string]string{".gitignore": "dist/\n", "dist/rollcall": "", "secret.go": "package x\n"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inClone(t, dir, "add", ".gitignore")
	inClone(t, dir, "commit", "--quiet", "--message=ignore")
	if err := clean(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "?? secret.go") || strings.Contains(err.Error(), "dist") {
		t.Errorf("an unknown file is accepted: %v", err)
	}
	inClone(t, dir, "clean", "--quiet", "--force")
	if err := clean(t.Context(), dir); err != nil {
		t.Errorf("ignored files are refused: %v", err)
	}
}

// TestEnvironment checks that the variables of a build leave nothing to the machine.
func TestEnvironment(t *testing.T) {
	env := goEnv(&source{goVer: "1.26.8"}, own)
	for _, want := range []string{"GOFIPS140=off", "GOEXPERIMENT=", "CGO_ENABLED=0"} {
		if !slices.Contains(env, want) {
			t.Errorf("%q lacks %s", env, want)
		}
	}
}
