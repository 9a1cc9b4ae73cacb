package pebble

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"rollcall/internal/account"
)

// A hookedFS calls hook before it creates a file or a link whose path contains part. An
// error of hook is the error of the operation.
type hookedFS struct {
	vfs.FS
	part string
	hook func() error
}

func (fs *hookedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.Contains(name, fs.part) {
		if err := fs.hook(); err != nil {
			return nil, err
		}
	}
	return fs.FS.Create(name, c)
}

func (fs *hookedFS) Link(from, to string) error {
	if strings.Contains(to, fs.part) {
		if err := fs.hook(); err != nil {
			return err
		}
	}
	return fs.FS.Link(from, to)
}

// TestSnapshotFlush tries to flush during the step of a copy that links the files of one
// moment. The flush must wait, or the copy would contain half of it.
func TestSnapshotFlush(t *testing.T) {
	disk := &hookedFS{FS: vfs.NewMem(), part: stagePrefix}
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "flushed", long))
	flush(t, s)
	for i := range 100 {
		must(t, one(t, s, account.UserID(fmt.Sprint("u", i)), long))
	}
	disk.hook = func() error {
		if s.flusher.mu.TryLock() { // a flush does not wait for the copy
			s.flusher.mu.Unlock()
			return s.flusher.guarded(nil)
		}
		return nil
	}
	must(t, s.Snapshot(t.Context(), "copy"))
	disk.hook = func() error { return nil }
	must(t, s.Close())
	again := open(t, Options{FS: disk, Dir: "copy"})
	defer func() { must(t, again.Close()) }()
	if n, err := again.Count(t.Context(), app); err != nil || n != 101 {
		t.Errorf("the copy has %d accounts, %v; want 101", n, err)
	}
}

// TestSnapshotSlowTarget copies to a disk that does not respond. Writes and flushes must
// continue until several times the maximum size of the journal was flushed.
func TestSnapshotSlowTarget(t *testing.T) {
	reached, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	disk := &hookedFS{FS: vfs.NewMem(), part: "target/", hook: func() error {
		once.Do(func() { close(reached) })
		<-answer
		return nil
	}}
	must(t, disk.MkdirAll("target", 0o700))
	s := open(t, Options{FS: disk, flushBytes: 4 << 10})
	must(t, one(t, s, "before", long))
	copied := make(chan error, 1)
	go func() { copied <- s.Snapshot(t.Context(), "target/copy") }()
	<-reached
	flushed := s.flusher.flushed.Load()
	for i := 0; s.flusher.flushed.Load()-flushed < 4*int64(s.limit.max); i++ {
		must(t, one(t, s, account.UserID(fmt.Sprint("during-", i)), long))
	}
	must(t, s.Ready(t.Context()))
	close(answer)
	must(t, <-copied)
	must(t, s.Close())
	again := open(t, Options{FS: disk, Dir: "target/copy"})
	defer func() { must(t, again.Close()) }()
	if n, err := again.Count(t.Context(), app); err != nil || n != 1 {
		t.Errorf("the copy has %d accounts, %v; want the one from before", n, err)
	}
}

// TestSnapshotHungTargets cancels copies to a disk that hangs. Each still counts as a copy
// that is in progress. The store can be closed nevertheless, and the next start removes
// their files.
func TestSnapshotHungTargets(t *testing.T) {
	reached, answer := make(chan struct{}, maxCopies), make(chan struct{})
	mem := vfs.NewMem()
	disk := &hookedFS{FS: mem, part: "target/", hook: func() error {
		reached <- struct{}{}
		<-answer
		return errors.New("gone")
	}}
	must(t, disk.MkdirAll("target", 0o700))
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "a", long))
	for i := range maxCopies {
		ctx, cancel := context.WithCancel(t.Context())
		copied := make(chan error, 1)
		go func() { copied <- s.Snapshot(ctx, fmt.Sprint("target/", i)) }()
		<-reached
		cancel()
		if err := <-copied; account.CodeOf(err) != account.Unavailable {
			t.Errorf("copy %d, which was canceled: %v", i, err)
		}
	}
	if err := s.Snapshot(t.Context(), "target/more"); account.CodeOf(err) != account.Unavailable || !strings.Contains(err.Error(), "copies are under way") {
		t.Errorf("one copy more: %v", err)
	}
	must(t, one(t, s, "b", long))
	must(t, s.Close())
	again := open(t, Options{FS: mem})
	defer func() { must(t, again.Close()) }()
	defer close(answer)
	names, err := mem.List("data")
	must(t, err)
	for _, name := range names {
		if strings.HasPrefix(name, stagePrefix) {
			t.Errorf("%s was left behind", name)
		}
	}
}

// TestSnapshotCanceled cancels a copy that waits for a flush. It must not create any file
// afterwards.
func TestSnapshotCanceled(t *testing.T) {
	var staged atomic.Bool
	disk := &hookedFS{FS: vfs.NewMem(), part: stagePrefix, hook: func() error {
		staged.Store(true)
		return nil
	}}
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "a", long))
	s.flusher.mu.Lock() // as during a flush
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Snapshot(ctx, "copy"); account.CodeOf(err) != account.Unavailable {
		t.Errorf("Snapshot: %v", err)
	}
	s.flusher.mu.Unlock()
	eventually(t, "end of the copy", func() bool { return len(s.copies) == 0 })
	if _, err := disk.Stat("copy"); err == nil || staged.Load() {
		t.Error("a file was created after the call had failed")
	}
	must(t, s.Close())
}

