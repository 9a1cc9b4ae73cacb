package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
)

// A faultyDisk is a file system whose faults can be switched on and off.
type faultyDisk struct {
	vfs.FS
	inner *crashDisk
	fault atomic.Pointer[func(errorfs.Op) error]
}

func newFaultyDisk() *faultyDisk {
	d := &faultyDisk{inner: newCrashDisk()}
	d.FS = errorfs.Wrap(d.inner, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if f := d.fault.Load(); f != nil {
			return (*f)(op)
		}
		return nil
	}))
	return d
}

// breakDown makes each operation return the error of fault. If that is nil, the operation
// is performed.
func (d *faultyDisk) breakDown(fault func(errorfs.Op) error) { d.fault.Store(&fault) }

func (d *faultyDisk) heal() { d.fault.Store(nil) }

// on returns a fault of operations of the given kinds on files whose path contains part.
func on(err error, part string, kinds ...errorfs.OpKind) func(errorfs.Op) error {
	return func(op errorfs.Op) error {
		for _, k := range kinds {
			if op.Kind == k && strings.Contains(op.Path, part) {
				return err
			}
		}
		return nil
	}
}

var (
	writes = []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite, errorfs.OpFileWrite, errorfs.OpFileWriteAt}
	syncs  = []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
)

// one imports one account. The call has limit as its timeout.
func one(t *testing.T, s *Store, id account.UserID, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err := s.Upsert(ctx, app, []account.Upsert{{ID: id}}, free)
	return err
}

// abandoned reports whether err is the error of a call whose context ended before or during
// its change.
func abandoned(err error) bool {
	return account.CodeOf(err) == account.Unavailable || account.CodeOf(err) == account.Unknown
}

const long = time.Minute // more than any call takes

// TestFatalFaults breaks the disk under load in ways that Pebble cannot survive. No change
// may be acknowledged afterwards, and no acknowledged change may be lost.
func TestFatalFaults(t *testing.T) {
	broken := errors.New("input/output error")
	for _, tt := range []struct {
		name  string
		fault func(errorfs.Op) error
	}{
		{"log write", on(broken, ".log", writes...)},
		{"log sync", on(broken, ".log", syncs...)},
		{"manifest write", on(broken, "MANIFEST", writes...)},
		{"manifest sync", on(broken, "MANIFEST", syncs...)},
		{"log full", on(syscall.ENOSPC, ".log", errorfs.OpFileWrite)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := newFaultyDisk()
			s := open(t, Options{FS: disk, flushBytes: 64 << 10})
			l := newLedger()
			l.face = strings.Repeat("x", 500)
			failed := make(chan error, 8)
			for w := range cap(failed) {
				go func() { failed <- l.load(t.Context(), s, w) }()
			}
			l.await(t, 1000)
			disk.breakDown(tt.fault)
			for range cap(failed) {
				if err := <-failed; account.CodeOf(err) != account.Internal {
					t.Errorf("a caller got %v, want Code internal", err)
				}
			}
			eventually(t, "failure", func() bool { return s.failure.Check() != nil })
			disk.heal() // too late: the content of the disk is unknown
			checkFailed(t, s)
			reopened(t, disk, l)
			_ = s.Close() // it may fail
		})
	}
}

// checkFailed checks that a failed store refuses writes and still serves reads.
func checkFailed(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Ready(t.Context()); account.CodeOf(err) != account.Internal {
		t.Errorf("Ready: %v, want Code internal", err)
	}
	if err := one(t, s, "late", long); account.CodeOf(err) != account.Internal {
		t.Errorf("Upsert: %v, want Code internal", err)
	}
	if rs, err := s.Status(t.Context(), app, []account.UserID{"w0-0-0", "late"}); err != nil || !rs[0].Exists() || rs[1].Exists() {
		t.Errorf("Status: %+v, %v", rs, err)
	}
	if page, err := s.List(t.Context(), app, account.ListQuery{Prefix: "w0-0-0", Limit: 1}); err != nil || len(page.Accounts) != 1 {
		t.Errorf("List: %+v, %v", page, err)
	}
	if rs, err := s.RecordsAt(t.Context(), kindWhole, []string{"none"}); err != nil || len(rs) != 1 {
		t.Errorf("RecordsAt: %+v, %v", rs, err)
	}
}

