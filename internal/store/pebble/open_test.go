package pebble

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// openElsewhere is an environment variable with the directory that a second process of
// this test opens.
const openElsewhere = "PEBBLE_TEST_OPEN"

// TestInUse opens a directory twice, from this process and from another.
func TestInUse(t *testing.T) {
	if dir := os.Getenv(openElsewhere); dir != "" {
		s, err := Open(t.Context(), Options{Dir: dir})
		if err == nil {
			_ = s.Close()
		}
		t.Logf("Open: %v.", err)
		return
	}
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, Options{Dir: dir})
	want := "the data directory " + dir + " is in use by another process; stop it, use another --data, or copy a running server's store with \"rollcall backup create\""
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || err.Error() != want {
		t.Errorf("second Open: %v, want %s", err, want)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestInUse$", "-test.v")
	cmd.Env = append(os.Environ(), openElsewhere+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Open: "+want+".") {
		t.Errorf("Open in another process: %v\n%s", err, out)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, Options{Dir: dir})
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory: %v, %v; want 0700", info.Mode(), err)
	}
}

// TestRefused checks the errors of Open for directories that it must refuse.
func TestRefused(t *testing.T) {
	newer := "was written by a newer version; use that version or another --data"
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, disk vfs.FS)
		want    string
	}{
		{"newer format", func(t *testing.T, disk vfs.FS) { put(t, disk, formatKey, fmt.Append(nil, format+1)) }, newer},
		{"garbled format", func(t *testing.T, disk vfs.FS) { put(t, disk, formatKey, []byte("x")) }, newer},
		{"newer engine", func(t *testing.T, disk vfs.FS) {
			file(t, disk, "data/marker.format-version.000099.999")
		}, newer},
		{"no store", func(t *testing.T, disk vfs.FS) { file(t, disk, "data/notes.txt") }, "holds notes.txt, but no store"},
		{"file", func(t *testing.T, disk vfs.FS) { file(t, disk, "data") }, "is a file"},
		{"corrupt page", func(t *testing.T, disk vfs.FS) { put(t, disk, pageKey(changeSpace, 7, 0), []byte{9}) }, "index, flush 7: a stored value is corrupt"},
		{"corrupt key", func(t *testing.T, disk vfs.FS) { put(t, disk, []byte("i/abc"), nil) }, "corrupt"},
		{"corrupt space", func(t *testing.T, disk vfs.FS) { put(t, disk, []byte("s/\x00\x00\x00\x07"), []byte("{")) }, "reading the data directory"},
		{"corrupt key of a space", func(t *testing.T, disk vfs.FS) { put(t, disk, []byte("s/abc"), []byte("[]")) }, "corrupt"},
		{"corrupt number", func(t *testing.T, disk vfs.FS) { put(t, disk, []byte("m/commits"), []byte{1}) }, "corrupt"},
		{"corrupt counter", func(t *testing.T, disk vfs.FS) { put(t, disk, flushedKey, []byte{1}) }, "corrupt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			disk := vfs.NewMem()
			tt.prepare(t, disk)
			if s, err := Open(t.Context(), Options{Dir: "data", FS: disk}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open = %v, %v; want an error with %q", s, err, tt.want)
			}
			if _, err := disk.Stat("data/LOCK"); tt.name == "no store" && err == nil {
				t.Error("a file was left in a directory that is no store")
			}
			if lock, err := pebble.LockDirectory("data", disk); tt.name != "file" && err != nil {
				t.Errorf("the lock was kept: %v", err)
			} else if err == nil {
				_ = lock.Close()
			}
		})
	}
}

