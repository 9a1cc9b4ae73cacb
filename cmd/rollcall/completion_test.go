package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/loadgen"
	"rollcall/rollcalltest"
)

func completionScript(t *testing.T, shell string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), &environment{nil, &stdout, &stderr}, []string{"completion", shell}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	return stdout.String()
}

// TestCompletionBash checks the words that bash offers at the cursor.
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
		{"rollcall app list --output ", []string{"table", "json"}},
		{"rollcall app list --output j", []string{"json"}},
		{"rollcall app list --output = j", []string{"json"}}, // bash splits --output=j like this
		{"rollcall app list --output =", []string{"table", "json"}},
		{"rollcall app create 1 --edition s", []string{"standard"}},
		{"rollcall app set --edition p", []string{"pro"}},
		{"rollcall token create x --scope w", []string{"write"}},
		{"rollcall bench --workload del", []string{"delete-100"}},
		{"rollcall completion z", []string{"zsh"}},
		{"rollcall serve --log-format t", []string{"text"}},
		{"rollcall serve --log-level w", []string{"warn"}},
		{"rollcall import --rejects ", nil}, // so bash offers files
		{"rollcall account import --nick ", nil},
		{"rollcall app create 1 --setting allow_d", []string{"allow_delete"}},
		{"rollcall app set --setting quo", []string{"quota"}},
		{"rollcall app set --unset tomb", []string{"tombstone_days"}},
		{"rollcall help ", []string{"serve", "app", "sig", "completion"}},
		{"rollcall help ac", []string{"account"}},
		{"rollcall app admin ", []string{"add", "remove", "--help"}},
	} {
		got := bashWords(t, script, tt.line)
		for _, word := range tt.want {
			if !slices.Contains(got, word) {
				t.Errorf("%q: %q, want %q among them", tt.line, got, word)
			}
		}
		if len(tt.want) < 2 && len(got) != len(tt.want) {
			t.Errorf("%q: %q, want %q alone", tt.line, got, tt.want)
		}
	}
}

// TestCompletionLive checks that shells offer what the server has.
func TestCompletionLive(t *testing.T) {
	dir := t.TempDir()
	srv := rollcalltest.NewServer(t)
	key, err := srv.AdminClient.AddKey(t.Context(), srv.SDKAppID, client.NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "context.json")
	saved := fmt.Sprintf(`{"url":%q,"sdkappid":%d,"admin_token":%q}`, srv.URL, srv.SDKAppID, srv.AdminToken)
	if err := os.WriteFile(file, []byte(saved), 0o600); err != nil {
		t.Fatal(err)
	}
	app := fmt.Sprint(srv.SDKAppID)
	for _, tt := range []struct{ kind, want string }{
		{"apps", app}, {"keys", key.Key.ID}, {"admins", client.Administrator},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), &environment{nil, &stdout, &stderr}, []string{"complete", tt.kind, "--context", file}); code != exitOK || !slices.Contains(strings.Fields(stdout.String()), tt.want) {
			t.Errorf("%s: exit code %d, %q, want %s in it; %s", tt.kind, code, &stdout, tt.want, &stderr)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), &environment{nil, &stdout, &stderr}, []string{"complete", "apps", "--url", "http://127.0.0.1:1"}); code == exitOK || stdout.Len()+stderr.Len() > 0 {
		t.Errorf("without a server: exit code %d, %q %q, want silence", code, &stdout, &stderr)
	}
	program := filepath.Join(dir, "rollcall") // as the script calls it
	if err := os.WriteFile(program, []byte("#!/bin/sh\n[ \"$1 $2\" = 'complete apps' ] && echo 1400000042\n[ \"$1 $2\" = 'complete keys' ] && echo 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	script := completionScript(t, "bash")
	for line, want := range map[string]string{"app show 14": "1400000042", "app key retire 7": "7", "app list --sdkappid ": "1400000042"} {
		if got := bashWords(t, script, program+" "+line); !slices.Contains(got, want) {
			t.Errorf("%q: %q, want %s in it", line, got, want)
		}
	}
}

// bashWords returns the words that bash offers at the end of a line.
func bashWords(t *testing.T, script, line string) []string {
	t.Helper()
	const ask = `eval "$1"; read -ra COMP_WORDS <<<"$2"; [[ $2 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _rollcall; echo "${COMPREPLY[@]}"`
	out, err := exec.Command("bash", "-c", ask, "bash", script, line).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// TestCompletionSyntax lets each shell parse its script. It skips shells that are not
// installed.
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

// TestHelp checks that the help of every command has an example, and that it is the same
// whether the parser knows all commands or only this one.
func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	env := &environment{nil, &stdout, &stderr}
	whole := newParser(env, new(cli)) // which takes longer than a help text
	for line := range strings.Lines(completionScript(t, "fish")) {
		path, ok := strings.CutPrefix(line, "            case ")
		if !ok {
			continue
		}
		for command := range strings.SplitSeq(strings.Trim(path, "'\n"), "' '") {
			args := strings.Fields(command)
			stdout.Reset()
			args = append(args, "--help")
			code := run(t.Context(), env, args)
			if code != exitOK {
				t.Errorf("%q: exit code %d", args, code)
			}
			group := strings.Contains(stdout.String(), "\nCommands:\n")
			if !group && args[0] != "version" && args[0] != "sig" && !strings.Contains(stdout.String(), "rollcall "+args[0]) {
				t.Errorf("%q: the help has no example:\n%s", args, &stdout)
			}
			part := stdout.String()
			stdout.Reset()
			if runWith(t.Context(), env, whole, args); stdout.String() != part {
				t.Errorf("%q: the help has been\n%s\nwith a parser of all commands:\n%s", args, part, &stdout)
			}
		}
	}
}

// TestCompletionWords compares the words offered after a flag with the values that its
// command accepts.
func TestCompletionWords(t *testing.T) {
	var workloads, editions []string
	for _, w := range loadgen.Workloads() {
		workloads = append(workloads, w.Name)
	}
	for _, e := range account.Editions() {
		editions = append(editions, string(e))
	}
	for _, tt := range []struct {
		command, flag string
		want          []string
	}{
		{"bench", "workload", workloads},
		{"app set", "edition", editions},
	} {
		for _, leaf := range model(t, new(cli)).Leaves(true) {
			if leaf.Path() != "rollcall "+tt.command && leaf.FullPath() != "rollcall "+tt.command {
				continue
			}
			i := slices.IndexFunc(leaf.Flags, func(f *kong.Flag) bool { return f.Name == tt.flag })
			if got := strings.Split(leaf.Flags[i].Tag.Get("values"), ","); !slices.Equal(got, tt.want) {
				t.Errorf("%s --%s: %q, want %q", tt.command, tt.flag, got, tt.want)
			}
		}
	}
}

// TestCompletionValues checks that zsh and fish complete both words and files.
func TestCompletionValues(t *testing.T) {
	for shell, lines := range map[string][]string{
		"zsh":  {"    (--output) compadd -- table json; return ;;", "    (--rejects) _files; return ;;"},
		"fish": {" -x -a 'table json'", ` -n '__rollcall_at \' backup\'' -f -a 'drill'`, " -l 'ca' -d 'Certificates in PEM to trust besides the system\\'s.' -r -F"},
	} {
		script := completionScript(t, shell)
		for _, line := range lines {
			if !strings.Contains(script, line) {
				t.Errorf("%s: no %q", shell, line)
			}
		}
	}
}
