package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/internal/testutil/faultfs"
)

// TestExportToBadDisk exports to disks that fail. The file stays as it was, and nothing is
// left behind.
func TestExportToBadDisk(t *testing.T) {
	dir := t.TempDir()
	startProcess(t, dir)
	for name, fault := range map[string]faultfs.Fault{
		"full":          {Ops: []faultfs.Op{faultfs.Write}, Err: syscall.ENOSPC},
		"error at sync": {Ops: []faultfs.Op{faultfs.Sync}, Err: syscall.EIO},
		"read-only":     {Ops: faultfs.Changes, Err: syscall.EROFS},
	} {
		t.Run(name, func(t *testing.T) {
			disk := faultfs.New(t)
			defer disk.Heal()
			file := filepath.Join(disk.Dir, "out.ndjson.zst")
			args := []string{"export", file, "--force", "--quiet", "--context", filepath.Join(dir, "context.json")}
			if code, printed := program(t, args...); code != exitOK {
				t.Fatal(printed)
			}
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			disk.Break(fault)
			code, printed := program(t, args...)
			disk.Heal()
			if code != exitFailure || !strings.Contains(printed, fault.Err.Error()) {
				t.Errorf("exit code %d, %s", code, printed)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != string(before) {
				t.Errorf("the file changed: %v", err)
			}
			if left, _ := os.ReadDir(disk.Dir); len(left) != 1 && name != "read-only" {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