// put writes one key directly into Pebble.
func put(t *testing.T, disk vfs.FS, key, value []byte) {
	t.Helper()
	s := open(t, Options{FS: disk})
	if err := s.db.Set(key, value, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// file creates an empty file.
func file(t *testing.T, disk vfs.FS, name string) {
	t.Helper()
	if err := disk.MkdirAll(disk.PathDir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := disk.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestClose checks that a store leaves no goroutine behind, and that Close waits for calls
// whose callers have given up.
func TestClose(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	for i := range 50 {
		_ = one(t, s, account.UserID("u"+strings.Repeat("x", i%30)), 0)
	}
	if err := one(t, s, "a", long); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// TestCorruptValue reads an account that was corrupted while the store was open.
func TestCorruptValue(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { _ = s.Close() }()
	if err := one(t, s, "a", long); err != nil {
		t.Fatal(err)
	}
	flush(t, s)
	if err := s.db.Set(appendNameKey(nil, accountSpace, record.AppendName(nil, app, "a")), []byte{9}, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := one(t, s, "b", long); err != nil {
		t.Fatal(err)
	}
	flush(t, s) // gives readers a new snapshot
	s.view.forget()
	_, lookup := s.Lookup(t.Context(), app, []account.UserID{"a"})
	_, list := s.List(t.Context(), app, account.ListQuery{Limit: 1})
	for _, err := range []error{lookup, list} {
		if account.CodeOf(err) != account.Internal || err == nil {
			t.Errorf("%v, want Code internal", err)
		}
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
}

// flush flushes the journal now.
func flush(t *testing.T, s *Store) {
	t.Helper()
	if err := s.flusher.guarded(nil); err != nil {
		t.Fatal(err)
	}
}

// orphan creates a store of the given format with two accounts of an app that has no space.
// It returns the disk and the newest InternalID.
func orphan(t *testing.T, format int) (disk *vfs.MemFS, newest uint64) {
	t.Helper()
	disk = vfs.NewMem()
	s := openBare(t, Options{FS: disk})
	rs := make([]account.UpsertResult, 2)
	must(t, s.write(t.Context(), 1, func(g *group) error {
		return g.upsert(newUpsert(s.table, app, []account.Upsert{{ID: "a"}, {ID: "b"}}, free), rs)
	}))
	must(t, s.write(t.Context(), 1, func(g *group) error {
		name := record.AppendName(nil, app, "b")
		_, err := g.update(g.table.Hash(name), name, account.Patch{ID: "b", Kicked: 7}, now)
		return err
	}))
	flush(t, s)
	makeOlder(t, s, format)
	must(t, s.Close())
	c, err := Verify(t.Context(), Options{Dir: "data", FS: disk, Convert: convert}, nil)
	if err != nil || c.Orphans != 2 || c.Accounts != 0 {
		t.Errorf("Verify = %+v, %v; want two orphans", c, err)
	}
	return disk, rs[1].InternalID
}

// TestOrphans opens a store of format 3 with accounts of an app that does not exist. The
// start must remove them, so a new app with that number starts empty.
func TestOrphans(t *testing.T) {
	disk, newest := orphan(t, 3)
	for _, when := range []string{"start", "next start"} {
		s := openBare(t, Options{FS: disk})
		st, err := s.Status(t.Context(), app, []account.UserID{"a", "b"})
		if n := s.table.Total(); err != nil || n != 0 || st[0] != (account.Status{}) || st[1] != (account.Status{}) {
			t.Errorf("after a %s: %d accounts, %+v, %v; want nothing", when, n, st, err)
		}
		if n, err := formatOf(s.db); n != format {
			t.Errorf("after a %s: format %d, %v", when, n, err)
		}
		must(t, s.Close())
	}
	s := open(t, Options{FS: disk})
	defer func() { must(t, s.Close()) }()
	again, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: "a"}}, account.UpsertPolicy{Now: now})
	if err != nil || !again[0].Created || again[0].InternalID <= newest {
		t.Errorf("an import to the new app: %+v, %v; want a new account above %d", again, err, newest)
	}
}

// TestOrphansOfFullDisk opens a store of format 3 with too little free space to remove its
// orphans. Open must fail. With enough space it must succeed.
func TestOrphansOfFullDisk(t *testing.T) {
	disk, _ := orphan(t, 3)
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: minFree - 1})
	if s, err := Open(t.Context(), Options{Dir: "data", FS: disk, Convert: convert}); err == nil || !strings.Contains(err.Error(), "nearly full") {
		t.Fatalf("Open = %v, %v; want an error about the free space", s, err)
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 40})
	s := openBare(t, Options{FS: disk})
	if n := s.table.Total(); n != 0 {
		t.Errorf("with enough space: %d accounts, want none", n)
	}
	must(t, s.Close())
}

// TestOrphansOfDamage checks that a start keeps accounts whose app was lost, even if it
// converts an older format. Creating the app again must make them visible.
func TestOrphansOfDamage(t *testing.T) {
	for n := checkedFormat; n <= format; n++ {
		disk, _ := orphan(t, n)
		must(t, openBare(t, Options{FS: disk}).Close())
		s := open(t, Options{FS: disk})
		if got, err := s.Count(t.Context(), app); err != nil || got != 2 {
			t.Errorf("format %d: %d accounts, %v; want the two from before", n, got, err)
		}
		must(t, s.Close())
	}
}

// TestFullDiskStart checks that Open refuses a disk without enough space for a start.
// Verify needs no space.
func TestFullDiskStart(t *testing.T) {
	disk := vfs.NewMem()
	must(t, openBare(t, Options{FS: disk}).Close())
	_, err := Open(t.Context(), Options{Dir: "data", FS: fullDisk{disk}})
	if err == nil || !strings.Contains(err.Error(), "has 10 MiB free, and a start needs 128 MiB") {
		t.Errorf("Open: %v, want an error with the free and the needed space", err)
	}
	c, err := Verify(t.Context(), Options{Dir: "data", FS: fullDisk{disk}}, nil)
	if err != nil || len(c.Records) != 0 {
		t.Errorf("Verify = %+v, %v; want no error without free space", c, err)
	}
}

// A fullDisk has 10 MiB free.
type fullDisk struct{ vfs.FS }

func (fullDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: 10 << 20}, nil
}

