package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readAll returns everything that r has.
func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// startListen starts "rollcall webhook listen" on a free port with standard output out. It
// returns the address, and a function that waits for the end and returns the exit code and
// the rest of standard error.
func startListen(t *testing.T, ctx context.Context, out io.Writer, args ...string) (address string, end func() (int, string)) {
	t.Helper()
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		args := append([]string{"webhook", "listen", "--listen", "127.0.0.1:0"}, args...)
		code <- run(ctx, &environment{strings.NewReader(""), out, w}, args)
		_ = w.Close()
	}()
	stderr := bufio.NewReader(r)
	first, err := stderr.ReadString('\n')
	if err != nil {
		t.Fatalf("exit code %d", <-code)
	}
	return strings.TrimSuffix(strings.Fields(first)[2], ";"), func() (int, string) {
		rest := readAll(t, stderr)
		return <-code, rest
	}
}

// post posts a body, which must be answered with OK.
func post(t *testing.T, url, body string) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text := readAll(t, resp.Body); resp.StatusCode != 200 || text != `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}` {
		t.Errorf("answer %d %q", resp.StatusCode, text)
	}
}

// TestWebhookListen receives at a port until it is interrupted.
func TestWebhookListen(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out strings.Builder // read when the command has ended
	address, end := startListen(t, ctx, &out, "--output", "json", "--sdkappid", "2")
	for _, body := range []string{`{"CallbackCommand":"a.b","x":"<&>"}`, "\x1b no JSON"} {
		post(t, address+"/p?SdkAppid=1&ClientIP=192.0.2.7&OptPlatform=Web", body)
	}
	interrupt()
	if code, rest := end(); code != exitOK || rest != "" {
		t.Errorf("exit code %d, %s", code, rest)
	}
	want := []string{
		`{"time":"TIME","path":"/p","sdkappid":"1","command":"a.b","client_ip":"192.0.2.7","opt_platform":"Web","problem":"other app: SdkAppid is 1, and 2 was expected","status":200,"body":{"CallbackCommand":"a.b","x":"<&>"}}`,
		`{"time":"TIME","path":"/p","sdkappid":"1","client_ip":"192.0.2.7","opt_platform":"Web","problem":"malformed webhook: the body is not a JSON object","status":200,"text":"\u001b no JSON"}`,
		"",
	}
	if diff := cmp.Diff(want, strings.Split(mask(out.String()), "\n")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestWebhookOutput ends the command when its output is closed.
func TestWebhookOutput(t *testing.T) {
	address, end := startListen(t, t.Context(), closedOutput{})
	post(t, address, "{}")
	if code, rest := end(); code != exitFailure || rest != "rollcall: io: read/write on closed pipe\n" {
		t.Errorf("exit code %d, %s", code, rest)
	}
}

type closedOutput struct{}

func (closedOutput) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestWebhookTable receives what a terminal must be guarded against.
func TestWebhookTable(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "a token of the test\n")
	var out strings.Builder // read when the command has ended
	address, end := startListen(t, ctx, &out, "--token-file", file)
	post(t, address+"?SdkAppid=1&ClientIP=192.0.2.7&OptPlatform=Web", `{"CallbackCommand":"State.StateChange","Info":{"Action":"Login","To_Account":"a\u001b[2Jb","Reason":"Register"}}`)
	post(t, address+"?SdkAppid=14000000010", "a=1\n\x1b"+strings.Repeat("x", 200))
	interrupt()
	if code, rest := end(); code != exitOK || rest != "" {
		t.Errorf("exit code %d, %s", code, rest)
	}
	const want = `TIME  1  State.StateChange  a\u001b[2Jb  Login/Register  on Web at 192.0.2.7
    Sign is wrong: Sign or RequestTime is missing in the URL; set the token at the sender
TIME  140000000…  (no command)  a=1\u000a\u001b` + "XX…" + `
    Sign is wrong: Sign or RequestTime is missing in the URL; set the token at the sender
    malformed webhook: the body is not a JSON object
`
	got := strings.ReplaceAll(mask(out.String()), strings.Repeat("x", 144), "XX")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestWebhookUsage(t *testing.T) {
	dir := t.TempDir()
	empty, bad := filepath.Join(dir, "empty"), filepath.Join(dir, "bad")
	writeFile(t, empty, "\n")
	writeFile(t, bad, "whsec_abcd")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--fail", "299"}, exitBadUsage, "--fail is 299: give a status from 300 to 599"},
		{[]string{"--fail", "600"}, exitBadUsage, "--fail is 600: give a status from 300 to 599"},
		{[]string{"--fail", "0"}, exitBadUsage, "--fail is 0: give a status from 300 to 599"},
		{[]string{"--fail", "500", "--forward", "http://h"}, exitBadUsage, "--fail answers without --forward: leave out one of them"},
		{[]string{"--forward", "example.com"}, exitBadUsage, "the target (--forward) is no URL of a receiver"},
		{[]string{"--forward", "http://a:b@example.com"}, exitBadUsage, "without a user and a fragment"},
		{[]string{"--token-file", "-", "--secret-file", "-"}, exitBadUsage, "standard input has only one of them"},
		{[]string{"--token-file", empty}, exitFailure, "--token-file " + empty + " is empty"},
		{[]string{"--token-file", filepath.Join(dir, "none")}, exitFailure, "--token-file: open "},
		{[]string{"--secret-file", bad}, exitFailure, "--secret-file " + bad + ": a webhook secret must have 24 to 64 bytes after the base64; this one has 3"},
		{[]string{"--tls-cert", empty}, exitBadUsage, "--tls-cert and --tls-key go together: give both or neither"},
		{[]string{"--client-ca", empty}, exitBadUsage, "--client-ca needs HTTPS: add --tls-cert and --tls-key"},
		{[]string{"--tls-cert", empty, "--tls-key", bad}, exitFailure, "--tls-cert " + empty + ": tls: failed to find any PEM data"},
		{[]string{"--listen", "nonsense"}, exitFailure, "--listen: listen tcp: "},
		{[]string{"--sdkappid", "0"}, exitBadUsage, "--sdkappid is 0: give an SDKAppID"},
	} {
		code, out, errs := rollcall(t, append([]string{"webhook", "listen"}, tt.args...)...)
		if code != tt.code || out != "" || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: exit code %d, %q, %s", tt.args, code, out, errs)
		}
	}
}
