package openapi

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// Comments contains the comments of types and fields in Go source. The key of the type
// admin.App is "admin.App", and that of its field Version is "admin.App.Version".
type Comments map[string]string

// ReadComments reads the packages in the given directories.
func ReadComments(dirs ...string) (Comments, error) {
	c := Comments{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			c.read(f)
		}
	}
	return c, nil
}

func (c Comments) read(f *ast.File) {
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, spec := range decl.Specs {
			t := spec.(*ast.TypeSpec)
			name := f.Name.Name + "." + t.Name.Name
			c[name] = oneLine(cmp.Or(t.Doc.Text(), decl.Doc.Text()))
			if s, ok := t.Type.(*ast.StructType); ok {
				c.readFields(name, s)
			}
		}
	}
}

func (c Comments) readFields(typeName string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		for _, id := range f.Names {
			c[typeName+"."+id.Name] = oneLine(cmp.Or(f.Doc.Text(), f.Comment.Text()))
		}
	}
}

// of returns the comment of a field of t, or that of t itself if field is empty.
func (c Comments) of(t reflect.Type, field string) string {
	name := t.String() // with the package
	if field != "" {
		name += "." + field
	}
	return c[name]
}

// source matches the citation of a source in a comment.
var source = regexp.MustCompile(`,? \((protocol|decisions)\.md[^)]*\)`)

// oneLine returns a comment as one line, without the brackets of links and without
// citations.
func oneLine(text string) string {
	text = source.ReplaceAllString(strings.Join(strings.Fields(text), " "), "")
	return strings.NewReplacer("[", "", "]", "").Replace(text)
}
