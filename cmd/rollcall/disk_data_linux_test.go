package main

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/testutil/anystore"
	"rollcall/internal/testutil/faultfs"
)

// newDiskTrial starts a server whose data directory is on a disk with faults.
func newDiskTrial(t *testing.T) (*faultfs.Disk, *trial, *site) {
	t.Helper()
	disk := faultfs.New(t)
	tr, s := newTrial(t, filepath.Join(disk.Dir, "data"))
	tr.workers = tr.workers[:len(tr.workers)-1] // without the one that makes backups
	t.Cleanup(disk.Heal)                        // before the kill of the server, which cannot end while its disk hangs
	return disk, tr, s
}

// internalCodes are the codes of a server that cannot write.
var internalCodes = []int{70500, 40006, 500}

// timeoutCodes are the codes of a server whose disk does not answer.
var timeoutCodes = []int{70169, 40006, 503}

// refusedWith checks the refusals that ended the workers of a load.
func refusedWith(t *testing.T, l *load, codes []int) {
	t.Helper()
	for _, err := range l.refused() {
		if !slices.Contains(codes, refusalCode(err)) {
			t.Errorf("a call was refused with %v, want one of %v", err, codes)
		}
	}
}

// reads checks that the server responds to calls that only read.
func reads(t *testing.T, s *site) {
	t.Helper()
	rs, err := s.apps[freeApp].CheckAccounts(t.Context(), []string{client.Administrator})
	if err != nil || !rs[0].Imported {
		t.Errorf("account_check: %+v, %v", rs, err)
	}
	if _, err := s.admin.CountAccounts(t.Context(), barredApp); err != nil {
		t.Errorf("count: %v", err)
	}
}

// TestDiskFails lets the disk of the data directory fail. The server acknowledges no
// further write, even after the disk is repaired. It still responds to reads, and logs the
// error. After a restart every acknowledged change is there.
func TestDiskFails(t *testing.T) {
	anystore.NeedEmbedded(t)
	for _, tt := range []struct {
		name  string
		fault faultfs.Fault
		want  string // in the log
	}{
		{"error in a write", faultfs.Fault{Ops: []faultfs.Op{faultfs.Write}, Path: "*.log", Err: syscall.EIO}, "input/output error"},
		{"error in a sync", faultfs.Fault{Ops: []faultfs.Op{faultfs.Sync}, Path: "*.log", Err: syscall.EIO}, "input/output error"},
		{"read-only", faultfs.Fault{Ops: faultfs.Changes, Err: syscall.EROFS}, "read-only file system"},
		{"full in an instant", faultfs.Fault{Ops: []faultfs.Op{faultfs.Write}, Err: syscall.ENOSPC}, "no space left on device"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk, tr, s := newDiskTrial(t)
			l := tr.startLoad(t, s)
			l.more(t, 100)
			disk.Break(tt.fault)
			refusedWith(t, l, internalCodes)
			disk.Heal() // too late: nobody knows what is on the disk
			eventually(t, "/readyz that answers 503", func() bool { return s.ready(t) == 503 })
			if err := s.apps[freeApp].ImportAccount(t.Context(), client.Account{UserID: "late"}); refusalCode(err) != 70500 {
				t.Errorf("an import answers %v, want 70500", err)
			}
			reads(t, s)
			if !strings.Contains(s.stderr.String(), tt.want) {
				t.Errorf("the log does not say %q", tt.want)
			}
			_ = s.Process.Kill()
			_ = s.Wait()
			allRight(t, tr, tr.start(t))
		})
	}
}

// TestDiskHangs lets the disk of the data directory hang. Every call still gets a
// response. When the disk answers again, the server works as before.
func TestDiskHangs(t *testing.T) {
	anystore.NeedEmbedded(t)
	disk, tr, s := newDiskTrial(t)
	tr.workers = tr.workers[:5] // those of accounts: the admin API waits longer
	l := tr.startLoad(t, s)
	l.more(t, 100)
	fault := disk.Break(faultfs.Fault{Ops: []faultfs.Op{faultfs.Sync}, Path: "*.log", Hang: true})
	<-fault.Met()
	began := time.Now()
	refusedWith(t, l, timeoutCodes)
	t.Logf("the last answer came %v after the hang", time.Since(began))
	eventually(t, "/readyz that answers 503", func() bool { return s.ready(t) == 503 })
	reads(t, s)
	disk.Heal()
	eventually(t, "/readyz that answers 200", func() bool { return s.ready(t) == 200 })
	goOn(t, tr, s)
}

// goOn checks that the server works as before a fault.
func goOn(t *testing.T, tr *trial, s *site) {
	t.Helper()
	// A refused change may still take effect until a later change is acknowledged.
	f := tr.base.acked.accounts[userKey{freeApp, client.Administrator}]
	f.Nick = "later"
	if err := s.apps[freeApp].ImportAccount(t.Context(), client.Account{UserID: client.Administrator, Nick: f.Nick}); err != nil {
		t.Fatal(err)
	}
	tr.base.acked.accounts[userKey{freeApp, client.Administrator}] = f
	allRight(t, tr, s)
	l := tr.startLoad(t, s)
	l.more(t, 100)
	l.end(t)
	allRight(t, tr, s)
}

// TestDiskFills lets the disk of the data directory fill up. The server refuses writes
// while there is still room for its own work, and responds to reads. It accepts writes
// again when there is room. A start on a disk with hardly any room fails.
func TestDiskFills(t *testing.T) {
	anystore.NeedEmbedded(t)
	disk, tr, s := newDiskTrial(t)
	l := tr.startLoad(t, s)
	l.more(t, 100)
	disk.Break(faultfs.Fault{Ops: []faultfs.Op{faultfs.Statfs}, Free: 100 << 20})
	refusedWith(t, l, internalCodes)
	if got := s.ready(t); got != 503 {
		t.Errorf("/readyz answers %d", got)
	}
	reads(t, s)
	disk.Heal()
	eventually(t, "/readyz that answers 200", func() bool { return s.ready(t) == 200 })
	goOn(t, tr, s)
	_ = s.Process.Kill()
	_ = s.Wait()
	disk.Break(faultfs.Fault{Ops: []faultfs.Op{faultfs.Statfs}, Free: 100 << 20})
	if code, printed := program(t, serveArgs(tr.dir)...); code != exitFailure || !strings.Contains(printed, "100 MiB") {
		t.Errorf("a start on a disk without room: exit code %d: %s", code, printed)
	}
	disk.Heal()
	allRight(t, tr, tr.start(t))
}
