package pebble

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"rollcall/internal/account"
)

const crashApp account.AppID = 1400000001

// A load imports accounts from several goroutines and keeps what was
// acknowledged.
type load struct {
	mu    sync.Mutex
	acked []account.UserID
}

// run imports batches until a call fails or calls batches were acknowledged.
func (l *load) run(s *Store, name string, workers, calls int) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range calls {
				ids := make([]account.UserID, 5)
				items := make([]account.Upsert, len(ids))
				for k := range ids {
					ids[k] = account.UserID(fmt.Sprintf("%s-%d-%d-%d", name, w, i, k))
					items[k] = account.Upsert{ID: ids[k], Nick: "nick"}
				}
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				_, err := s.Upsert(ctx, crashApp, items, account.UpsertPolicy{Now: time.UnixMilli(1), TombstoneBefore: account.AnyTombstone})
				cancel()
				if err != nil {
					return
				}
				l.mu.Lock()
				l.acked = append(l.acked, ids...)
				l.mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func (l *load) snapshot() []account.UserID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]account.UserID(nil), l.acked...)
}

// lost opens what fs holds and returns how many of ids are not there.
func lost(t *testing.T, fs vfs.FS, ids []account.UserID) (n int) {
	t.Helper()
	s := open(t, Options{FS: fs})
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	status, err := s.Status(t.Context(), crashApp, ids)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := s.Lookup(t.Context(), crashApp, ids)
	if err != nil {
		t.Fatal(err)
	}
	for i := range ids {
		if !status[i].Exists() || accounts[i].Nick != "nick" {
			n++
		}
	}
	return n
}

// crash loads a store, takes a picture of the disk as a loss of power would
// leave it in the middle of the load, and returns how many of the accounts that
// had been acknowledged by then are missing in it.
func crash(t *testing.T, seed uint64, noSync bool) (acked, missing int) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	s := open(t, Options{FS: fs, noSync: noSync})
	l := new(load)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.run(s, "crash", 8, 40)
	}()
	rng := rand.New(rand.NewPCG(seed, seed))
	for want := rng.IntN(1000); len(l.snapshot()) < want; {
		time.Sleep(time.Millisecond)
	}
	ids := l.snapshot()
	after := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101) * int(seed%2), RNG: rng})
	<-done
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	return len(ids), lost(t, after, ids)
}

func TestCrash(t *testing.T) {
	for seed := range uint64(20) {
		if acked, missing := crash(t, seed, false); missing > 0 {
			t.Errorf("seed %d: %d of %d acknowledged accounts lost", seed, missing, acked)
		}
	}
}

// TestCrashCanFail shows that TestCrash would notice a store that acknowledges
// too early.
func TestCrashCanFail(t *testing.T) {
	for seed := uint64(0); seed < 20; seed += 2 {
		if _, missing := crash(t, seed, true); missing > 0 {
			return
		}
	}
	t.Error("a store that does not sync lost nothing")
}

// TestDiskErrors breaks one kind of operation in the middle of a load. Callers
// get an answer in time, nothing is acknowledged afterwards, and what was
// acknowledged before is there when the disk is well again.
func TestDiskErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		kinds []errorfs.OpKind
		file  string
	}{
		{"log write", []errorfs.OpKind{errorfs.OpFileWrite}, "*.log"},
		{"log sync", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, "*.log"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inner := vfs.NewMem()
			var broken atomic.Bool
			s := open(t, Options{FS: errorfs.Wrap(inner, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if broken.Load() && matches(op, tt.kinds, tt.file) {
					return errorfs.ErrInjected
				}
				return nil
			}))})
			l := new(load)
			l.run(s, "before", 4, 20)
			before := len(l.acked)
			broken.Store(true)
			start := time.Now()
			l.run(s, "after", 4, 20)
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("callers waited %v for an answer", took)
			}
			if got := len(l.acked); got != before {
				t.Errorf("%d accounts acknowledged on a broken disk", got-before)
			}
			if s.Ready(t.Context()) == nil {
				t.Error("ready on a broken disk")
			}
			_ = s.Close() // says that the store has failed
			if n := lost(t, inner, l.acked); n > 0 {
				t.Errorf("%d of %d acknowledged accounts lost", n, len(l.acked))
			}
		})
	}
}

func matches(op errorfs.Op, kinds []errorfs.OpKind, pattern string) bool {
	ok, err := filepath.Match(pattern, filepath.Base(op.Path))
	if err != nil || !ok {
		return false
	}
	return slices.Contains(kinds, op.Kind)
}
