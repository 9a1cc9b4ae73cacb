package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/client"
	"rollcall/internal/testutil"
)

// TestExportKilled kills the server in the middle of an export. The reader gets an error
// with the number of rows, not an end. The next server exports the same rows.
func TestExportKilled(t *testing.T) {
	const accounts = 20_000 // far more than fit into the buffers on the way
	dir := t.TempDir()
	p := startProcess(t, dir)
	api, err := client.New(client.Options{BaseURL: p.context.URL, SDKAppID: p.context.SDKAppID, Key: p.context.Key})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]client.Account, accounts)
	for i := range all {
		all[i] = client.Account{UserID: fmt.Sprintf("u%06d", i), FaceURL: strings.Repeat("x", 500)}
	}
	if _, err := api.ImportAll(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	x := beginExport(t, p)
	if _, err := bufio.NewReader(x).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
	_, err = io.Copy(io.Discard, x)
	if _, ok := errors.AsType[*client.TransportError](err); !ok || x.Rows() == accounts+1 {
		t.Errorf("an export of a killed server: %d rows, %v", x.Rows(), err)
	}
	p = startProcess(t, dir)
	x = beginExport(t, p)
	if text, err := io.ReadAll(x); err != nil || x.Rows() != accounts+1 {
		t.Errorf("the next export: %d rows of %d bytes, %v", x.Rows(), len(text), err)
	}

	x = beginExport(t, p)
	if _, err := bufio.NewReader(x).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil { // the export ends before the grace time
		t.Fatal(err)
	}
	eventually(t, "shutdown", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.context.URL, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	if _, err := io.Copy(io.Discard, x); err == nil {
		t.Error("an export of a server that shuts down has an end")
	}
	if err := p.Wait(); err != nil {
		t.Errorf("exit: %v\n%s", err, p.stderr)
	}
}

func beginExport(t *testing.T, p *process) *client.ExportReader {
	t.Helper()
	admin, err := client.NewAdmin(client.AdminOptions{BaseURL: p.context.URL, Token: p.context.AdminToken})
	if err != nil {
		t.Fatal(err)
	}
	x, err := admin.Export(t.Context(), p.context.SDKAppID, client.ExportQuery{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

// TestExportCut exports from a server that breaks off. The file stays as it was.
func TestExportCut(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Rollcall-Rows")
		_, _ = io.WriteString(w, strings.Repeat(`{"userid":"a","nick":"","face_url":""}`+"\n", 1000))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("rct_x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, before := range []string{"", "before"} {
		for _, name := range []string{"out.ndjson", "out.ndjson.zst", "out.ndjson.gz"} {
			file := filepath.Join(t.TempDir(), name)
			if before != "" {
				if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var stderr bytes.Buffer
			env := &environment{strings.NewReader(""), io.Discard, &stderr}
			code := run(t.Context(), env, []string{"export", file, "--force", "--quiet", "--from", srv.URL, "--app", "1400000001", "--admin-token-file", token})
			if code != exitUnreachable || !strings.Contains(stderr.String(), "cut off after 1000 rows") || !strings.Contains(stderr.String(), "; nothing was written to "+file) {
				t.Errorf("%s: exit code %d, %s", name, code, &stderr)
			}
			left, err := os.ReadDir(filepath.Dir(file))
			if got, _ := os.ReadFile(file); err != nil || string(got) != before || len(left) > 1 || before == "" && len(left) > 0 {
				t.Errorf("%s: %q is in the file, of %d files", name, got, len(left))
			}
		}
	}
}

// TestExportTaken exports to a name that another program takes meanwhile. Its file stays,
// and the command does not say that it has exported anything.
func TestExportTaken(t *testing.T) {
	file, token := filepath.Join(t.TempDir(), "out.ndjson"), filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("rct_x"), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile(file, []byte("other"), 0o600); err != nil {
			t.Error(err)
		}
		w.Header().Set("Trailer", "Rollcall-Rows")
		_, _ = io.WriteString(w, `{"userid":"a","nick":"","face_url":""}`+"\n")
		w.Header().Set("Rollcall-Rows", "1")
	}))
	defer srv.Close()
	var stdout, stderr bytes.Buffer
	env := &environment{strings.NewReader(""), &stdout, &stderr}
	code := run(t.Context(), env, []string{"export", file, "--quiet", "--from", srv.URL, "--app", "1400000001", "--admin-token-file", token})
	if code != exitFailure || stdout.Len() > 0 || !strings.Contains(stderr.String(), "exists already: choose another name") {
		t.Errorf("exit code %d, %s%s", code, &stdout, &stderr)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "other" {
		t.Errorf("%q is in the file, %v", got, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestTerminalWriter writes an export to a terminal, in pieces.
func TestTerminalWriter(t *testing.T) {
	var b testutil.Buffer
	w := &terminalWriter{w: &b}
	for _, part := range []string{"{\"nick\":\"a\u009b\u202e", "中\"}\n{\"nick\":", "\"\tb\"}\r\n"} {
		if n, err := io.WriteString(w, part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if want := "{\"nick\":\"a\\u009b\\u202e中\"}\n{\"nick\":\"\tb\"}\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
