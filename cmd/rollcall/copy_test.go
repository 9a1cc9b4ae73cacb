package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/open"
	"rollcall/internal/testutil/pgtest"
)

var (
	copyKills = flag.Int("copy-kills", 3, "how often TestCopyKilled kills each copy")
	copyRows  = flag.Int("copy-rows", 25_000, "accounts of TestCopyKilled")
)

// storeToCopy creates a store with apps, sealed secrets, accounts of each kind and deleted
// ids, and returns its directory and the file of its sealing keys.
func storeToCopy(t *testing.T, rows int) (dir, sealKeys string) {
	t.Helper()
	dir, sealKeys = filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "seal.keys")
	e, err := open.Engine(t.Context(), "pebble:"+dir, open.Options{})
	must(t, err)
	r, err := records.Open(t.Context(), e, sealKeys)
	must(t, err)
	now := time.UnixMilli(1_770_000_000_000)
	for _, id := range []account.AppID{7, 1400000001, 1400000002} {
		a := account.App{ID: id, Edition: account.Pro, Created: now, Admins: []account.UserID{"administrator", "user-0000007"}}
		a.Keys = []account.Key{{ID: "k", Kind: account.HMACKey, Secret: fmt.Sprint("secret of ", id), Created: now}}
		_, err = r.CreateApp(t.Context(), a, account.AuditEntry{Time: now, Action: "app.create", App: id})
		must(t, err)
	}
	for from := 0; from < rows; from += account.LoadBatch {
		batch := make([]account.Exported, min(account.LoadBatch, rows-from))
		for i := range batch {
			batch[i] = rowToCopy(from+i, now)
		}
		must(t, e.(account.Loader).LoadAccounts(t.Context(), 1400000001, batch, nil))
	}
	must(t, e.Close())
	return dir, sealKeys
}

func rowToCopy(n int, now time.Time) account.Exported {
	a := account.Account{
		ID: account.UserID(fmt.Sprintf("user-%07d", n)), InternalID: 1000 + uint64(n)*7919%(1<<31), Nick: fmt.Sprint("昵称 ", n),
		Created: now.Add(-time.Duration(n) * time.Millisecond), Updated: now,
	}
	switch {
	case n%10 == 1:
		return account.Exported{Account: account.Account{ID: a.ID, Kicked: int64(n % 3)}, Deleted: now}
	case n%10 == 2:
		a.Kicked = int64(n)
		a.Profile = []account.Field{{Tag: account.CustomPrefix + "Hobby", Value: account.Value{Text: "chess"}}, {Tag: account.TagLevel, Value: account.Value{Number: 7, IsNumber: true}}}
	}
	return account.Exported{Account: a}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// migratedURL returns the URL of a database with the schema.
func migratedURL(t *testing.T) string {
	t.Helper()
	db := pgtest.URL(t)
	e, err := open.Engine(t.Context(), db, open.Options{Migrate: true})
	must(t, err)
	must(t, e.Close())
	return db
}

// TestCopyKilled copies a store from the embedded engine to another one, to PostgreSQL, and
// back, and kills the copies with SIGKILL. A server refuses what they leave, the same
// command goes on, and all stores have the same digest.
func TestCopyKilled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	dir, _ := storeToCopy(t, *copyRows)
	want, err := open.CheckStore(t.Context(), dir, "")
	must(t, err)
	t.Run("pebble", func(t *testing.T) {
		copyKilled(t, rng, "pebble:"+dir, func() string { return "pebble:" + filepath.Join(t.TempDir(), "copy") }, want)
	})
	t.Run("postgres", func(t *testing.T) {
		db := copyKilled(t, rng, "pebble:"+dir, func() string { return migratedURL(t) }, want)
		copyKilled(t, rng, db, func() string { return "pebble:" + filepath.Join(t.TempDir(), "back") }, want)
	})
}

// copyKilled copies from a store to a new one, kills the copy several times, and returns the
// spec of the destination. The times of the kills are random, within the time of a copy that
// nobody kills. If no kill hits a copy, it tries again with another destination.
func copyKilled(t *testing.T, rng *rand.Rand, from string, destination func() string, want *account.Contents) string {
	t.Helper()
	began := time.Now()
	whole := copyCommand(t, from, destination())
	if err := whole.Run(); err != nil {
		t.Fatalf("a copy: %v: %s", err, whole.Stderr)
	}
	within := time.Since(began)
	for range 50 {
		to := destination()
		kills, refused := 0, false
		for kills < *copyKills {
			cmd := copyCommand(t, from, to)
			must(t, cmd.Start())
			timer := time.AfterFunc(time.Duration(rng.Int64N(int64(within))), func() { _ = cmd.Process.Kill() })
			err := cmd.Wait()
			timer.Stop()
			if err == nil || strings.Contains(fmt.Sprint(cmd.Stderr), "is not empty") {
				break // the copy was faster, or the last kill came after its end
			}
			if exitCodeOf(err) != -1 {
				t.Fatalf("the copy failed: %v: %s", err, cmd.Stderr)
			}
			kills++
			refused = refused || serveRefuses(t, to)
		}
		if kills < *copyKills || !refused {
			continue
		}
		cmd := copyCommand(t, from, to)
		out, err := cmd.Output()
		if err != nil && strings.Contains(fmt.Sprint(cmd.Stderr), "is not empty") {
			continue // the last kill came after the end of the copy
		}
		if err != nil {
			t.Fatalf("the last copy: %v: %s", err, cmd.Stderr)
		}
		var got copyReport
		must(t, json.Unmarshal(out, &got))
		if !got.Resumed || got.Digest != want.Digest || got.Accounts != want.Accounts || got.Tombstones != want.Tombstones || got.Apps != want.Apps || got.Audit != want.Audit {
			t.Errorf("after %d kills the copy is %s, want %+v", kills, out, want)
		}
		t.Logf("%s: %d kills; the last run has written %d rows of %d", open.Kind(to), kills, got.Rows, want.Accounts+want.Tombstones)
		return to
	}
	t.Fatal("no copy was killed: raise -copy-rows")
	return ""
}

