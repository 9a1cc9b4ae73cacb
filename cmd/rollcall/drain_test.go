package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// TestDrainingProcess sends SIGTERM to a server with a long drain. It serves calls while
// /readyz says 503. A second signal lets it stop.
func TestDrainingProcess(t *testing.T) {
	p := startProcess(t, t.TempDir(), "--drain", "5m")
	ready := func() int {
		resp, err := http.Get(p.context.URL + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := ready(); got != http.StatusOK {
		t.Fatalf("/readyz: %d before the signal", got)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "503 of /readyz", func() bool { return ready() == http.StatusServiceUnavailable })
	var ack struct{ ActionStatus string }
	if err := p.call(http.DefaultClient, "account_import", `{"UserID":"alice"}`, &ack); err != nil || ack.ActionStatus != "OK" {
		t.Fatalf("import during the drain: %+v, %v", ack, err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil || !strings.Contains(p.stderr.String(), "msg=stopped") {
		t.Fatalf("exit: %v\n%s", err, p.stderr)
	}
}
