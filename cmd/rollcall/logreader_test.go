package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// A logReader is the reading end of the pipe that is a server's standard error.
type logReader struct{ *os.File }

// startPiped starts a server whose standard error nobody reads yet.
func startPiped(t *testing.T) (*process, logReader) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &process{Cmd: exec.Command(exe, serveArgs(dir, "--store", "mem:")...)}
	p.Stderr = w
	p.start(t, dir)
	if err := w.Close(); err != nil { // ours; the server has its own
		t.Fatal(err)
	}
	return p, logReader{r}
}

// stop sends SIGTERM to the server, which must then end with exit code 0.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// log sends n requests, each of which is a line of the log, and asks whether the
// server is ready.
func (p *process) log(t *testing.T, n int) {
	t.Helper()
	client := &http.Client{Timeout: time.Minute} // for a server that does not respond
	get := func(path string) {
		t.Helper()
		resp, err := client.Get(p.context.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", path, resp.Status, err)
		}
	}
	for range n {
		get("/")
	}
	get("/readyz")
}

// TestLogReaderGoes checks that a server outlives the reader of its log.
func TestLogReaderGoes(t *testing.T) {
	p, log := startPiped(t)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 { // several writes
		p.log(t, 1)
		time.Sleep(200 * time.Millisecond) // longer than lines stay in the buffer; the test is valid even if not
	}
	p.stop(t)
}

// TestLogReaderStuck logs more lines than fit into a pipe while nobody reads them. Every
// call still gets a response.
func TestLogReaderStuck(t *testing.T) {
	p, _ := startPiped(t)
	const pipe, line = 64 << 10, 100 // bytes; a line has more
	p.log(t, 2*pipe/line)
	p.stop(t)
}