// copyCommand returns a copy as another process.
func copyCommand(t *testing.T, from, to string, more ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe, append([]string{"copy", "--from", from, "--to", to, "--quiet", "--output", "json"}, more...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = new(bytes.Buffer)
	return cmd
}

// serveRefuses starts a server on a copy that was killed. It reports whether the server
// refuses the copy, which it does not if the copy was killed before its first write. A
// server that starts anyway is a failure, because it changes the store.
func serveRefuses(t *testing.T, spec string) bool {
	t.Helper()
	var known *records.Copy
	err := open.Source(t.Context(), spec, func(e account.Engine) (err error) {
		known, err = records.UnfinishedCopy(t.Context(), e)
		return err
	})
	if err != nil || known == nil {
		return false // nothing is there yet
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code, _, errs := runCopied(ctx, "serve", "--store", spec, "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	if code != exitFailure || !strings.Contains(errs, "is an unfinished copy of") || !strings.Contains(errs, "run the same \"rollcall copy\" again") {
		t.Fatalf("serve on an unfinished copy: code %d, %s", code, errs)
	}
	code, _, errs = runCopied(ctx, "copy", "--from", known.From, "--to", spec, "--verify-only")
	if code != exitFailure || !strings.Contains(errs, "is an unfinished copy of "+known.From+": run the") {
		t.Fatalf("--verify-only of an unfinished copy: code %d, %s", code, errs)
	}
	return true
}

// runCopied runs a command in this process.
func runCopied(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(ctx, &environment{strings.NewReader(""), &out, &errs}, args)
	return code, out.String(), errs.String()
}

// TestCopyInterrupted ends a copy as Ctrl-C does, and goes on.
func TestCopyInterrupted(t *testing.T) {
	dir, sealKeys := storeToCopy(t, *copyRows)
	for attempt := range 20 {
		to := filepath.Join(t.TempDir(), "copy")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer cancel()
			for ctx.Err() == nil { // until the store of the copy exists
				if _, err := os.Stat(filepath.Join(to, "LOCK")); err == nil {
					time.Sleep(time.Duration(attempt*10) * time.Millisecond) // the point is random
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		args := []string{"copy", "--from", "pebble:" + dir, "--to", "pebble:" + to, "--seal-keys", sealKeys, "--quiet"}
		code, out, errs := runCopied(ctx, args...)
		cancel()
		if code != exitInterrupted {
			continue
		}
		if !strings.Contains(errs, "interrupted; continue with: rollcall copy --from pebble:"+dir) || out != "" {
			t.Errorf("the message is %q, %q", errs, out)
		}
		code, out, errs = runCopied(t.Context(), args...)
		if code != exitOK || !strings.Contains(out, "digest") || !strings.Contains(errs, "3 secrets are sealed") {
			t.Errorf("the second run: code %d, %s, %s", code, out, errs)
		}
		return
	}
	t.Error("no copy was interrupted: raise -copy-rows")
}

// TestCopyHidesPasswords checks the command that goes on after an interruption.
func TestCopyHidesPasswords(t *testing.T) {
	r := &copyRun{args: []string{"copy", "--from=postgres://u:geheim@h/d", "--to", "postgres://u:geheim@h/e", "--quiet"}}
	if got, want := r.again(), "rollcall copy --from=postgres://u:xxxxx@h/d --to postgres://u:xxxxx@h/e --quiet"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestCopyReseals seals the secrets of a copy with other keys.
func TestCopyReseals(t *testing.T) {
	dir, sealKeys := storeToCopy(t, 100)
	to, toKeys := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "new.keys")
	args := []string{"copy", "--from", "pebble:" + dir, "--to", "pebble:" + to, "--seal-keys", sealKeys, "--to-seal-keys", toKeys, "--quiet"}
	if code, _, errs := runCopied(t.Context(), args...); code != exitOK {
		t.Fatal(errs)
	}
	for file, want := range map[string]bool{toKeys: true, sealKeys: false} {
		_, err := open.CheckStore(t.Context(), to, file)
		if (err == nil) != want {
			t.Errorf("the keys in %s open the copy: %v", file, err)
		}
	}
	if code, _, errs := runCopied(t.Context(), append(args, "--verify-only")...); code != exitOK {
		t.Errorf("--verify-only: %s", errs)
	}
	args[6] = toKeys // the keys of the source are others
	if code, _, errs := runCopied(t.Context(), append(args, "--verify-only")...); code != exitFailure || !strings.Contains(errs, "restore the file that sealed it") {
		t.Errorf("wrong keys: code %d, %s", code, errs)
	}
}
