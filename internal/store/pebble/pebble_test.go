package pebble

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
	"rollcall/internal/account/storetest"
)

// openMem opens a store in memory, for tests without restarts.
func openMem(tb testing.TB) account.Engine { return openBare(tb, Options{FS: vfs.NewMem()}) }

// openDisk opens a store on the file system.
func openDisk(tb testing.TB, dir string) account.Engine { return openBare(tb, Options{Dir: dir}) }

// open opens a store and creates the space of app if it does not exist.
func open(tb testing.TB, o Options) *Store {
	tb.Helper()
	s := openBare(tb, o)
	err := s.write(tb.Context(), 0, func(g *group) error {
		if !g.hasSpace(app) {
			_, err := g.commitRecords(account.Commit{Spaces: []account.Space{{App: app, Now: now}}}, nil)
			return err
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// openSpace creates the space of an app.
func openSpace(tb testing.TB, s *Store, id account.AppID) {
	tb.Helper()
	if _, err := s.Commit(tb.Context(), account.Commit{Spaces: []account.Space{{App: id, Now: now}}}); err != nil {
		tb.Fatal(err)
	}
}

// openBare opens a store without creating a space.
func openBare(tb testing.TB, o Options) *Store {
	tb.Helper()
	if o.Dir == "" {
		o.Dir = "data"
	}
	o.Convert = convert
	s, err := Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestEngine(t *testing.T) { storetest.Run(t, openMem) }

func TestReopen(t *testing.T) { storetest.RunReopen(t, openDisk) }

// TestFaults makes commits fail. The store has failed after that, so the suite opens the
// files that a crash would leave.
func TestFaults(t *testing.T) {
	storetest.RunFaults(t, func(tb testing.TB, hook storetest.Hook) storetest.Faulty {
		disk := newCrashDisk()
		s := openBare(tb, Options{FS: disk, hook: hook})
		s.flusher.mu.Lock() // because the commits of a flush would also call hook
		return storetest.Faulty{Engine: s, Reopen: func() account.Engine {
			s.flusher.mu.Unlock()
			return openBare(tb, Options{FS: disk.crash(vfs.CrashCloneCfg{})})
		}}
	})
}

// TestProperty uses file systems in memory, because many restarts are slow on a disk.
func TestProperty(t *testing.T) { property(t, Options{flushBytes: 256}) }

// TestPropertyRenewed is TestProperty with a rewrite of the index in every flush.
func TestPropertyRenewed(t *testing.T) { property(t, Options{flushBytes: 256, renewIndex: true}) }

func property(t *testing.T, o Options) {
	disks := map[string]vfs.FS{}
	storetest.PropertyReopen(t, func(tb testing.TB, dir string) account.Engine {
		if disks[dir] == nil {
			disks[dir] = vfs.NewMem()
		}
		o.FS = disks[dir]
		return openBare(tb, o)
	})
}

func BenchmarkEngine(b *testing.B) {
	storetest.Benchmark(b, func(tb testing.TB) account.Engine { return openDisk(tb, b.TempDir()) })
}
