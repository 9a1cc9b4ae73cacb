package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/store/open"
	"rollcall/internal/testutil/anystore"
	"rollcall/internal/testutil/faultfs"
)

// TestBackupToBadDisk makes backups to disks that fail, while imports go on. The server
// acknowledges every call and stays ready, the backup says why it failed and leaves
// nothing behind, and the next one succeeds.
func TestBackupToBadDisk(t *testing.T) {
	anystore.NeedEmbedded(t)
	tr, s := newTrial(t, t.TempDir())
	tr.workers = tr.workers[4:6] // one of accounts, one of apps
	for _, tt := range []struct {
		name  string
		fault faultfs.Fault
		want  string // in what the backup says; "" if it succeeds
	}{
		{"full", faultfs.Fault{Ops: []faultfs.Op{faultfs.Write}, Err: syscall.ENOSPC}, "no space left on device; free some space"},
		{"full at a log", faultfs.Fault{Ops: []faultfs.Op{faultfs.Write}, Path: "*.log", Err: syscall.ENOSPC}, "no space left on device; free some space"},
		{"error in a write", faultfs.Fault{Ops: []faultfs.Op{faultfs.Write}, Path: "MANIFEST-*", Err: syscall.EIO}, "input/output error; check the disk"},
		{"error in a sync", faultfs.Fault{Ops: []faultfs.Op{faultfs.Sync}, Path: "*.log", Err: syscall.EIO}, "input/output error; check the disk"},
		{"error in the last file", faultfs.Fault{Ops: []faultfs.Op{faultfs.Sync}, Path: "backup.json.*", Err: syscall.EIO}, "input/output error; check the disk"},
		{"error in the last name", faultfs.Fault{Ops: []faultfs.Op{faultfs.Rename}, Path: "backup.json.*", Err: syscall.EIO}, "input/output error; check the disk"},
		{"error in the last step", faultfs.Fault{Ops: []faultfs.Op{faultfs.Rename}, Path: "copy.partial-*", Err: syscall.EIO}, "input/output error; check the disk"},
		{"read-only", faultfs.Fault{Ops: faultfs.Changes, Err: syscall.EROFS}, "read-only file system; choose a directory"},
		{"slow", faultfs.Fault{Ops: []faultfs.Op{faultfs.Write, faultfs.Sync}, Delay: 50 * time.Millisecond}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := faultfs.New(t)
			defer disk.Heal()
			l := tr.startLoad(t, s)
			l.more(t, 50)
			fault := disk.Break(tt.fault)
			err := s.backup(t, filepath.Join(disk.Dir, "copy"))
			select {
			case <-fault.Met():
			default:
				t.Errorf("the fault was not met: %v", err)
			}
			l.more(t, 50)
			if got := s.ready(t); got != 200 {
				t.Errorf("/readyz answers %d", got)
			}
			t.Logf("longest time without an acknowledgement: %v; the backup: %v", l.end(t), err)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				tr.verified(t, filepath.Join(disk.Real, "copy"))
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the backup: %v, want %q", err, tt.want)
			}
			if left, err := os.ReadDir(disk.Real); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			dir := filepath.Join(t.TempDir(), "good")
			if err := s.backup(t, dir); err != nil {
				t.Fatal(err)
			}
			tr.verified(t, dir)
		})
	}
	allRight(t, tr, s)
}

// TestBackupToHungDisk makes backups to a disk that does not answer. Backups to another
// disk succeed meanwhile. When the disk answers again, no incomplete backup is left on it.
func TestBackupToHungDisk(t *testing.T) {
	anystore.NeedEmbedded(t)
	tr, s := newTrial(t, t.TempDir())
	tr.workers = tr.workers[4:6] // one of accounts, one of apps
	for name, fault := range map[string]faultfs.Fault{
		"stat":        {Ops: []faultfs.Op{faultfs.Stat}},
		"write":       {Ops: []faultfs.Op{faultfs.Write}},
		"last file":   {Ops: []faultfs.Op{faultfs.Rename}, Path: "backup.json.*"},
		"last rename": {Ops: []faultfs.Op{faultfs.Rename}, Path: "copy.partial-*"},
	} {
		t.Run(name, func(t *testing.T) {
			disk := faultfs.New(t)
			defer disk.Heal()
			l := tr.startLoad(t, s)
			l.more(t, 50)
			fault.Hang = true
			broken := disk.Break(fault)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() {
				_, err := s.admin.Backup(ctx, filepath.Join(disk.Dir, "copy"))
				ended <- err
			}()
			select {
			case <-broken.Met():
			case err := <-ended:
				t.Fatalf("the fault was not met: %v", err)
			}
			l.more(t, 200)
			if got := s.ready(t); got != 200 {
				t.Errorf("/readyz answers %d", got)
			}
			cancel() // the caller has waited enough
			if err := <-ended; !unanswered(err) {
				t.Errorf("the backup answers %v", err)
			}
			dir := filepath.Join(t.TempDir(), "good")
			eventually(t, "backup to a good disk", func() bool { // the server first waits a moment for the end of the other backup
				return s.backup(t, dir) == nil
			})
			tr.verified(t, dir)
			t.Logf("longest time without an acknowledgement: %v", l.end(t))
			disk.Heal()
			eventually(t, "clean disk", func() bool {
				left, err := os.ReadDir(disk.Real)
				return err == nil && (len(left) == 0 || len(left) == 1 && left[0].Name() == "copy")
			})
			if _, err := os.Stat(filepath.Join(disk.Real, "copy")); err == nil { // the last step succeeded, but too late for the caller
				tr.verified(t, filepath.Join(disk.Real, "copy"))
			}
		})
	}
	allRight(t, tr, s)
}

func (s *site) backup(t *testing.T, dir string) error {
	t.Helper()
	_, err := s.admin.Backup(t.Context(), dir)
	return err
}

// verified verifies a backup of the server of the trial.
func (tr *trial) verified(t *testing.T, dir string) {
	t.Helper()
	if _, err := open.Verify(t.Context(), dir, filepath.Join(tr.dir, "seal.keys")); err != nil {
		t.Error(err)
	}
}