// TestSnapshotBrokenTarget copies to a disk with each kind of error in each kind of file.
// The error of the copy must contain the cause, no part of the copy may remain, and the
// store must continue to work.
func TestSnapshotBrokenTarget(t *testing.T) {
	kinds := map[string][]errorfs.OpKind{"write": writes, "sync": syncs}
	for name, ops := range kinds {
		for _, cause := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS} {
			for _, file := range []string{".log", "MANIFEST", "OPTIONS", "marker.", "CHECKSUMS", ".sst"} {
				t.Run(fmt.Sprint(name, "/", cause, "/", file), func(t *testing.T) {
					disk := newFaultyDisk()
					noLinks := &hookedFS{FS: disk, part: "target/", hook: func() error { return nil }}
					s := open(t, Options{FS: crossing{noLinks}})
					must(t, noLinks.MkdirAll("target", 0o700))
					must(t, one(t, s, "a", long))
					flush(t, s)
					must(t, s.flushPebble(t.Context()))
					must(t, one(t, s, "c", long)) // now there are tables and a log
					disk.breakDown(func(op errorfs.Op) error {
						if !strings.Contains(op.Path, "target/copy") {
							return nil
						}
						return on(cause, file, ops...)(op)
					})
					err := s.Snapshot(t.Context(), "target/copy")
					if err == nil || !strings.Contains(err.Error(), cause.Error()) {
						t.Errorf("%v, want the cause %q", err, cause.Error())
					}
					must(t, one(t, s, "b", long))
					must(t, s.Ready(t.Context()))
					if _, gone := disk.Stat("target/copy"); gone == nil {
						t.Error("part of the copy was left behind")
					}
					must(t, s.Close())
				})
			}
		}
	}
}

// A crossing is a file system on which nothing can be linked into "target/".
type crossing struct{ vfs.FS }

func (fs crossing) Link(from, to string) error {
	if strings.HasPrefix(to, "target/") {
		return syscall.EXDEV
	}
	return fs.FS.Link(from, to)
}

// TestSnapshotAfterCutOffStart kills a start after it has flushed the old log and before it
// has created a new one. The next start has nothing to flush, so Pebble opens no manifest.
// A copy of the store must be complete nevertheless.
func TestSnapshotAfterCutOffStart(t *testing.T) {
	disk := newCrashDisk()
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "a", long))
	must(t, s.Close())

	var killed vfs.FS
	hooked := &hookedFS{FS: disk, part: ".log", hook: func() error {
		if killed == nil {
			killed = disk.crash(vfs.CrashCloneCfg{})
		}
		return nil
	}}
	must(t, open(t, Options{FS: hooked}).Close())

	s = open(t, Options{FS: killed})
	must(t, one(t, s, "b", long))
	must(t, s.Snapshot(t.Context(), "copy"))
	must(t, s.Close())
	s, err := Open(t.Context(), Options{Dir: "copy", FS: killed})
	must(t, err)
	if n, err := s.Count(t.Context(), app); err != nil || n != 2 {
		t.Errorf("the copy has %d accounts, %v; want 2", n, err)
	}
	must(t, s.Close())
}

// A writingFS calls write before each read of a log of the store, such as when Pebble
// copies the log.
type writingFS struct {
	vfs.FS
	write atomic.Pointer[func()]
}

func (fs *writingFS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.Open(name, o...)
	if err == nil && strings.HasSuffix(name, ".log") && !strings.Contains(name, stagePrefix) {
		return &writingFile{f, fs}, nil
	}
	return f, err
}

type writingFile struct {
	vfs.File
	fs *writingFS
}

func (f *writingFile) Read(p []byte) (int, error) {
	if write := f.fs.write.Load(); write != nil {
		(*write)()
	}
	return f.File.Read(p[:min(len(p), 1000)])
}

// TestSnapshotOfLogInUse imports accounts while Pebble copies the log. The copy must
// contain exactly the accounts from before.
func TestSnapshotOfLogInUse(t *testing.T) {
	disk := &writingFS{FS: vfs.NewMem()}
	s := open(t, Options{FS: disk})
	n := 0
	write := func() {
		n++
		must(t, one(t, s, account.UserID(fmt.Sprint("u", n)), long))
	}
	for range 200 {
		write()
	}
	before := n
	disk.write.Store(&write)
	must(t, s.Snapshot(t.Context(), "copy"))
	disk.write.Store(nil)
	if n == before {
		t.Fatal("nothing was written meanwhile")
	}
	c, err := Verify(t.Context(), Options{Dir: "copy", FS: disk}, nil)
	if err != nil || c.Accounts != int64(before) {
		t.Errorf("the copy has %+v, %v; want %d accounts", c, err, before)
	}
	must(t, s.Close())
}

// TestSnapshotsOfLoad copies a store several times under load. Each copy must contain what
// was acknowledged before it began, and no part of a commit without the rest.
func TestSnapshotsOfLoad(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk, smallLogs: true, flushBytes: 64 << 10})
	l := newLedger()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			if err := l.load(ctx, s, w); !abandoned(err) {
				t.Errorf("worker %d: %v", w, err)
			}
		})
	}
	acknowledged := map[string]*ledger{}
	for n := range 6 {
		l.await(t, 500*(n+1))
		dir, before := fmt.Sprint("copy-of-", n), l.copy()
		must(t, s.Snapshot(t.Context(), dir))
		before.forget(l.copy())
		acknowledged[dir] = before
	}
	cancel()
	wg.Wait()
	must(t, s.Close())
	for dir, before := range acknowledged {
		_, err := Verify(t.Context(), Options{FS: disk, Dir: dir}, nil)
		must(t, err)
		c := open(t, Options{FS: disk, Dir: dir})
		if lost := before.lost(t, c); len(lost) > 0 {
			t.Errorf("%d losses in %s, such as %s", len(lost), dir, lost[0])
		}
		must(t, c.Close())
	}
}
