package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestManyStrangers opens more connections than the process may open files, and keeps
// them open. The server still accepts other calls, and the store can still open files.
func TestManyStrangers(t *testing.T) {
	const limit, strangers = "640", 700
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := append([]string{"-c", `ulimit -n ` + limit + ` && exec "$0" "$@"`, exe}, serveArgs(dir)...)
	p := startCommand(t, dir, exec.Command("sh", args...))
	for range strangers {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.context.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	// Without a limit idle connections would stay for two minutes.
	client := &http.Client{Transport: new(http.Transport), Timeout: time.Minute}
	var ack struct{ ActionStatus string }
	if err := p.call(client, "account_import", `{"UserID":"alice"}`, &ack); err != nil || ack.ActionStatus != "OK" {
		t.Errorf("import beside %d strangers: %+v, %v", strangers, ack, err)
	}
}

// TestTooFewFiles starts a server with too low a limit of open files. The start fails with
// a remedy.
func TestTooFewFiles(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-c", `ulimit -n 256 && exec "$0" "$@"`, exe}, serveArgs(t.TempDir())...)
	cmd := exec.Command("sh", args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "raise the limit to 640 or more") {
		t.Errorf("with 256 files: %v\n%s", err, out)
	}
}
