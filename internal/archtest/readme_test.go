package archtest

import (
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Words in cells of the tables.
var (
	nothingWords    = []string{"nothing", "无"}
	everythingWords = []string{"everything", "全部"}
)

var (
	// tableRow matches a row of the table of a README: a directory, its content, and its
	// allowed imports.
	tableRow = regexp.MustCompile("(?m)^\\| (`[^|]*`) \\| [^|]* \\| ([^|]+) \\|$")
	code     = regexp.MustCompile("`([^`]+)`")
)

// TestReadmes checks that the tables of the READMEs name every package and allow the same
// imports as its rule.
func TestReadmes(t *testing.T) {
	for _, file := range []string{"README.md", "README.zh-CN.md"} {
		b, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range checkTable(string(b)) {
			t.Errorf("%s: %s", file, problem)
		}
	}
}

// checkTable reports differences between the table in text and the rules. It ignores rows
// of other modules, which have no third cell.
func checkTable(text string) []string {
	var problems []string
	missing := maps.Clone(imports)
	for _, row := range tableRow.FindAllStringSubmatch(text, -1) {
		allowed := allowedBy(row[2])
		for _, dir := range expand(strings.Trim(row[1], "`")) {
			name, ok := ruleName(dir)
			if !ok {
				problems = append(problems, dir+" has no rule")
				continue
			}
			delete(missing, name)
			if want := slices.Sorted(slices.Values(imports[name])); !slices.Equal(want, allowed) {
				problems = append(problems, fmt.Sprintf("%s may import %q, says the table; the rule is %q", dir, allowed, want))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		problems = append(problems, name+" is not in the table")
	}
	return problems
}

// allowedBy returns the packages that a cell allows, in the form of a rule, sorted.
func allowedBy(cell string) []string {
	var allowed []string
	if slices.ContainsFunc(everythingWords, func(w string) bool { return strings.HasPrefix(cell, w) }) {
		allowed = append(allowed, anything)
	}
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		name := m[1]
		if _, ok := imports["internal/"+name]; ok || strings.HasPrefix(name, "store/") || name == "console/..." {
			name = "internal/" + name
		}
		allowed = append(allowed, name)
	}
	if len(allowed) == 0 && !slices.Contains(nothingWords, cell) {
		allowed = append(allowed, "what? "+cell)
	}
	slices.Sort(allowed)
	return allowed
}

// expand returns the directories of a name with braces, which it expands as a shell does.
func expand(name string) []string {
	dir, rest, ok := strings.Cut(name, "{")
	if !ok {
		return []string{name}
	}
	var dirs []string
	for base := range strings.SplitSeq(strings.TrimSuffix(rest, "}"), ",") {
		dirs = append(dirs, path.Join(dir, base))
	}
	return dirs
}

func TestCheckTable(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ old, changed, want string }{
		"allows more":    {"| the rules | `account`, `records`, `session` |", "| the rules | `account`, `records`, `session`, `wire` |", `internal/directory may import ["internal/account" "internal/records" "internal/session" "internal/wire"]`},
		"allows less":    {"| the rules | `account`, `records`, `session` |", "| the rules | nothing |", "internal/directory may import []"},
		"says nothing":   {"| the rules | `account`, `records`, `session` |", "| the rules | perhaps |", `internal/directory may import ["what? perhaps"]`},
		"lacks a row":    {"| `internal/config` |", "| config |", "internal/config is not in the table"},
		"lacks one of a": {"{checked,metered}", "{checked}", "internal/store/metered is not in the table"},
		"too many":       {"{checked,metered}", "{checked,metered,tape}", "internal/store/tape has no rule"},
		"everything":     {"| the rules | `account`, `records`, `session` |", "| the rules | everything |", `internal/directory may import ["*"]`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(text), tt.old, tt.changed, 1)
			if changed == string(text) {
				t.Fatalf("README.md has no %q", tt.old)
			}
			got := checkTable(changed)
			if !slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, tt.want) }) {
				t.Errorf("problems %q, want one that begins %q", got, tt.want)
			}
		})
	}
}
