package main

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func completionScript(t *testing.T, shell string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(&environment{t.Context(), nil, &stdout, &stderr}, []string{"completion", shell}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	return stdout.String()
}

// bash offers what can stand at the cursor.
func TestCompletionBash(t *testing.T) {
	script := completionScript(t, "bash")
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"rollcall ver", []string{"version"}},
		{"rollcall app key ret", []string{"retire"}},
		{"rollcall app --output json key ret", []string{"retire"}},
		{"rollcall account import --ni", []string{"--nick"}},
		{"rollcall account import alice --face", []string{"--face-url"}},
		{"rollcall app admin ", []string{"add", "remove", "--help"}},
	} {
		const ask = `eval "$1"; read -ra COMP_WORDS <<<"$2"; [[ $2 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _rollcall; echo "${COMPREPLY[@]}"`
		out, err := exec.Command("bash", "-c", ask, "bash", script, tt.line).Output()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Fields(string(out))
		for _, word := range tt.want {
			if !slices.Contains(got, word) {
				t.Errorf("%q: %q, want %q among them", tt.line, got, word)
			}
		}
		if len(tt.want) == 1 && len(got) != 1 {
			t.Errorf("%q: %q, want %q alone", tt.line, got, tt.want)
		}
	}
}

// The other shells may not be here; where they are, they read their scripts.
func TestCompletionSyntax(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := completionScript(t, shell)
		if !strings.Contains(script, "--face-url") && !strings.Contains(script, "-l 'face-url'") {
			t.Errorf("%s: the script lacks --face-url", shell)
		}
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		cmd := exec.Command(shell, "-n")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

// Every command tells how it is used, with an example.
func TestHelp(t *testing.T) {
	for line := range strings.Lines(completionScript(t, "fish")) {
		path, ok := strings.CutPrefix(line, "            case ")
		if !ok {
			continue
		}
		for command := range strings.SplitSeq(strings.Trim(path, "'\n"), "' '") {
			args := strings.Fields(command)
			var stdout, stderr bytes.Buffer
			code := run(&environment{t.Context(), nil, &stdout, &stderr}, append(args, "--help"))
			if code != exitOK {
				t.Errorf("%q: exit code %d", args, code)
			}
			group := strings.Contains(stdout.String(), "\nCommands:\n")
			if !group && args[0] != "version" && args[0] != "sig" && !strings.Contains(stdout.String(), "rollcall "+args[0]) {
				t.Errorf("%q: the help has no example:\n%s", args, &stdout)
			}
		}
	}
}
