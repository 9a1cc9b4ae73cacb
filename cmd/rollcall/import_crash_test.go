package main

import (
	"bytes"
	"errors"
	"flag"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/rollcalltest"
)

var (
	importKills = flag.Int("import-kills", 3, "how often TestImportKilled kills each import")
	importRows  = flag.Int("import-rows", 60_000, "rows of the file of TestImportKilled")
)

// TestImportKilled kills imports with SIGKILL at random rows, and goes on with the same
// command each time. At the end every row has had its effect, every bad row is in the rejects
// file once, and the verification is clean.
func TestImportKilled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	shared := rollcalltest.NewServer(t)
	for _, via := range []string{"wire", "stream"} {
		t.Run(via, func(t *testing.T) {
			srv := shared.NewApp(t, rollcalltest.WithSettings(client.Settings{Words: []string{rudeWord}, RateMode: "off"}))
			rng := rand.New(rand.NewPCG(seed, 1))
			l := newImportLoad(t, rng, *importRows)
			killed := 0
			target := int64(0)
			for killed < *importKills {
				target += rng.Int64N(int64(2 * *importRows / (*importKills + 2)))
				cmd := l.command(t, srv, "--via", via, "--quiet")
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait() }()
				if err, over := waitForRows(t, srv, target, rng, ended); over {
					if code := exitCodeOf(err); code != exitSomeFailed {
						t.Fatalf("exit code %d: %s", code, &stderr)
					}
					break // the kill came too late
				}
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-ended
				killed++
			}
			t.Logf("%d kills", killed)
			if killed == 0 {
				t.Error("no import was killed: raise -import-rows")
			}
			var stderr bytes.Buffer
			cmd := l.command(t, srv, "--via", via, "--quiet", "--verify", "--output", "json")
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if code := exitCodeOf(err); code != exitSomeFailed {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			l.check(t, srv, out)
			if !bytes.Contains(out, []byte(`"missing": 0`)) {
				t.Errorf("the verification: %s", out)
			}
		})
	}
}

// waitForRows waits until the app has about as many accounts as rows have been imported, and
// a random moment longer, or until the process has ended.
func waitForRows(t *testing.T, srv *rollcalltest.Server, rows int64, rng *rand.Rand, ended <-chan error) (err error, over bool) {
	t.Helper()
	want := int64(float64(rows) * 0.6) // many ids repeat
	for {
		n, err := srv.AdminClient.CountAccounts(t.Context(), srv.SDKAppID)
		if err != nil {
			t.Fatal(err)
		}
		wait := time.Millisecond
		if n >= want {
			wait = time.Duration(rng.Int64N(int64(10 * time.Millisecond))) // the point is random
		}
		select {
		case err := <-ended:
			return err, true
		case <-time.After(wait):
		}
		if n >= want {
			return nil, false
		}
	}
}

// exitCodeOf returns the exit code of a process.
func exitCodeOf(err error) int {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}
