package testutil

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// FieldComments returns the comments of all struct fields in a Go file, by the name of the
// field. Each is joined to one paragraph. Documents are generated from them.
func FieldComments(tb testing.TB, file string) map[string]string {
	tb.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		tb.Fatal(err)
	}
	comments := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if field, ok := n.(*ast.Field); ok && len(field.Names) == 1 {
			comments[field.Names[0].Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
		}
		return true
	})
	return comments
}
