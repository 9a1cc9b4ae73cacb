package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// licensesFile contains the licences of all modules in the binaries.
const licensesFile = "THIRD_PARTY_LICENSES.txt"

// allowed contains the licences that a module may have, by their SPDX identifiers. All of
// them allow a binary under the Apache License 2.0 that contains the module.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unlicense"}

// minCover is the share of a licence file, in percent, that the licences in it must explain.
const minCover = 75

// A module is one that the binaries contain.
type module struct {
	path, version string
	sum           string   // of go.sum, as h1:…
	licenses      []string // SPDX identifiers, sorted
	notices       []notice // sorted by name
}

// A notice is a file of a module that must go along with its binary form.
type notice struct {
	name string // relative to the module
	body []byte
}

// listed is the part of the output of go list that modules reads.
type listed struct {
	Dir    string
	Module *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// modules returns the modules in the binaries for targets, sorted by path. It returns an
// error if one of them has no licence, or one that is not allowed.
func modules(ctx context.Context, root string, targets []platform) ([]*module, error) {
	sums, err := readSums(filepath.Join(root, "go.sum"))
	if err != nil {
		return nil, err
	}
	found := map[string]*module{}
	for _, p := range targets {
		packages, err := listPackages(ctx, root, p)
		if err != nil {
			return nil, err
		}
		for _, pkg := range packages {
			if err := addPackage(found, sums, pkg); err != nil {
				return nil, err
			}
		}
	}
	var problems []error
	mods := slices.SortedFunc(maps.Values(found), func(a, b *module) int { return strings.Compare(a.path, b.path) })
	for _, m := range mods {
		problems = append(problems, m.classify())
	}
	return mods, errors.Join(problems...)
}

// listPackages returns the packages of the program on p.
func listPackages(ctx context.Context, root string, p platform) ([]listed, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Module", "./cmd/rollcall")
	cmd.Dir, cmd.Stderr = root, &stderr
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w: %s", p, err, &stderr)
	}
	var packages []listed
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var pkg listed
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, pkg)
	}
}

// addPackage adds the module of pkg to found, with the notices in the directory of the
// package and above it. Our own packages and those of Go have none.
func addPackage(found map[string]*module, sums map[string]string, pkg listed) error {
	if pkg.Module == nil || pkg.Module.Main {
		return nil
	}
	m := found[pkg.Module.Path]
	if m == nil {
		m = &module{path: pkg.Module.Path, version: pkg.Module.Version}
		m.sum = sums[m.path+" "+m.version]
		found[m.path] = m
	}
	for dir := pkg.Dir; ; dir = filepath.Dir(dir) {
		if err := m.addNotices(pkg.Module.Dir, dir); err != nil || dir == pkg.Module.Dir {
			return err
		}
	}
}

var (
	licenseName = regexp.MustCompile(`(?i)^(un)?licen[sc]e|^copying`)
	noticeName  = regexp.MustCompile(`(?i)^(notice|patents)`)
)

// addNotices adds the notices in dir, which is in the directory root of the module.
func (m *module) addNotices(root, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !licenseName.MatchString(e.Name()) && !noticeName.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
			continue
		}
		name, err := filepath.Rel(root, filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if slices.ContainsFunc(m.notices, func(n notice) bool { return n.name == name }) {
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		m.notices = append(m.notices, notice{filepath.ToSlash(name), body})
	}
	slices.SortFunc(m.notices, func(a, b notice) int { return strings.Compare(a.name, b.name) })
	return nil
}

// classify finds the licences of m in its notices.
func (m *module) classify() error {
	var problems []error
	for _, n := range m.notices {
		if !licenseName.MatchString(filepath.Base(n.name)) {
			continue
		}
		cover := licensecheck.Scan(n.body)
		if cover.Percent < minCover {
			problems = append(problems, fmt.Errorf("module %s: %.0f %% of %s is a known licence; read it, and replace the module if its terms do not fit", m.path, cover.Percent, n.name))
		}
		for _, match := range cover.Match {
			if !slices.Contains(allowed, match.ID) {
				problems = append(problems, fmt.Errorf("module %s: the licence %s of %s is not allowed; replace the module, or add the licence to tools/dist/licenses.go", m.path, match.ID, n.name))
			}
			m.licenses = append(m.licenses, match.ID)
		}
	}
	if len(m.licenses) == 0 {
		problems = append(problems, fmt.Errorf("module %s: no licence was found", m.path))
	}
	slices.Sort(m.licenses)
	m.licenses = slices.Compact(m.licenses)
	return errors.Join(problems...)
}

// readSums returns the sums of a go.sum by "path version".
func readSums(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 {
			sums[f[0]+" "+f[1]] = f[2]
		}
	}
	return sums, nil
}

// licenseText returns the notices of Go and of all modules as one text.
func licenseText(goLicense []byte, mods []*module) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, "The binaries of Rollcall contain Go's standard library and the modules below.")
	section(&b, "Go's standard library: LICENSE", goLicense)
	for _, m := range mods {
		for _, n := range m.notices {
			section(&b, fmt.Sprintf("%s %s: %s", m.path, m.version, n.name), n.body)
		}
	}
	return b.Bytes()
}

func section(b *bytes.Buffer, title string, body []byte) {
	fmt.Fprintf(b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), title, bytes.TrimSpace(body))
}
