package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/client"
	"rollcall/internal/importer"
	"rollcall/internal/source"
	"rollcall/rollcalltest"
)

// TestImportInterrupted ends imports with the signals of a terminal and of a supervisor. They
// say how to go on, and the same command does.
func TestImportInterrupted(t *testing.T) {
	shared := rollcalltest.NewServer(t)
	for _, via := range []string{"wire", "stream"} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(fmt.Sprint(via, " ", signal), func(t *testing.T) {
				srv := shared.NewApp(t, rollcalltest.WithSettings(client.Settings{Words: []string{rudeWord}, RateMode: "off"}))
				l := newImportLoad(t, rand.New(rand.NewPCG(1, 1)), *importRows)
				cmd := l.command(t, srv, "--via", via, "--quiet")
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				eventually(t, "account", func() bool {
					n, err := srv.AdminClient.CountAccounts(t.Context(), srv.SDKAppID)
					return err == nil && n > 1
				})
				if err := cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				if code := exitCodeOf(cmd.Wait()); code != exitInterrupted {
					t.Fatalf("exit code %d: %s", code, &stderr)
				}
				var row int
				text := stderr.String()
				i := strings.Index(text, "interrupted after row ")
				if i < 0 || !strings.HasSuffix(text, "; continue with: rollcall import users.csv --via "+via+" --quiet\n") {
					t.Fatalf("%s", text)
				}
				if _, err := fmt.Sscanf(text[i:], "interrupted after row %d;", &row); err != nil {
					t.Fatal(err)
				}
				stderr.Reset()
				cmd = l.command(t, srv, "--via", via, "--quiet", "--output", "json")
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if code := exitCodeOf(err); code != exitSomeFailed {
					t.Fatalf("exit code %d: %s", code, &stderr)
				}
				if row > 0 && !strings.Contains(stderr.String(), fmt.Sprintf("resuming after row %d of users.csv\n", row)) {
					t.Errorf("interrupted after row %d, then %s", row, &stderr)
				}
				l.check(t, srv, out)
			})
		}
	}
}

// TestImportAgainstFaults imports into an app whose limits are enforced and whose calls time
// out, are cut, and fail in part, and kills the import meanwhile.
func TestImportAgainstFaults(t *testing.T) {
	srv := rollcalltest.NewServer(t, rollcalltest.WithSettings(client.Settings{Words: []string{rudeWord}}))
	for _, f := range []client.Fault{
		{Command: "multiaccount_import", Code: int(client.CodeTimeout), Run: true, Probability: 0.05, Seed: 1},
		{Command: "multiaccount_import", Code: 60008, DelayMS: 50, Probability: 0.05, Seed: 2},
		{Command: "multiaccount_import", Cut: "before", Probability: 0.05, Seed: 3},
		{Command: "multiaccount_import", Cut: "middle", Probability: 0.05, Seed: 4},
		{Command: "multiaccount_import", Status: 502, Run: true, Probability: 0.05, Seed: 5},
		{Command: "multiaccount_import", FailItems: 7, Probability: 0.2, Seed: 6},
		{Command: "account_check", Cut: "before", Probability: 0.05, Seed: 7},
	} {
		srv.Fail(f)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	l := newImportLoad(t, rng, *importRows/10)
	for range 2 {
		cmd := l.command(t, srv, "--via", "wire", "--quiet")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		n, err := srv.AdminClient.CountAccounts(t.Context(), srv.SDKAppID)
		if err != nil {
			t.Fatal(err)
		}
		waitForRows(t, srv, n+int64(l.rows/5), rng, ended)
		_ = cmd.Process.Kill()
		<-ended
	}
	var stderr bytes.Buffer
	cmd := l.command(t, srv, "--via", "wire", "--quiet", "--verify", "--output", "json")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if code := exitCodeOf(err); code != exitSomeFailed {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	l.check(t, srv, out)
	if !bytes.Contains(out, []byte(`"missing": 0`)) {
		t.Errorf("the verification: %s", out)
	}
	for _, c := range srv.Calls("multiaccount_import") {
		if c.Code == int(client.CodeCommandRate) {
			t.Error("a call was over the limit of the app")
			break
		}
	}
	if left, _ := filepath.Glob(filepath.Join(l.dir, "*.lock")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if info, err := os.Stat(filepath.Join(l.dir, "users.csv.rollcall-journal")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the journal: %v, %v", info, err)
	}
}

// TestHowItGoesOn expects one remedy for each end of a run.
func TestHowItGoesOn(t *testing.T) {
	args := []string{"import", "my users.csv", "--restart"}
	for _, tt := range []struct {
		journal string
		err     error
		want    string
	}{
		{"j", errors.New("x"), "; continue with: rollcall import 'my users.csv'"},
		{"j", &source.Error{}, "; mend the file, and begin anew with: rollcall import 'my users.csv' --restart"},
		{"j", &importer.RefusedError{}, ""}, // it says how
		{"", errors.New("x"), "; standard input cannot be read again, so give the rows after it to go on"},
	} {
		r := &fileRun{job: &importer.Job{Journal: tt.journal}, args: args}
		if text := r.after(tt.err); text != tt.want {
			t.Errorf("%T: %q, want %q", tt.err, text, tt.want)
		}
	}
}
