package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// A source is the commit that a release is built from.
type source struct {
	root    string // directory of the clone
	version string // with a v, as v1.2.3
	commit  string // in full
	date    time.Time
	goVer   string // of the directive in go.mod, as 1.26.8
}

// number returns the version without its v.
func (s *source) number() string { return strings.TrimPrefix(s.version, "v") }

// newSource reads the commit of the clone in root. An empty version stands for that of git
// describe.
func newSource(ctx context.Context, root, version string) (*source, error) {
	text, err := git(ctx, root, "log", "-1", "--format=%H %ct")
	if err != nil {
		return nil, err
	}
	commit, seconds, _ := strings.Cut(text, " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the time of commit %s: %w", commit, err)
	}
	s := &source{root: root, commit: commit, date: time.Unix(unix, 0).UTC()}
	if s.version, err = chooseVersion(ctx, s, version); err != nil {
		return nil, err
	}
	s.goVer, err = goVersion(root)
	return s, err
}

// clean returns an error if files differ from the commit, or if git does not know or ignore
// them: a file of Go in the tree becomes a part of the program. A release names its
// commit, so it must not contain anything else.
func clean(ctx context.Context, root string) error {
	changed, err := git(ctx, root, "status", "--porcelain", "--untracked-files=normal")
	if err == nil && changed != "" {
		return fmt.Errorf("files differ from the commit; commit or remove them first, or add --dirty for a trial:\n%s", changed)
	}
	return err
}

// chooseVersion returns given if it is a semantic version. If given is empty, it returns the
// version of git describe, or v0.0.0-<time>-<commit> in a clone without tags.
func chooseVersion(ctx context.Context, s *source, given string) (string, error) {
	if given == "" {
		described, err := git(ctx, s.root, "describe", "--tags", "--match", "v[0-9]*")
		if err != nil {
			return "v0.0.0-" + s.date.Format("20060102150405") + "-" + s.commit[:12], nil
		}
		given = described
	}
	if !semver.IsValid(given) || semver.Canonical(given) != given {
		return "", fmt.Errorf("the version %q is no semantic version; write it as v1.2.3 or v1.2.3-rc.1", given)
	}
	return given, nil
}

var goDirective = regexp.MustCompile(`(?m)^go ([0-9.]+)$`)

// goVersion returns the version of Go that go.mod names.
func goVersion(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	m := goDirective.FindSubmatch(text)
	if m == nil {
		return "", errors.New("go.mod names no version of Go")
	}
	return string(m[1]), nil
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	return output(ctx, root, nil, "git", append([]string{"-c", "safe.directory=*"}, args...)...)
}

// output runs a command in dir with further variables and returns its output, trimmed.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}