// TestRecordsCanceled checks that a list of records stops when its context ends.
func TestRecordsCanceled(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	for range 20 {
		_, err := s.Commit(t.Context(), account.Commit{Writes: []account.Write{{Kind: 7, Value: []byte("v"), Append: true}}})
		must(t, err)
	}
	ctx := countedTo(t.Context(), 10)
	page, err := s.Records(ctx, account.RecordQuery{Kind: 7, Limit: 100})
	if account.CodeOf(err) != account.Unavailable || len(page.Records) > 0 {
		t.Errorf("Records = %v, %v; want Code unavailable", page, err)
	}
}

// TestOpenCanceled cancels a start at each of its checks of the context. The store must not
// change.
func TestOpenCanceled(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "a", long))
	flush(t, s)
	must(t, one(t, s, "b", long))
	must(t, s.Close())
	refused := 0
	for n := 0; ; n++ {
		s, err := Open(countedTo(t.Context(), n), Options{Dir: "data", FS: disk})
		if err == nil {
			must(t, s.Close())
			break
		}
		if refused++; account.CodeOf(err) != account.Unavailable {
			t.Errorf("a start that was canceled at check %d: %v", n, err)
		}
	}
	if refused < 3 {
		t.Errorf("%d starts were canceled, want at least 3", refused)
	}
	if n := accounts(t, disk); n != 2 {
		t.Errorf("%d accounts, want 2", n)
	}
}

// A countedContext ends after left calls of Err.
type countedContext struct {
	context.Context
	left atomic.Int64
}

func countedTo(ctx context.Context, n int) *countedContext {
	c := &countedContext{Context: ctx}
	c.left.Store(int64(n))
	return c
}

func (c *countedContext) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestOpenEnds opens a store on a disk that refuses tables, which Pebble tries to write
// again and again. Open returns when its context ends.
func TestOpenEnds(t *testing.T) {
	disk := newFaultyDisk()
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "a", long))
	must(t, s.Close())
	refused := make(chan struct{}, 1)
	disk.breakDown(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpCreate || !strings.Contains(op.Path, ".sst") {
			return nil
		}
		select {
		case refused <- struct{}{}:
		default:
		}
		return syscall.EIO
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Open(ctx, Options{Dir: "data", FS: disk})
		done <- err
	}()
	<-refused
	cancel()
	if err := <-done; account.CodeOf(err) != account.Unavailable {
		t.Errorf("Open: %v, want Code unavailable", err)
	}
	if _, err := Open(t.Context(), Options{Dir: "data", FS: disk}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("while Pebble still opens the directory, another start gets %v", err)
	}
	disk.heal()
	eventually(t, "unlocked directory", func() bool {
		s, err := Open(t.Context(), Options{Dir: "data", FS: disk})
		if err != nil {
			return false
		}
		must(t, s.Close())
		return true
	})
}
