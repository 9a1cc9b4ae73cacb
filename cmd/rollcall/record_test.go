package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/recording"
	"rollcall/internal/server"
	"rollcall/rollcalltest"
)

// rollcall runs a command and returns its exit code and its output.
func rollcall(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), &environment{strings.NewReader(""), &out, &errs}, args)
	return code, out.String(), errs.String()
}

// TestRecord records the calls of commands and replays them.
func TestRecord(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	dir := t.TempDir()
	file, context := filepath.Join(dir, "calls.ndjson"), contextOf(t, srv, srv.URL)
	url, end := startRecord(t, "--to", srv.URL, "--out", file, "--listen", "127.0.0.1:0")
	recorded := contextOf(t, srv, url)
	for _, args := range [][]string{{"check", "alice_liddell"}, {"import", "alice_liddell", "--nick", "Alice in W."}, {"check", "alice_liddell", "bob_builder"}} {
		if code, _, errs := rollcall(t, append([]string{"account", "--context", recorded}, args...)...); code != exitOK {
			t.Fatalf("%q: exit code %d: %s", args, code, errs)
		}
	}
	if code, out := end(); code != exitOK || !strings.Contains(out, "calls recorded: 3\n") {
		t.Errorf("record: exit code %d, %q", code, out)
	}

	empty := rollcalltest.NewServer(t)
	if code, out, errs := rollcall(t, "replay", file, "--context", contextOf(t, empty, empty.URL)); code != exitOK || out != "calls replayed: 3, as recorded: 3, different: 0, differences: 0\n" {
		t.Errorf("replay: exit code %d, %q, %s", code, out, errs)
	}
	code, out, _ := rollcall(t, "replay", file, "--against", empty.URL, "--context", contextOf(t, empty, empty.URL), "--output", "json")
	var got struct {
		Differences []recording.Difference
		Summary     recording.Summary
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitFailure || len(got.Differences) != 1 || got.Differences[0].Call != 1 || len(got.Summary.Notes) != 1 {
		t.Errorf("the second replay: exit code %d, %v: %s", code, err, out)
	}
	if code, out, errs := rollcall(t, "replay", file, "--context", context, "--sdkappid", "7"); code != exitBadUsage || out != "" || !strings.Contains(errs, "--key-file") {
		t.Errorf("without a key: exit code %d, %q, %s", code, out, errs)
	}
	if code, _, errs := rollcall(t, "replay", file, "--against", "https://rollcall.example", "--key-file", keyFileOf(t, srv)); code != exitBadUsage || !strings.Contains(errs, "add --yes to confirm") {
		t.Errorf("another machine: exit code %d, %s", code, errs)
	}
	if code, _, errs := rollcall(t, "replay", file, "--against", "http://127.0.0.1:1", "--timeout", "1ms", "--key-file", keyFileOf(t, srv)); code != exitUnreachable {
		t.Errorf("no server: exit code %d, %s", code, errs)
	}
	if code, _, errs := rollcall(t, "replay", file, "--against", empty.URL, "--sdkappid", "1", "--key-file", keyFileOf(t, srv)); code != exitRefused {
		t.Errorf("no app: exit code %d, %s", code, errs)
	}
}

// TestRecordUsage starts recordings that cannot work.
func TestRecordUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls.ndjson")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--to", "example.com", "--out", file}, exitBadUsage, "is no URL"},
		{[]string{"--to", "https://example.com?x", "--out", file}, exitBadUsage, "nothing after its path"},
		{[]string{"--to", "https://example.com", "--out", file, "--listen", ":7590"}, exitBadUsage, "give 127.0.0.1:PORT"},
		{[]string{"--to", "https://example.com"}, exitBadUsage, "--out"},
		{[]string{"--to", "https://example.com", "--listen", "127.0.0.1:0", "--out", os.TempDir()}, exitFailure, "choose another name"},
	} {
		if code, _, errs := rollcall(t, append([]string{"record"}, tt.args...)...); code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: exit code %d, %s", tt.args, code, errs)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a recording was created")
	}
}

// startRecord starts "rollcall record" and returns its address, and a function that ends
// it and returns its exit code and output.
func startRecord(t *testing.T, args ...string) (url string, end func() (int, string)) {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	t.Cleanup(interrupt)
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, &environment{strings.NewReader(""), w, t.Output()}, append([]string{"record"}, args...))
		_ = w.Close()
	}()
	out := bufio.NewReader(r)
	first, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("record: exit code %d", <-code)
	}
	return strings.Fields(first)[1], func() (int, string) {
		interrupt()
		rest, _ := io.ReadAll(out)
		return <-code, string(rest)
	}
}

// contextOf writes a context file for a server that is reached at url.
func contextOf(t *testing.T, srv *rollcalltest.Server, url string) string {
	t.Helper()
	b, err := json.Marshal(server.Context{URL: url, SDKAppID: srv.SDKAppID, Key: srv.Key, Admin: srv.Admin})
	if err != nil {
		t.Fatal(err)
	}
	return secretFile(t, b)
}

// keyFileOf writes a file with the key of the app of a server.
func keyFileOf(t *testing.T, srv *rollcalltest.Server) string {
	t.Helper()
	return secretFile(t, []byte(srv.Key))
}

func secretFile(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
