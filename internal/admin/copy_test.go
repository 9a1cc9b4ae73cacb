package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/internal/adminapi"
	"rollcall/internal/store/mem"
)

// TestBackupAppearsWhole looks for a backup while it is created. It gets its name when it
// is complete.
func TestBackupAppearsWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "backup")
	b := newBench(t, failingCopier{copier{Store: new(mem.Store)}, func(string) error {
		if _, err := os.Lstat(dir); err == nil {
			t.Error("the directory is there before the copy is complete")
		}
		return nil
	}})
	ok[adminapi.Backup](b, 200, "POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, dir))
	names, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(names) != 1 || names[0].Name() != "backup" {
		t.Errorf("left beside the copy: %v, %v", names, err)
	}
}

// TestBackupCallerGone cancels a call while the disk of its copy hangs. Another backup can
// be created at once.
func TestBackupCallerGone(t *testing.T) {
	reached, hang := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	b := newBench(t, failingCopier{copier{Store: new(mem.Store)}, func(string) error {
		if first.CompareAndSwap(false, true) {
			close(reached)
			<-hang
		}
		return nil
	}})
	release := sync.OnceFunc(func() { close(hang) })
	t.Cleanup(release)
	root := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		body := strings.NewReader(fmt.Sprintf(`{"dir":%q}`, filepath.Join(root, "hangs")))
		r, err := http.NewRequestWithContext(ctx, "POST", b.url+"/admin/v1/backup", body)
		if err == nil {
			r.Header.Set("Authorization", "Bearer "+b.tokens["admin"])
			r.Header.Set("Content-Type", "application/json")
			_, err = http.DefaultClient.Do(r)
		}
		gone <- err
	}()
	<-reached
	cancel()
	if err := <-gone; err == nil {
		t.Error("the call that was canceled succeeded")
	}
	dir := filepath.Join(root, "works")
	for r := b.call("POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, dir)); r.status != http.StatusOK; r = b.call("POST", "/admin/v1/backup", fmt.Sprintf(`{"dir":%q}`, dir)) {
		b.problem(r, "conflict") // until the server has noticed
	}
	release()
	for left := []string{""}; len(left) > 0; { // until the copy that hung has ended
		runtime.Gosched()
		var err error
		if left, err = filepath.Glob(filepath.Join(root, "hangs.partial-*")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "hangs")); err == nil {
		t.Error("the copy of a canceled call is there")
	}
}
