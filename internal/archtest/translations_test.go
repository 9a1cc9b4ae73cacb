package archtest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const translated = ".zh-CN.md"

// developerDocs contains the hand-written documents that only developers of Rollcall read.
// They are in English alone.
var developerDocs = []string{"architecture.md"}

// TestTranslations checks that each hand-written document for users exists in Chinese, too,
// and that the two agree line by line in everything but words. So a change of one of them
// cannot be forgotten in the other.
func TestTranslations(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, file := range files {
		text := readDocument(t, file)
		generated := strings.HasPrefix(text, "<!-- Generated")
		if generated || strings.HasSuffix(file, translated) || slices.Contains(developerDocs, filepath.Base(file)) {
			continue
		}
		chinese := strings.TrimSuffix(file, ".md") + translated
		if _, err := os.Stat(chinese); err != nil {
			t.Errorf("%s has no translation: write %s, or list it in developerDocs if no user reads it", file, chinese)
			continue
		}
		for _, problem := range checkTranslation(text, readDocument(t, chinese)) {
			t.Errorf("%s and its translation differ: %s", file, problem)
		}
	}
}

func readDocument(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkTranslation reports the lines whose skeletons differ, and different lines of code.
// Behind an added or removed line all others differ, so it reports the first of them only.
func checkTranslation(text, translation string) []string {
	lines, others := strings.Split(text, "\n"), strings.Split(translation, "\n")
	var problems []string
	fenced := false
	for i := range min(len(lines), len(others)) {
		want, got := lines[i], others[i]
		if strings.HasPrefix(want, "```") {
			fenced = !fenced
		} else if !fenced && !strings.HasPrefix(want, "    ") {
			want, got = skeleton(want), skeleton(got)
		}
		if want != got {
			problems = append(problems, fmt.Sprintf("line %d has %s, in Chinese %s", i+1, want, got))
		}
	}
	if len(lines) == len(others) {
		return problems
	}
	return append(problems[:min(1, len(problems))], fmt.Sprintf("%d lines, in Chinese %d", len(lines), len(others)))
}

var (
	marker = regexp.MustCompile(`^ *(#+|[-*]|[0-9]+\.) `)
	target = regexp.MustCompile(`\]\(([^)#]*)[^)]*\)`)
	number = regexp.MustCompile(`([0-9]+(?:[.,][0-9]+)*)(?: ?(thousand|million|万|亿))?`)
	zeros  = map[string]string{"thousand": "000", "million": "000000", "万": "0000", "亿": "00000000"}
)

// skeleton returns what a line keeps in a translation: of text, the sign of a heading or
// an item, and in any order the spans of code, the numbers in digits, and the files that
// links name; of a row, the same for each cell.
func skeleton(line string) string {
	if cells := strings.Split(line, "|"); strings.HasPrefix(line, "|") {
		for i, cell := range cells {
			cells[i] = skeleton(strings.TrimSpace(cell))
		}
		return strings.Join(cells, "|")
	}
	if line == "" {
		return "nothing"
	}
	var spans, numbers, targets []string
	for _, m := range code.FindAllStringSubmatch(line, -1) {
		spans = append(spans, m[1])
	}
	text := code.ReplaceAllString(line, "")
	for _, m := range target.FindAllStringSubmatch(text, -1) {
		targets = append(targets, strings.Replace(m[1], translated, ".md", 1))
	}
	for _, m := range number.FindAllStringSubmatch(target.ReplaceAllString(text, ""), -1) {
		numbers = append(numbers, m[1]+zeros[m[2]])
	}
	return marker.FindString(line) + "text" + list("code", spans) + list("numbers", numbers) + list("links", targets)
}

// list returns the different values in order, behind their name, or nothing if there are
// none.
func list(name string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	slices.Sort(values)
	return fmt.Sprintf(", %s %q", name, slices.Compact(values))
}

func TestCheckTranslation(t *testing.T) {
	const text = "# Guide\n\n[中文](guide.zh-CN.md)\n\n" +
		"1. Run `a` within 10 s, then `b`; [more](more.md#first) for 2 million.\n\n" +
		"```sh\na --flag\n```\n\n    b\n\n| x | 1 |"
	const translation = "# 指南\n\n[English](guide.md)\n\n" +
		"1. 先执行 `b`，再在 10 秒内执行 `a`；200 万个见[更多](more.zh-CN.md#第一)。\n\n" +
		"```sh\na --flag\n```\n\n    b\n\n| 甲 | 1 |"
	if got := checkTranslation(text, translation); len(got) != 0 {
		t.Fatalf("problems %q in a good translation", got)
	}
	for name, tt := range map[string]struct{ old, changed, want string }{
		"heading":    {"# 指南", "## 指南", "line 1 has "},
		"list":       {"1. 先", "2. 先", "line 5 has "},
		"span":       {"`b`", "`c`", "line 5 has "},
		"no span":    {"`b`", "b", "line 5 has "},
		"number":     {"10 秒", "100 秒", "line 5 has "},
		"large":      {"200 万", "200 亿", "line 5 has "},
		"link":       {"more.zh-CN.md", "less.zh-CN.md", "line 5 has "},
		"code":       {"a --flag", "a --flags", "line 8 has "},
		"indented":   {"    b", "    c", "line 11 has "},
		"no fence":   {"```sh", "", "line 7 has "},
		"language":   {"```sh", "```go", "line 7 has "},
		"cells":      {"| 甲 ", "| 甲 | 乙 ", "line 13 has "},
		"other cell": {"| 甲 | 1 |", "| 1 | 甲 |", "line 13 has "},
		"empty cell": {"| 甲 ", "| ", "line 13 has "},
		"paragraph":  {"[English](guide.md)", "", "line 3 has "},
		"more lines": {"[English]", "新\n[English]", "13 lines, in Chinese 14"},
		"fewer":      {"\n\n| 甲 | 1 |", "", "13 lines, in Chinese 11"},
	} {
		t.Run(name, func(t *testing.T) {
			got := checkTranslation(text, strings.Replace(translation, tt.old, tt.changed, 1))
			if !slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, tt.want) }) {
				t.Errorf("problems %q, want one that begins %q", got, tt.want)
			}
		})
	}
}
