package pebble

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"rollcall/internal/account"
)

// A camera takes shots of a disk before operations that write to it. For each operation
// there are two: the files that kill -9 would leave at that moment, and those that a power
// loss would leave.
type camera struct {
	disk    *crashDisk
	percent int // of operations before which it takes shots
	acked   atomic.Int64

	mu    sync.Mutex
	rng   *rand.Rand
	shots []shot
	off   bool
}

// A shot is the content of a disk at one moment.
type shot struct {
	what  string
	disk  *vfs.MemFS
	acked int64 // accounts that were acknowledged before
}

// newCamera returns a camera for disk, and the file system that the store must use.
func newCamera(disk *crashDisk, seed uint64, percent int) (*camera, vfs.FS) {
	c := &camera{disk: disk, percent: percent, rng: rand.New(rand.NewPCG(7, seed))}
	return c, errorfs.Wrap(disk, errorfs.InjectorFunc(c.shoot))
}

func (c *camera) shoot(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off || c.rng.IntN(100) >= c.percent {
		return nil
	}
	what, acked := fmt.Sprint(op.Kind, " ", op.Path), c.acked.Load()
	power := c.disk.crash(vfs.CrashCloneCfg{RNG: c.rng})
	c.shots = append(c.shots, shot{"kill before " + what, killed(c.disk.mem), acked}, shot{"loss of power before " + what, power, acked})
	return nil
}

func (c *camera) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = true
}

// killed returns a copy of the directory "data", all of it durable.
func killed(disk vfs.FS) *vfs.MemFS {
	to := vfs.NewCrashableMem()
	if err := to.MkdirAll("data", 0o700); err != nil {
		panic(err)
	}
	names, _ := disk.List("data") // none before the directory is created
	for _, name := range names {
		if strings.HasPrefix(name, stagePrefix) {
			continue // a directory, which the next start removes
		}
		err := copyAtOnce(disk, to, "data/"+name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it was removed meanwhile
			panic(err)
		}
	}
	for _, dir := range []string{"/", "data"} {
		d, err := to.OpenDir(dir)
		if err = errors.Join(err, d.Sync(), d.Close()); err != nil {
			panic(err)
		}
	}
	return to
}

// copyAtOnce copies a file with a single read. Several reads could see half of a write that
// is in progress.
func copyAtOnce(from, to vfs.FS, name string) error {
	in, err := from.Open(name)
	if err != nil {
		return err
	}
	info, err := in.Stat()
	if err != nil {
		return errors.Join(err, in.Close())
	}
	b := make([]byte, info.Size())
	n, err := in.ReadAt(b, 0)
	if err = errors.Join(err, in.Close()); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	out, err := to.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = out.Write(b[:n])
	return errors.Join(err, out.Sync(), out.Close())
}

// recordsEvery is the number of accounts after which fill commits records.
const recordsEvery = 50

// fill imports accounts and writes records. The accounts are large, so logs fill soon.
func (c *camera) fill(t *testing.T, s *Store, calls int) {
	t.Helper()
	for range calls {
		n := c.acked.Load()
		us := make([]account.Upsert, 10)
		for i := range us {
			us[i] = account.Upsert{ID: account.UserID(fmt.Sprintf("id-%06d", n+int64(i))), FaceURL: strings.Repeat("x", 400)}
		}
		p := free
		records := n%recordsEvery == 0
		if records {
			p.Outbox = outboxOf(us[0].ID)
		}
		if _, err := s.Upsert(t.Context(), app, us, p); err != nil {
			t.Fatal(err)
		}
		if records {
			_, err := s.Commit(t.Context(), wholeCommit(0, fmt.Sprintf("c%06d", n)))
			must(t, err)
		}
		c.acked.Add(10)
	}
}

