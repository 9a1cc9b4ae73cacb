package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// hostile is a text that colours a terminal, clears it, and reverses the direction of a
// line.
const hostile = "a\x1b[31m\u009b2J\u202e\x7f\U000e0001z"

// TestOutputIsClean prints a hostile text in every form of output. No character of it
// controls the terminal.
func TestOutputIsClean(t *testing.T) {
	var b strings.Builder
	for _, form := range []string{"table", "json"} {
		err := errors.Join(
			printList(&b, form, each([]string{hostile}), []column[string]{{"TEXT", func(s string) string { return s }}}),
			printThing(&b, form, map[string]string{"k": hostile}, []property{{"k", hostile}}),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	exitCode(&environment{stderr: &b}, errors.New(hostile))
	checkClean(t, b.String())
	for line := range strings.Lines(b.String()) {
		if !strings.Contains(line, `\u009b`) && strings.Contains(line, "2J") {
			t.Errorf("line %q does not show what it holds", line)
		}
	}
}

func checkClean(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if controlsTerminal(r) {
			t.Errorf("%U reaches the terminal", r)
		}
	}
}

// TestJSONKeepsText decodes the escaped text. The result is the original text.
func TestJSONKeepsText(t *testing.T) {
	text, err := encodeJSON(hostile, "")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := json.Unmarshal([]byte(text), &got); err != nil || got != hostile {
		t.Errorf("%s reads as %q, %v; want %q", text, got, err, hostile)
	}
}

// TestWideTable aligns cells with characters that are two columns wide, or none.
func TestWideTable(t *testing.T) {
	table := &table{w: new(strings.Builder)}
	for _, id := range []string{"ID", "小明", "bob", "e\u0301"} {
		table.row([]string{id, "x"})
	}
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	const want = "ID    x\n小明  x\nbob   x\ne\u0301     x\n"
	if got := table.w.(*strings.Builder).String(); got != want {
		t.Errorf("table\n%swant\n%s", got, want)
	}
}

func TestCutCell(t *testing.T) {
	for s, want := range map[string]string{"": "", "abcde": "abcde", "abcdef": "abcd…", "中文字": "中文…", "中文a": "中文a", "a\nbcd": `a\u0…`} {
		if got := cutCell(s, 5); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

// TestClean checks that a text of a user cannot control a terminal.
func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"Alice 用户":      "Alice 用户",
		"\x1b[31mred\n": `\u001b[31mred\u000a`,
		"a\u202eb\tc":   `a\u202eb\u0009c`,
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}
