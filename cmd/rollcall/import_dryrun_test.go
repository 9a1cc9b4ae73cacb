package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/dryrun"
)

// checkFiles makes a dry run of files, whose texts are given by name.
func checkFiles(t *testing.T, ctx context.Context, c *importCmd, to *target, stdin io.Reader, texts ...string) (stdout string, err error) {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		name := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.Files = append(c.Files, name)
	}
	c.Quiet = true
	var out bytes.Buffer
	err = c.dryRun(ctx, &environment{stdin: stdin, stdout: &out, stderr: io.Discard}, to)
	return strings.ReplaceAll(out.String(), dir+string(filepath.Separator), ""), err
}

func TestDryRun(t *testing.T) {
	nowhere := &target{count: -1}
	strict := &client.App{SDKAppID: 1, Edition: string(account.Development), Settings: account.Settings{StrictIDs: true, Quota: 1}}
	vendor := &target{name: "https://console.tim.qq.com, app 1", vendor: true, count: -1, limits: map[string]float64{"multiaccount_import": 90}, limited: "by the vendor"}
	for _, tt := range []struct {
		name  string
		to    *target
		stdin string
		texts []string
		want  []string // parts of the output
		err   string
		code  int
	}{
		{"clean", nowhere, "", []string{"userid\nalice\n"}, []string{"1  rows in a\n", "1  would be imported, as 1 account\n", "0  would be rejected\n", "\nNot checked: the tags, words, quota and strict ids of the app, because"}, "", exitOK},
		{"unknown app", &target{count: -1, unknown: errors.New("404 there is none")}, "", []string{"userid\na\n"}, []string{"because 404 there is none.\n"}, "", exitOK},
		{"vendor", vendor, "", []string{"userid\na\n"}, []string{"because the vendor does not tell them.\n"}, "", exitOK},
		{"warnings alone", nowhere, "", []string{"userid\nalice\nalice\n", "userid\nAlice\n"}, []string{"3  rows in 2 files, a to b\n", "a:2 \"alice\" and line 3\n", "a:2 \"alice\" and b:2 \"Alice\"\n"}, "", exitOK},
		{"rejected", nowhere, "", []string{"userid\n@alice\n"}, []string{"1  would be rejected\n", "a:2 \"@alice\"\n"}, "", exitSomeFailed},
		{"rules and quota of the app", &target{app: strict, count: 0}, "", []string{"userid\na.b\n"}, []string{"the UserID may hold only letters, digits, _ and -", "Quota: enough"}, "", exitSomeFailed},
		{"over the quota", &target{app: strict, count: 0}, "", []string{"userid\na\nb\n"}, []string{"It refuses up to 1 of the accounts"}, "", exitSomeFailed},
		{"perhaps over the quota", &target{app: strict, count: 1}, "", []string{"userid\na\n"}, []string{"It refuses up to 1 of the accounts"}, "", exitOK},
		{
			"the vendor", vendor, "",
			[]string{"userid\na" + strings.Repeat("\na1", 9000) + "\n"},
			[]string{"Time: 1.0s, for 91 calls of 100 accounts at 90 a second, limited by the vendor, into https://console.tim.qq.com, app 1.\n"},
			"", exitOK,
		},
		{"trial edition", vendor, "", []string{"userid" + numbered(101)}, []string{"An app of the vendor's trial edition takes 100 accounts"}, "", exitOK},
		{"standard input", nowhere, "userid\na\na\n", nil, []string{"2  rows in standard input\n", "standard input:2 and line 3\n"}, "", exitOK},
		{"no rows", nowhere, "", []string{"userid\n"}, []string{"0  rows in a\n"}, "", exitOK},
		{"no header", nowhere, "", []string{"userid\na\n", "alice,Alice\n"}, nil, "is no header", exitFailure},
		{"breaks off", nowhere, "", []string{"userid,nick\na,b\nb,\"c\nd\"x\n"}, []string{"Only the rows before this error were checked: a: line 3: something follows", "1  rows in a\n"}, "something follows", exitFailure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &importCmd{}
			if tt.stdin != "" {
				c.Files = []string{"-"}
			}
			out, err := checkFiles(t, t.Context(), c, tt.to, strings.NewReader(tt.stdin), tt.texts...)
			code := exitOK
			if err != nil {
				code = codeOf(err)
			}
			if code != tt.code || !strings.Contains(errText(err), tt.err) {
				t.Errorf("exit code %d, error %v; want %d, %q", code, err, tt.code, tt.err)
			}
			if tt.to.app != nil && strings.Contains(out, "Not checked") {
				t.Errorf("the app is known:\n%s", out)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// numbered returns n lines with an id each.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("\nu" + strings.Repeat("x", i%20) + string(rune('a'+i/20)))
	}
	return b.String()
}

// TestDryRunStream has no time for a stream, which no limit of calls holds back.
func TestDryRunStream(t *testing.T) {
	to := &target{name: "T", count: -1, admin: new(client.AdminClient), limits: map[string]float64{"multiaccount_import": 1}}
	for via, want := range map[string]string{"auto": "no limit is known, so as fast as T answers", "wire": "1.0s, for 1 call of 100 accounts at 1 a second"} {
		c := &importCmd{}
		c.Via = via
		if out, err := checkFiles(t, t.Context(), c, to, nil, "userid\na\n"); err != nil || !strings.Contains(out, want) {
			t.Errorf("--via %s: error %v, output\n%s", via, err, out)
		}
	}
}

func TestDryRunJSON(t *testing.T) {
	c := &importCmd{}
	c.Output = "json"
	out, err := checkFiles(t, t.Context(), c, &target{count: -1}, nil, "userid\na\na\n,\n")
	var r dryrun.Report
	if jsonErr := json.Unmarshal([]byte(out), &r); jsonErr != nil || !errors.Is(err, errSomeFailed) {
		t.Fatal(jsonErr, err)
	}
	if r.Rows != 3 || r.Accepted != 2 || r.Accounts != 1 || len(r.Rejections) != 1 || r.Warnings[0].Examples[0].Later.Line != 3 {
		t.Errorf("report %+v", r)
	}
}

// TestDryRunInterrupted ends while standard input is silent.
func TestDryRunInterrupted(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close() // ends the read
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := &importCmd{Files: []string{"-"}}
	if text, err := checkFiles(t, ctx, c, &target{count: -1}, in); text != "" || err == nil || !strings.Contains(err.Error(), "nothing was imported") {
		t.Errorf("output %q, error %v", text, err)
	}
}
