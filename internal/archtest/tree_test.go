package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// A tree is the source of a module.
type tree struct {
	fset *token.FileSet
	pkgs map[string]*pkg // by directory, "." for the root
}

// A pkg is the source in one directory.
type pkg struct {
	dir   string
	files []*file // without tests
	tests []*file
}

// A file is one file of Go source.
type file struct {
	path  string
	lines int
	*ast.File
}

// load parses the module in fsys.
func load(fsys fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet(), pkgs: map[string]*pkg{}}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && skipped(fsys, p):
			return fs.SkipDir
		case d.IsDir() || path.Ext(p) != ".go":
			return nil
		}
		return t.add(fsys, p)
	})
	return t, err
}

// skipped reports whether the directory p is not part of the module: it contains data,
// packages of other languages, or another module.
func skipped(fsys fs.FS, p string) bool {
	base := path.Base(p)
	if base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := fs.Stat(fsys, path.Join(p, "go.mod"))
	return err == nil
}

// add parses the file p and adds it to its package.
func (t *tree) add(fsys fs.FS, p string) error {
	src, err := fs.ReadFile(fsys, p)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(t.fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(p)
	if t.pkgs[dir] == nil {
		t.pkgs[dir] = &pkg{dir: dir}
	}
	parsed := &file{path: p, lines: bytes.Count(src, []byte("\n")), File: f}
	if strings.HasSuffix(p, "_test.go") {
		t.pkgs[dir].tests = append(t.pkgs[dir].tests, parsed)
	} else {
		t.pkgs[dir].files = append(t.pkgs[dir].files, parsed)
	}
	return nil
}

// sorted returns the packages in the order of their directories.
func (t *tree) sorted() []*pkg {
	return slices.SortedFunc(maps.Values(t.pkgs), func(a, b *pkg) int { return strings.Compare(a.dir, b.dir) })
}

// written returns the files of p that people wrote, without tests.
func (p *pkg) written() []*file {
	return slices.DeleteFunc(slices.Clone(p.files), func(f *file) bool { return ast.IsGenerated(f.File) })
}

// TestRepository checks the repository itself.
func TestRepository(t *testing.T) {
	root, err := load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(root.pkgs) == 0 {
		t.Fatal("no source found")
	}
	for name, rule := range map[string]func(*tree) []string{
		"imports":      checkImports,
		"rules":        checkRules,
		"package docs": checkPackageDocs,
		"docs":         checkDocs,
		"limits":       checkLimits,
		"init":         checkInit,
	} {
		t.Run(name, func(t *testing.T) {
			for _, problem := range rule(root) {
				t.Error(problem)
			}
		})
	}
}

// parse returns a tree of the given files, by path.
func parse(t *testing.T, files map[string]string) *tree {
	t.Helper()
	fsys := fstest.MapFS{}
	for p, src := range files {
		fsys[p] = &fstest.MapFile{Data: []byte(src)}
	}
	parsed, err := load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestLoad(t *testing.T) {
	parsed := parse(t, map[string]string{
		"a.go":                    "package root",
		"b/b.go":                  "package b",
		"b/b_test.go":             "package b_test",
		"b/readme.md":             "no source",
		"b/testdata/x.go":         "no source either",
		".git/x.go":               "nor this",
		"npm/node_modules/x/x.go": "nor this",
		"tools/go.mod":            "module tools",
		"tools/tools.go":          "nor this, of another module",
	})
	var got []string
	for _, p := range parsed.sorted() {
		for _, f := range slices.Concat(p.files, p.tests) {
			got = append(got, f.path)
		}
	}
	if want := []string{"a.go", "b/b.go", "b/b_test.go"}; !slices.Equal(got, want) {
		t.Errorf("loaded %q, want %q", got, want)
	}
}