// checkShots opens the store of each shot twice. It must open, contain every acknowledged
// account, and contain no partial commit.
func (c *camera) checkShots(t *testing.T) {
	t.Helper()
	c.stop()
	for _, s := range c.shots {
		for _, when := range []string{"a start", "another start"} {
			st, err := Open(t.Context(), Options{Dir: "data", FS: s.disk, Convert: convert})
			if err != nil {
				t.Errorf("%s: %s is refused: %v", s.what, when, err)
				break
			}
			if n, err := st.Count(t.Context(), app); err != nil || n < s.acked {
				t.Errorf("%s: %s finds %d accounts of %d, %v", s.what, when, n, s.acked, err)
			}
			commits, want := int64(0), 3*((s.acked+recordsEvery-1)/recordsEvery)
			each(t, st, kindWhole, func(account.Record) { commits++ })
			if parts := partialCommits(t, st); len(parts) > 0 || commits < want {
				t.Errorf("%s: %s finds %d records of %d, and %q", s.what, when, commits, want, parts)
			}
			must(t, st.Close())
		}
	}
	t.Logf("%d shots", len(c.shots))
	if len(c.shots) == 0 {
		t.Error("no shot was taken")
	}
}

// TestShotsOfFirstStart takes shots at every write of a first start.
func TestShotsOfFirstStart(t *testing.T) {
	c, disk := newCamera(newCrashDisk(), 1, 100)
	s := open(t, Options{FS: disk})
	c.fill(t, s, 2)
	must(t, s.Close())
	c.checkShots(t)
}

// TestShotsOfLoad takes shots of a store under load, during its restart, and during a
// compaction. Its logs are small, so it often recycles logs and starts new manifests.
func TestShotsOfLoad(t *testing.T) {
	o := Options{flushBytes: 16 << 10, smallLogs: true}
	c, disk := newCamera(newCrashDisk(), 2, 3)
	o.FS = disk
	s := open(t, o)
	c.fill(t, s, 100)
	must(t, s.Close())
	s = open(t, o)
	c.fill(t, s, 50)
	must(t, s.sums.Save())
	c.fill(t, s, 50)
	must(t, newIdler(s.flusher).compact(nil))
	c.fill(t, s, 50)
	must(t, s.Close())
	if names, err := c.disk.List("data"); err != nil || !slices.ContainsFunc(names, func(n string) bool { return isLateLog(n) }) {
		t.Errorf("%v, %v: no new log was started", names, err)
	}
	c.checkShots(t)
}

func isLateLog(name string) bool { return strings.HasSuffix(name, ".log") && name > "000020.log" }

// TestShotsOfRecovery takes shots of the start that follows a kill or a power loss.
func TestShotsOfRecovery(t *testing.T) {
	o := Options{flushBytes: 16 << 10, smallLogs: true}
	first, disk := newCamera(newCrashDisk(), 3, 2)
	o.FS = disk
	s := open(t, o)
	first.fill(t, s, 100)
	must(t, s.Close())
	first.stop()
	for i, left := range first.shots {
		c, disk := newCamera(&crashDisk{FS: left.disk, mem: left.disk}, uint64(i), 15)
		c.acked.Store(left.acked)
		s, err := Open(t.Context(), Options{Dir: "data", FS: disk, flushBytes: 16 << 10, smallLogs: true})
		if err != nil {
			t.Fatalf("%s: %v", left.what, err)
		}
		must(t, s.Close())
		c.checkShots(t)
	}
}

// TestShotsOfTakeOver takes shots of the start that converts a store of format 3. One store
// was stopped before, the other one was killed.
func TestShotsOfTakeOver(t *testing.T) {
	for _, stopped := range []bool{true, false} {
		o := Options{flushBytes: 16 << 10, smallLogs: true}
		before, disk := newCamera(newCrashDisk(), 4, 0)
		o.FS = disk
		s := open(t, o)
		before.fill(t, s, 100)
		makeOlder(t, s, 3)
		if stopped {
			must(t, s.Close())
		}
		before.mu.Lock() // stops all writes
		old := killed(before.disk.mem)
		before.mu.Unlock()
		if !stopped {
			must(t, s.Close())
		}
		must(t, old.Remove("data/CHECKSUMS"))
		dir, err := old.OpenDir("data")
		must(t, errors.Join(err, dir.Sync(), dir.Close()))
		c, disk := newCamera(&crashDisk{FS: old, mem: old}, 5, 30)
		c.acked.Store(before.acked.Load())
		o.FS = disk
		s = open(t, o)
		c.fill(t, s, 10)
		must(t, s.Close())
		c.checkShots(t)
	}
}
