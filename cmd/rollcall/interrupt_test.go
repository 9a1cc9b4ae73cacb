package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A readerFunc is the function of a reader.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestDiffInterrupted ends a comparison in the middle of a file.
func TestDiffInterrupted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b.csv")
	if err := os.WriteFile(file, []byte("userid\nalice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rows := strings.NewReader("userid\n" + strings.Repeat("alice\n", 100_000))
	stdin := readerFunc(func(p []byte) (int, error) {
		cancel()
		return rows.Read(p)
	})
	var stdout, stderr bytes.Buffer
	code := run(ctx, &environment{stdin, &stdout, &stderr}, []string{"diff", "-", file, "--quiet"})
	if code != exitFailure || stdout.Len() > 0 || stderr.String() != "rollcall: interrupted: A and B were not compared to their end\n" {
		t.Errorf("exit code %d, %s%s", code, &stdout, &stderr)
	}
}

// TestExportInterrupted ends an export in the middle. The file does not appear.
func TestExportInterrupted(t *testing.T) {
	dir, token := t.TempDir(), filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("rct_x"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"userid":"a","nick":"","face_url":""}`+"\n")
		_ = http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	}))
	defer srv.Close()
	file := filepath.Join(dir, "out.ndjson")
	var stdout, stderr bytes.Buffer
	code := run(ctx, &environment{strings.NewReader(""), &stdout, &stderr},
		[]string{"export", file, "--quiet", "--from", srv.URL, "--app", "1400000001", "--admin-token-file", token})
	if code != exitFailure || stdout.Len() > 0 || stderr.String() != "rollcall: interrupted: nothing was written to "+file+"\n" {
		t.Errorf("exit code %d, %s%s", code, &stdout, &stderr)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
