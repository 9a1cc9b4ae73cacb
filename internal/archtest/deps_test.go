package archtest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkDeps compares the direct requirements of goMod, the text of a go.mod
// file, with list. Each line of list is a module and its reason.
func checkDeps(goMod, list string) []string {
	var problems []string
	direct, required := requirements(goMod)
	reasons := map[string]string{}
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		mod, reason, _ := strings.Cut(line, " ")
		reasons[mod] = strings.TrimSpace(reason)
		if reasons[mod] == "" {
			problems = append(problems, mod+" is listed without a reason")
		}
		if !required[mod] {
			problems = append(problems, mod+" is listed but not required")
		}
	}
	for _, mod := range direct {
		if _, ok := reasons[mod]; !ok {
			problems = append(problems, mod+" is required but not listed")
		}
	}
	return problems
}

// requirements returns the modules that goMod requires directly, in its order,
// and the set of all that it requires.
func requirements(goMod string) (direct []string, required map[string]bool) {
	required = map[string]bool{}
	block := false
	for line := range strings.Lines(goMod) {
		code, comment, _ := strings.Cut(strings.TrimSpace(line), "//")
		fields := strings.Fields(code)
		switch {
		case len(fields) == 0:
			continue
		case block && fields[0] == ")":
			block = false
			continue
		case fields[0] == "require" && fields[1] == "(":
			block = true
			continue
		case fields[0] == "require":
			fields = fields[1:]
		case !block:
			continue
		}
		required[fields[0]] = true
		if strings.TrimSpace(comment) != "indirect" {
			direct = append(direct, fields[0])
		}
	}
	return direct, required
}

// TestDeps checks that each directly required module has a reason in the list.
func TestDeps(t *testing.T) {
	goMod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("testdata/deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range checkDeps(string(goMod), string(list)) {
		t.Errorf("%s: see internal/archtest/testdata/deps.txt", problem)
	}
}

func TestCheckDeps(t *testing.T) {
	const goMod = `module rollcall

go 1.26

require example.org/single v1.0.0
require example.org/far v1.0.0 // indirect

require (
	example.org/listed v1.2.3
	// a comment
	example.org/unlisted v0.0.0-20260101000000-abcdefabcdef
	example.org/near v1.0.0 // indirect
)

replace (
	example.org/near => ../near
)

tool example.org/listed/cmd/x
`
	const list = `# Reasons.

example.org/single  one line
example.org/listed  several words
example.org/near    not direct yet
example.org/bare
example.org/gone    no longer used
`
	got := checkDeps(goMod, list)
	want := []string{
		"example.org/bare is listed without a reason",
		"example.org/bare is listed but not required",
		"example.org/gone is listed but not required",
		"example.org/unlisted is required but not listed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