// reopened simulates a crash, opens the store on a healthy disk, and checks that it has
// lost nothing.
func reopened(t *testing.T, disk *faultyDisk, l *ledger) {
	t.Helper()
	s := open(t, Options{FS: disk.inner.crash(vfs.CrashCloneCfg{})})
	defer func() { _ = s.Close() }()
	if lost := l.copy().lost(t, s); len(lost) > 0 {
		t.Errorf("%d losses, such as %s", len(lost), lost[0])
	}
}

// TestTableFaults breaks the background work of Pebble. Writes wait when its memory is
// full, return an error when their contexts end, and succeed again when the disk works
// again.
func TestTableFaults(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault func(errorfs.Op) error
	}{
		{"write", on(errors.New("input/output error"), ".sst", writes...)},
		{"sync", on(errors.New("input/output error"), ".sst", syncs...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log lockedBuffer
			disk := newFaultyDisk()
			s := open(t, Options{FS: disk, Logger: slog.New(slog.NewTextHandler(&log, nil)), flushBytes: 64 << 10})
			disk.breakDown(tt.fault)
			l := newLedger()
			l.face = strings.Repeat("x", 500)
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error, 4)
			for w := range cap(failed) {
				go func() { failed <- l.load(ctx, s, w) }()
			}
			eventually(t, "store that is not ready", func() bool { return s.Ready(t.Context()) != nil })
			eventually(t, "commit that hangs", func() bool { return s.commits.stuck() > slowCommit })
			if err := one(t, s, "waits", 10*time.Millisecond); account.CodeOf(err) != account.Unavailable {
				t.Errorf("Upsert: %v, want Code unavailable", err)
			}
			cancel()
			for range cap(failed) {
				if err := <-failed; !abandoned(err) {
					t.Errorf("a caller got %v, want Code unavailable or unknown", err)
				}
			}
			disk.heal()
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(log.String())
				}
			})
			eventually(t, "store that is ready again", func() bool { return s.Ready(t.Context()) == nil })
			if err := one(t, s, "goes on", long); err != nil {
				t.Errorf("after the disk works again: %v", err)
			}
			reopened(t, disk, l)
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if !strings.Contains(log.String(), "background work of the store met an error") {
				t.Errorf("the log says nothing of the fault:\n%s", log.String())
			}
		})
	}
}

