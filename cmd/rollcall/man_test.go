package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMan writes the manual pages and lets man format each, without a warning.
func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), &environment{nil, &stdout, &stderr}, []string{"man", dir}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		t.Fatal(err)
	}
	if leaves := len(model(t, new(cli)).Leaves(true)); len(files) <= leaves {
		t.Errorf("%d pages, want one for each of %d commands and for those that group them", len(files), leaves)
	}
	for file, want := range map[string][]string{
		"rollcall.1":                {".SH NAME\nrollcall \\- ", ".SH EXIT STATUS\n0 done", ".BR rollcall\\-serve (1)"},
		"rollcall-app-key-retire.1": {".B <key>", `\fB\-\-in\fR=\fIDURATION\fR`, ".SH EXAMPLES", "rollcall app key retire 1 \\-\\-in 24h", ".BR rollcall\\-app\\-key\\-add (1)"},
		"rollcall-serve.1":          {`\fB\-\-[no\-]allow\-test\-apps\fR`},
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Error(err)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s lacks %q:\n%s", file, w, text)
			}
		}
	}
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("groff is not installed")
	}
	for _, file := range files {
		out, err := exec.Command("groff", "-man", "-ww", "-Tutf8", "-z", file).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}
