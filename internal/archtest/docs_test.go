package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkPackageDocs reports packages whose doc comment is missing, written more
// than once, or not in the usual form. A package of tests alone has its comment
// in one of them.
func checkPackageDocs(t *tree) []string {
	var problems []string
	for _, p := range t.sorted() {
		files := p.files
		if len(files) == 0 {
			files = p.tests
		}
		var docs []*file
		for _, f := range files {
			if f.Doc != nil {
				docs = append(docs, f)
			}
		}
		if len(docs) != 1 {
			problems = append(problems, fmt.Sprintf("%s: %d package comments, want 1", p.dir, len(docs)))
			continue
		}
		f := docs[0]
		want := "Package " + strings.TrimSuffix(f.Name.Name, "_test") + " "
		if f.Name.Name == "main" {
			want = "Command "
		}
		if !strings.HasPrefix(f.Doc.Text(), want) {
			problems = append(problems, fmt.Sprintf("%s: the package comment does not begin with %q", f.path, want))
		}
	}
	return problems
}

// checkDocs reports exported names without a comment: functions, methods of
// exported types and of interfaces, types, constants and variables. One comment
// may serve a group of constants or variables. Fields are left to judgement, and
// conventional methods need none.
func checkDocs(t *tree) []string {
	var problems []string
	for _, p := range t.sorted() {
		for _, f := range p.written() {
			for _, id := range undocumented(f.File) {
				problems = append(problems, fmt.Sprintf("%s: %s has no comment", t.fset.Position(id.Pos()), id.Name))
			}
		}
	}
	return problems
}

// conventional contains methods that need no comment, because their meaning is always the
// same.
var conventional = []string{"Error", "String", "Unwrap"}

// undocumented returns the exported names in f without a comment.
func undocumented(f *ast.File) []*ast.Ident {
	var found []*ast.Ident
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			known := d.Recv != nil && slices.Contains(conventional, d.Name.Name)
			if d.Doc == nil && !known && d.Name.IsExported() && exportedReceiver(d) {
				found = append(found, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				found = append(found, undocumentedSpec(d, spec)...)
			}
		}
	}
	return found
}

// exportedReceiver reports whether d is a function or the method of an exported
// type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return false
		}
	}
}

// undocumentedSpec returns the exported names of spec, which is part of d,
// without a comment.
func undocumentedSpec(d *ast.GenDecl, spec ast.Spec) []*ast.Ident {
	var found []*ast.Ident
	switch s := spec.(type) {
	case *ast.TypeSpec:
		grouped := d.Lparen.IsValid()
		if s.Name.IsExported() && s.Doc == nil && (grouped || d.Doc == nil) {
			found = append(found, s.Name)
		}
		if i, ok := s.Type.(*ast.InterfaceType); ok && s.Name.IsExported() {
			found = append(found, undocumentedMethods(i)...)
		}
	case *ast.ValueSpec:
		if d.Doc != nil || s.Doc != nil || s.Comment != nil {
			break
		}
		for _, id := range s.Names {
			if id.IsExported() {
				found = append(found, id)
			}
		}
	}
	return found
}

// undocumentedMethods returns the exported methods of i without a comment.
func undocumentedMethods(i *ast.InterfaceType) []*ast.Ident {
	var found []*ast.Ident
	for _, m := range i.Methods.List {
		for _, id := range m.Names {
			if id.IsExported() && m.Doc == nil && m.Comment == nil {
				found = append(found, id)
			}
		}
	}
	return found
}

// checkInit reports functions named init outside tests. They run in every program that
// imports the package.
func checkInit(t *tree) []string {
	var problems []string
	for _, p := range t.sorted() {
		for _, f := range p.files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					problems = append(problems, fmt.Sprintf("%s: func init", t.fset.Position(fn.Pos())))
				}
			}
		}
	}
	return problems
}

func TestCheckPackageDocs(t *testing.T) {
	got := checkPackageDocs(parse(t, map[string]string{
		"good/a.go":       "// Package good is documented.\npackage good",
		"good/b.go":       "package good",
		"good/a_test.go":  "// Package good is tested.\npackage good",
		"none/a.go":       "package none",
		"none/a_test.go":  "// Package none is documented in the wrong place.\npackage none",
		"two/a.go":        "// Package two is documented.\npackage two",
		"two/b.go":        "// Package two is documented again.\npackage two",
		"form/a.go":       "// This package is not in form.\npackage form",
		"tests/a_test.go": "// Package tests has tests only.\npackage tests_test",
		"cmd/x/main.go":   "// Command x runs.\npackage main",
		"cmd/y/main.go":   "// Package main runs.\npackage main",
	}))
	want := []string{
		`cmd/y/main.go: the package comment does not begin with "Command "`,
		`form/a.go: the package comment does not begin with "Package form "`,
		"none: 0 package comments, want 1",
		"two: 2 package comments, want 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestCheckDocs(t *testing.T) {
	const src = `package p
func Bare() {}
// Told is documented.
func Told() {}
func quiet() {}
type BareType struct{ Field int }
func (BareType) BareMethod() {}
func (*Generic[T]) BareMethod2() {}
func (*BareType) Error() string { return "" }
func Unwrap() {}
// Told is documented.
func (*BareType) Told() {}
func (hidden) Method() {}
type hidden struct{}
// Generic is documented.
type Generic[T any] struct{}
type (
	// Grouped is documented.
	Grouped int
	BareGrouped int
)
// Iface is documented.
type Iface interface {
	BareCall()
	// Told is documented.
	Told()
	Beside() // is documented
	error
}
const BareConst, hiddenConst = 1, 2
// Consts are documented.
const (
	One = 1
	Two = 2
)
var (
	BareVar int
	TailVar int // is documented
)
`
	parsed := parse(t, map[string]string{
		"p/p.go":      src,
		"p/p_test.go": "package p\nfunc TestBare() {}",
		"p/gen.go":    "// Code generated by hand. DO NOT EDIT.\npackage p\nfunc Generated() {}",
	})
	var got []string
	for _, problem := range checkDocs(parsed) {
		got = append(got, strings.Fields(problem)[1])
	}
	want := []string{
		"Bare", "BareType", "BareMethod", "BareMethod2", "Unwrap", "BareGrouped", "BareCall", "BareConst", "BareVar",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestCheckInit(t *testing.T) {
	got := checkInit(parse(t, map[string]string{
		"p/p.go":      "package p\nfunc init() {}\ntype t struct{}\nfunc (t) init() {}",
		"p/p_test.go": "package p\nfunc init() {}",
	}))
	if diff := cmp.Diff([]string{"p/p.go:2:1: func init"}, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
