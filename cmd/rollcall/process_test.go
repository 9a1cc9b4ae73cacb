package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/directory"
	"rollcall/internal/server"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
	"rollcall/usersig"
)

// A process is a running "rollcall serve".
type process struct {
	*exec.Cmd
	context *server.Context
	sig     string
	stderr  *testutil.Buffer // nil if it goes elsewhere
}

// eventually waits until ok returns true. A minute is enough for any machine.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after a minute", what)
		}
	}
}

// startProcess starts a server on dir and waits until it is ready.
func startProcess(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startCommand(t, dir, exec.Command(exe, serveArgs(dir, args...)...))
}

// servedBy returns the environment of a server with the data directory dir. It names the
// store only if that is not the default one.
func servedBy(tb testing.TB, dir string) []string {
	tb.Helper()
	env := append(os.Environ(), asProgram+"=1")
	if spec := anystore.Served(tb, dir); spec != "" {
		env = append(env, "ROLLCALL_CFG_STORE="+spec)
	}
	return env
}

func serveArgs(dir string, more ...string) []string {
	return append([]string{"serve", "--listen", "127.0.0.1:0", "--data", dir, "--log-level", "info"}, more...)
}

// startCommand starts cmd, which serves dir, and waits until it is ready.
func startCommand(t *testing.T, dir string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{Cmd: cmd, stderr: new(testutil.Buffer)}
	p.Stderr = p.stderr
	p.start(t, dir)
	return p
}

// start starts p on dir and waits until it is ready.
func (p *process) start(t *testing.T, dir string) {
	t.Helper()
	p.Env = servedBy(t, dir)
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill() // an error says that it has ended
		_ = p.Wait()
		p.checkLog(t)
	})
	waitReady(t, p, stdout)
	if p.context, err = server.ReadContext(filepath.Join(dir, server.ContextFile)); err != nil {
		t.Fatal(err)
	}
	p.sig, err = usersig.Sign(usersig.HMACKey(p.context.Key), usersig.Claims{
		SDKAppID: p.context.SDKAppID, Identifier: p.context.Admin, Validity: 24 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkLog looks for secrets in the log of a process that has ended.
func (p *process) checkLog(t *testing.T) {
	if p.context == nil || p.stderr == nil {
		return // it never started, or nobody kept its log
	}
	if holdsSecret(p.stderr.String(), p.context.Key, p.context.AdminToken, p.sig, url.QueryEscape(p.sig)) {
		t.Error("the log of the server holds a secret")
	}
}

// likeSecret matches every token, every key that a server generates, and every UserSig.
var likeSecret = regexp.MustCompile(`rct_[A-Za-z0-9_-]{43}|\b[0-9a-f]{64}\b|eJ[A-Za-z0-9*_%-]{60,}`)

// holdsSecret reports whether log contains one of secrets, or a text that looks like a
// secret.
func holdsSecret(log string, secrets ...string) bool {
	return likeSecret.MatchString(log) || slices.ContainsFunc(secrets, func(secret string) bool {
		return secret != "" && strings.Contains(log, secret)
	})
}

func TestHoldsSecret(t *testing.T) {
	key := server.Context{Key: "my own", SDKAppID: 1, Admin: "administrator"}
	sig, err := usersig.Sign(usersig.HMACKey(key.Key), usersig.Claims{SDKAppID: 1, Identifier: "alice", Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for log, want := range map[string]bool{
		"level=INFO msg=request path=/v4/x request_id=ZHFS3LAYB3TKSPPU fingerprint=0123456789abcdef": false,
		"key=" + directory.NewSecret():      true,
		"token=" + directory.NewTokenText(): true,
		"usersig=" + sig:                    true,
		"usersig=" + url.QueryEscape(sig):   true,
		"key is my own":                     true,
	} {
		if got := holdsSecret(log, key.Key, key.AdminToken); got != want {
			t.Errorf("%s: %v, want %v", log, got, want)
		}
	}
}

func waitReady(t *testing.T, p *process, stdout io.Reader) {
	t.Helper()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "is ready on") {
			return
		}
	}
	_ = p.Wait()
	t.Fatalf("the server did not start: %s", p.stderr)
}

// A caller contains the app, the user and the UserSig of a call.
type caller struct {
	app       uint32
	user, sig string
}

// call sends body to a command and decodes the response into resp.
func (p *process) call(client *http.Client, command, body string, resp any) error {
	return p.callAs(client, caller{p.context.SDKAppID, p.context.Admin, p.sig}, command, body, resp)
}

// callAs is call for any caller.
func (p *process) callAs(client *http.Client, c caller, command, body string, resp any) error {
	q := url.Values{"sdkappid": {fmt.Sprint(c.app)}, "identifier": {c.user}, "usersig": {c.sig}}
	r, err := client.Post(p.context.URL+"/v4/im_open_login_svc/"+command+"?"+q.Encode(), "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return json.NewDecoder(r.Body).Decode(resp)
}

// TestGracefulShutdown ends a server with SIGTERM. The exit code is 0, and the next server
// has the acknowledged account.
func TestGracefulShutdown(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	var ack struct{ ActionStatus string }
	if err := p.call(http.DefaultClient, "account_import", `{"UserID":"alice"}`, &ack); err != nil || ack.ActionStatus != "OK" {
		t.Fatalf("import: %+v, %v", ack, err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("exit: %v\n%s", err, p.stderr)
	}
	p = startProcess(t, dir)
	var resp struct {
		ResultItem []struct{ AccountStatus string }
	}
	err := p.call(http.DefaultClient, "account_check", `{"CheckItem":[{"UserID":"alice"}]}`, &resp)
	if err != nil || len(resp.ResultItem) != 1 || resp.ResultItem[0].AccountStatus != "Imported" {
		t.Errorf("after the restart: %+v, %v", resp, err)
	}
}

// TestHangup sends SIGHUP, as supervisors and log rotation do. The server goes on.
func TestHangup(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("SIGHUP is ignored here, as under nohup, and so the server ignores it too")
	}
	p := startProcess(t, t.TempDir())
	for range 2 {
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		var ack struct{ ActionStatus string }
		if err := p.call(http.DefaultClient, "account_import", `{"UserID":"alice"}`, &ack); err != nil || ack.ActionStatus != "OK" {
			t.Fatalf("import after SIGHUP: %+v, %v", ack, err)
		}
	}
	eventually(t, "line about SIGHUP", func() bool { return strings.Contains(p.stderr.String(), "msg=reloaded changed=nothing") })
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("exit: %v\n%s", err, p.stderr)
	}
}

// TestSecondProcess starts a second server on the same directory. It fails with an error
// of one line.
func TestSecondProcess(t *testing.T) {
	anystore.NeedEmbedded(t)
	dir := t.TempDir()
	startProcess(t, dir)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	second := exec.Command(exe, "serve", "--listen", "127.0.0.1:0", "--data", dir)
	second.Env = servedBy(t, dir)
	out, err := second.CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "in use by another process") {
		t.Errorf("second process: %v\n%s", err, out)
	}
}

// TestDataModes checks that only the owner has access to the files in the data directory.
func TestDataModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	startProcess(t, dir)
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
