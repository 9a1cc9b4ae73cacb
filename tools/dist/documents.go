package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
)

// documents are the files beside the binary: licences, the README, manual pages, scripts of
// shells, and the files of deploy.
type documents struct {
	licenses    []byte // of all modules
	plain       []entry
	manuals     []entry // as rollcall.1
	completions []entry // as rollcall.bash
}

// shells have completions.
var shells = []string{"bash", "zsh", "fish"}

// newDocuments reads the documents that need no binary.
func newDocuments(src *source, mods []*module) (*documents, error) {
	goroot, err := output(context.Background(), src.root, []string{"GOTOOLCHAIN=go" + src.goVer}, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	goLicense, err := goLicense(goroot)
	if err != nil {
		return nil, err
	}
	d := &documents{licenses: licenseText(goLicense, mods)}
	for _, name := range []string{"LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "SECURITY.md"} {
		body, err := os.ReadFile(filepath.Join(src.root, name))
		if err != nil {
			return nil, err
		}
		d.plain = append(d.plain, entry{name, body, 0o644})
	}
	d.plain = append(d.plain, entry{licensesFile, d.licenses, 0o644})
	return d, nil
}

// goLicense reads the licence of Go. Distributions keep it elsewhere than Go's own archives.
func goLicense(goroot string) ([]byte, error) {
	body, err := os.ReadFile(filepath.Join(goroot, "LICENSE"))
	if errors.Is(err, os.ErrNotExist) {
		return os.ReadFile("/usr/share/doc/golang-go/copyright")
	}
	return body, err
}

// archive returns the files of an archive besides the binary.
func (d *documents) archive() []entry {
	files := slices.Clone(d.plain)
	for _, m := range d.manuals {
		files = append(files, entry{path.Join("man", m.name), m.body, m.mode})
	}
	for _, c := range d.completions {
		files = append(files, entry{path.Join("completions", c.name), c.body, c.mode})
	}
	return files
}

// addGenerated lets a binary write the manual pages and the completions. It takes the binary
// of this machine, and builds it if the release has none.
func (d *documents) addGenerated(ctx context.Context, src *source, built []binary) error {
	i := slices.IndexFunc(built, func(b binary) bool { return b.platform == own })
	var b binary
	var err error
	if i >= 0 {
		b = built[i]
	} else if b, err = compile(ctx, src, own); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "rollcall-dist-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	program := filepath.Join(tmp, "rollcall")
	if err := os.WriteFile(program, b.body, 0o700); err != nil {
		return err
	}
	if d.manuals, err = manuals(ctx, program, filepath.Join(tmp, "man")); err != nil {
		return err
	}
	for _, shell := range shells {
		script, err := exec.CommandContext(ctx, program, "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("rollcall completion %s: %w", shell, err)
		}
		d.completions = append(d.completions, entry{"rollcall." + shell, script, 0o644})
	}
	return nil
}

// manuals lets program write its manual pages into dir, and reads them.
func manuals(ctx context.Context, program, dir string) ([]entry, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := output(ctx, dir, nil, program, "man", dir); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("rollcall man wrote no pages")
	}
	var pages []entry
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		pages = append(pages, entry{filepath.Base(f), body, 0o644})
	}
	return pages, nil
}
