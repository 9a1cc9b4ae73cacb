package open_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/backup"
	"rollcall/internal/records"
	"rollcall/internal/store/open"
	"rollcall/internal/testutil"
)

// TestVerifyChangesNothing verifies a backup and compares every file and directory of it
// before and after.
func TestVerifyChangesNothing(t *testing.T) {
	dir := backupOf(t, "alice", "bob")
	before := describe(t, dir)
	verify(t, dir, 2)
	if diff := cmp.Diff(before, describe(t, dir)); diff != "" {
		t.Errorf("Verify changed the backup (-before +after):\n%s", diff)
	}
}

// TestVerifyReadOnly verifies a backup in a directory that this user must not write to.
func TestVerifyReadOnly(t *testing.T) {
	if !testutil.Unprivileged(t) {
		return
	}
	dir := backupOf(t, "alice")
	for _, d := range []string{dir, filepath.Join(dir, backup.Store)} {
		if err := os.Chmod(d, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(d, 0o700) })
	}
	verify(t, dir, 1)
}

func verify(t *testing.T, dir string, accounts int64) {
	t.Helper()
	c, err := open.Verify(t.Context(), dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if c.Accounts != accounts {
		t.Errorf("%d accounts, want %d", c.Accounts, accounts)
	}
}

// backupOf returns the directory of a backup of a store with the accounts of ids.
func backupOf(t *testing.T, ids ...account.UserID) string {
	t.Helper()
	top := t.TempDir()
	e, err := open.Engine(t.Context(), "pebble:"+filepath.Join(top, "store"), open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.UnixMilli(1)
	if _, err := records.New(e, nil).CreateApp(t.Context(), account.App{ID: 1, Edition: account.Development, Created: now}, account.AuditEntry{Action: "app.create"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := e.Upsert(t.Context(), 1, []account.Upsert{{ID: id}}, account.UpsertPolicy{Now: now}); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(top, "copy")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := e.(account.Snapshotter).Snapshot(t.Context(), filepath.Join(dir, backup.Store)); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Describe(dir, now); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// describe returns mode, time of the last change, and content of every file and directory
// below dir.
func describe(t *testing.T, dir string) map[string]string {
	t.Helper()
	seen := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		seen[path] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		seen[path] += fmt.Sprintf(" %x", sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}
