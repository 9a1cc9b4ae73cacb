package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	fencedCode = regexp.MustCompile("(?ms)^```.*?^```$")
	link       = regexp.MustCompile(`\[([^\]]*)\]\(([^)# ]*)(?:#([^) ]*))?\)`)
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// TestLinks checks that links between documents lead to files and headings that exist, and
// those of a translation to other translations.
func TestLinks(t *testing.T) {
	for _, pattern := range []string{"../../*.md", "../../docs/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no documents %s: %v", pattern, err)
		}
		for _, file := range files {
			for _, problem := range checkLinks(file, readDocument(t, file)) {
				t.Errorf("%s: %s", file, problem)
			}
		}
	}
}

// checkLinks reports wrong links in the text of a file.
func checkLinks(file, text string) []string {
	var problems []string
	for _, m := range link.FindAllStringSubmatch(fencedCode.ReplaceAllString(text, ""), -1) {
		if strings.Contains(m[2], "://") {
			continue
		}
		to := file
		if m[2] != "" {
			to = filepath.Join(filepath.Dir(file), m[2])
		}
		_, err := os.Stat(to)
		counterpart := strings.TrimSuffix(to, ".md") + translated
		_, other := os.Stat(counterpart)
		switch {
		case err != nil:
			problems = append(problems, "no such file: "+m[0])
		case m[3] != "" && !slices.Contains(anchors(to), m[3]):
			problems = append(problems, "no such heading: "+m[0])
		case strings.HasSuffix(file, translated) && m[1] != "English" && other == nil:
			problems = append(problems, "there is a translation for "+m[0])
		}
	}
	return problems
}

// anchors returns the fragments by which links name the headings of a document, as GitHub
// makes them: small letters, digits, "_" and "-", which also stands for a space.
func anchors(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var found []string
	for _, m := range heading.FindAllStringSubmatch(string(text), -1) {
		found = append(found, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune("-_", r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1]))
	}
	return found
}

func TestCheckLinks(t *testing.T) {
	const good = "[a](README.md), [b](docs/operations.md#the-admin-api), [c](https://example.com/x#y), [d](#one-two)\n# One, `two`\n"
	dir := t.TempDir()
	for name, text := range map[string]string{
		"README.md":                good,
		"README.zh-CN.md":          "",
		"docs/operations.md":       "## The admin API",
		"docs/operations.zh-CN.md": "## 管理 API",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		file, text string
		want       []string
	}{
		"good":        {"README.md", good, nil},
		"no file":     {"README.md", "[a](docs/none.md)", []string{"no such file: [a](docs/none.md)"}},
		"no heading":  {"README.md", "[a](docs/operations.md#none)", []string{"no such heading: [a](docs/operations.md#none)"}},
		"no own":      {"README.md", "[a](#none)", []string{"no such heading: [a](#none)"}},
		"in code":     {"README.md", "```\n[a](none.md)\n```", nil},
		"English":     {"README.zh-CN.md", "[English](README.md)", nil},
		"Chinese":     {"README.zh-CN.md", "[a](docs/operations.zh-CN.md#管理-api)", nil},
		"not Chinese": {"README.zh-CN.md", "[a](docs/operations.md)", []string{"there is a translation for [a](docs/operations.md)"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := checkLinks(filepath.Join(dir, tt.file), tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("problems %q, want %q", got, tt.want)
			}
		})
	}
}
