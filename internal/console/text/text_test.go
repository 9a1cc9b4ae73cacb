package text

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSameKeys checks that all languages have the same texts, with the same verbs.
func TestSameKeys(t *testing.T) {
	en, zh := In(English), In(Chinese)
	if diff := cmp.Diff(en.Keys(), zh.Keys()); diff != "" {
		t.Errorf("keys (-en +zh):\n%s", diff)
	}
	verb := regexp.MustCompile(`%(\[\d\])?[a-z]`)
	for _, key := range en.Keys() {
		if a, b := verb.FindAllString(en.T(key), -1), verb.FindAllString(zh.T(key), -1); len(a) != len(b) {
			t.Errorf("%s has the verbs %v in en and %v in zh", key, a, b)
		}
	}
}

// TestNoComments checks that no text is cut: in YAML, " #" begins a comment.
func TestNoComments(t *testing.T) {
	for name, file := range map[string][]byte{"en": english, "zh": chinese} {
		for line := range strings.Lines(string(file)) {
			if _, value, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(value, `"`) && strings.Contains(value, " #") {
				t.Errorf("%s.yaml cuts the text at #: %s", name, line)
			}
		}
	}
}

// computed are the beginnings of keys that the code computes.
var computed = []string{"problem.", "form.takes.", "remedy.", "menu.", "layout.theme.", "setting.", "appset.group.", "tokens.scope.", "account.tag.", "start.spans.", "imports.states.", "imports.pause", "imports.resume", "imports.cancel", "serverset.from.", "serverset.of.", "usersig.status.", "usersig.step-of.", "call.retry.", "try.example.", "try.command.", "try.field."}

// TestUsed checks that each text is used, and that each used key has a text.
func TestUsed(t *testing.T) {
	key := regexp.MustCompile(`"([a-z][a-z0-9-]*(?:\.[a-z0-9_-]+)+)"`)
	used := map[string]bool{}
	var files []string
	for _, pattern := range []string{"../*.go", "../view/*.templ", "../view/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	en := In(English)
	sections := map[string]bool{}
	for _, k := range en.Keys() {
		section, _, _ := strings.Cut(k, ".")
		sections[section] = true
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_templ.go") || strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllStringSubmatch(string(b), -1) {
			section, rest, _ := strings.Cut(m[1], ".")
			if !sections[section] || slices.Contains([]string{"js", "css", "svg", "yaml"}, rest) {
				continue
			}
			used[m[1]] = true
			if !en.Has(m[1]) {
				t.Errorf("%s uses %s, which has no text", file, m[1])
			}
		}
	}
	for _, k := range en.Keys() {
		if !used[k] && !slices.ContainsFunc(computed, func(p string) bool { return strings.HasPrefix(k, p) }) {
			t.Errorf("nothing uses %s", k)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		chosen, header string
		want           Language
	}{
		{"", "", English},
		{"", "zh-CN,zh;q=0.9,en;q=0.8", Chinese},
		{"", "zh-TW", Chinese},
		{"", "fr,en;q=0.5,zh;q=0.4", English},
		{"", "de", English},
		{"", ";;;", English},
		{"zh", "en", Chinese},
		{"en", "zh", English},
		{"xx", "zh", Chinese},
	} {
		if got := Choose(c.chosen, c.header); got != c.want {
			t.Errorf("Choose(%q, %q) = %s, want %s", c.chosen, c.header, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	if got, want := In(English).Number(1234567), "1,234,567"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
