package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	numberedLine = regexp.MustCompile(`(?m)^- \*\*(D\d\d)\*\* `)
	numberedTest = regexp.MustCompile(`^Test(D\d\d)_`)
)

// TestDivergencesAreNumbered compares the numbers of the lines in docs/divergences.md with
// those of the tests in divergence_test.go.
func TestDivergencesAreNumbered(t *testing.T) {
	doc, err := os.ReadFile("../docs/divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range numberedLine.FindAllSubmatch(doc, -1) {
		lines = append(lines, string(m[1]))
	}
	if !slices.IsSorted(lines) || len(slices.Compact(slices.Clone(lines))) != len(lines) {
		t.Errorf("numbers out of order or repeated: %v", lines)
	}
	tests := slices.Sorted(maps.Keys(numberedTests(t)))
	if diff := cmp.Diff(lines, tests); diff != "" || len(lines) == 0 {
		t.Errorf("lines without a test (-) and tests without a line (+):\n%s", diff)
	}
}

func numberedTests(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "divergence_test.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok {
			if m := numberedTest.FindStringSubmatch(fn.Name.Name); m != nil {
				tests[m[1]] = true
			}
		}
	}
	return tests
}