// TestHungSync makes the disk hang in the middle of a commit. No read may return a change
// that is not durable. Each call returns when its context ends: the commit with Code
// Unknown, the calls behind it with Code Unavailable. Writes succeed again when the disk
// continues.
func TestHungSync(t *testing.T) {
	disk := newFaultyDisk()
	s := open(t, Options{FS: disk})
	if err := one(t, s, "before", long); err != nil {
		t.Fatal(err)
	}
	hung, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	disk.breakDown(func(op errorfs.Op) error {
		if on(errors.New(""), ".log", syncs...)(op) != nil {
			once.Do(func() { close(hung) })
			<-release
		}
		return nil
	})
	slow, gone := make(chan error), make(chan error)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		_, err := s.Upsert(ctx, app, []account.Upsert{{ID: "before", Nick: "new"}, {ID: "slow"}}, free)
		gone <- err
	}()
	<-hung
	leave()
	if err := <-gone; account.CodeOf(err) != account.Unknown {
		t.Errorf("the caller of the commit that hangs: %v, want Code unknown", err)
	}
	go func() { slow <- one(t, s, "behind", long) }()
	checkHidden(t, s)
	var wg sync.WaitGroup
	for i := range maxQueue + 50 { // more than fit into the queue
		wg.Go(func() {
			err := one(t, s, account.UserID(fmt.Sprintf("u%d", i)), 50*time.Millisecond)
			if account.CodeOf(err) != account.Unavailable {
				t.Errorf("a caller got %v, want Code unavailable", err)
			}
		})
	}
	wg.Wait()
	eventually(t, "store that is not ready", func() bool { return s.Ready(t.Context()) != nil })
	disk.heal()
	close(release)
	if err := <-slow; err != nil {
		t.Errorf("the call behind the commit that hung: %v", err)
	}
	if st, err := s.Status(t.Context(), app, []account.UserID{"slow"}); err != nil || !st[0].Exists() {
		t.Errorf("the account of the commit that hung: %+v, %v", st, err)
	}
	eventually(t, "store that is ready again", func() bool { return s.Ready(t.Context()) == nil })
	if err := one(t, s, "after", long); err != nil {
		t.Errorf("after the disk has continued: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// checkHidden checks that no read returns the account "slow" or the new nick of "before".
func checkHidden(t *testing.T, s *Store) {
	t.Helper()
	ids := []account.UserID{"before", "slow"}
	if rs, err := s.Status(t.Context(), app, ids); err != nil || !rs[0].Exists() || rs[1].Exists() {
		t.Errorf("Status: %+v, %v", rs, err)
	}
	if as, err := s.Lookup(t.Context(), app, ids); err != nil || as[0].Nick != "" || as[1].InternalID != 0 {
		t.Errorf("Lookup: %+v, %v", as, err)
	}
	page, err := s.List(t.Context(), app, account.ListQuery{Limit: 9})
	if err != nil || len(page.Accounts) != 1 || page.Accounts[0].Nick != "" {
		t.Errorf("List: %+v, %v", page, err)
	}
	if n, err := s.Count(t.Context(), app); err != nil || n != 1 {
		t.Errorf("Count = %d, %v; want 1", n, err)
	}
}

// TestGuard checks that writes are refused while there is too little free space.
func TestGuard(t *testing.T) {
	disk := vfs.NewMem()
	usage := func(free uint64) {
		disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 1 << 40, UsedBytes: 1<<40 - free})
	}
	usage(minFree)
	s := open(t, Options{FS: disk, checkSpace: time.Millisecond})
	if err := one(t, s, "a", long); err != nil {
		t.Fatal(err)
	}
	usage(minFree - 1)
	eventually(t, "store that is not ready", func() bool { return s.Ready(t.Context()) != nil })
	for _, err := range []error{s.Ready(t.Context()), one(t, s, "b", long)} {
		if account.CodeOf(err) != account.Internal || !strings.Contains(err.Error(), "the disk is nearly full; free space") {
			t.Errorf("with little space: %v", err)
		}
	}
	if as, err := s.Lookup(t.Context(), app, []account.UserID{"a", "b"}); err != nil || as[0].InternalID == 0 || as[1].InternalID != 0 {
		t.Errorf("Lookup with little space: %+v, %v", as, err)
	}
	usage(minFree)
	eventually(t, "store that is ready again", func() bool { return s.Ready(t.Context()) == nil })
	if err := one(t, s, "b", long); err != nil {
		t.Errorf("with space again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// TestDiskFull makes writes of tables fail with ENOSPC between two measurements of the free
// space.
func TestDiskFull(t *testing.T) {
	var log lockedBuffer
	disk := newFaultyDisk()
	disk.inner.mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 30, TotalBytes: 1 << 40})
	s := open(t, Options{FS: disk, Logger: slog.New(slog.NewTextHandler(&log, nil)), checkSpace: time.Hour, flushBytes: 64 << 10})
	var attempts atomic.Int64
	full := on(syscall.ENOSPC, ".sst", writes...)
	disk.breakDown(func(op errorfs.Op) error {
		err := full(op)
		if err != nil {
			attempts.Add(1)
		}
		return err
	})
	l := newLedger()
	l.face = strings.Repeat("x", 500)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.load(ctx, s, 0) }()
	eventually(t, "store that is not ready", func() bool { return s.Ready(t.Context()) != nil })
	cancel() // the call may already wait for room in the journal
	if err := <-ended; account.CodeOf(err) != account.Internal && !abandoned(err) {
		t.Errorf("a caller got %v, want Code internal, unavailable or unknown", err)
	}
	if err := one(t, s, "late", long); account.CodeOf(err) != account.Internal {
		t.Errorf("the next caller got %v, want Code internal", err)
	}
	began, before := time.Now(), attempts.Load()
	eventually(t, "three more attempts", func() bool { return attempts.Load() >= before+3 })
	if took := time.Since(began); took < 2*guard.PauseWhenFull {
		t.Errorf("three attempts took %v: there was no pause between them", took)
	}
	disk.heal()
	s.space.Measure()
	if err := one(t, s, "goes on", long); err != nil {
		t.Errorf("with space again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	reopened(t, disk, l)
}

// A lockedBuffer is a log to which several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
