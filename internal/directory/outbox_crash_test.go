package directory_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/pebble"
)

// A site is a directory with a store on a disk and an outbox that keeps all events.
type site struct {
	*testing.T
	engine   account.Engine
	registry *records.Registry
	dir      *directory.Directory
}

func openSite(t *testing.T, disk vfs.FS) *site {
	t.Helper()
	engine, err := pebble.Open(t.Context(), pebble.Options{Dir: "/store", FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{T: t, engine: engine, registry: records.New(engine, nil)}
	s.dir = directory.New(directory.Options{
		Engine: engine, Records: s.registry,
		Outbox: func(account.AppID, account.EventKind) bool { return true },
	})
	return s
}

func (s *site) close() {
	s.Helper()
	if err := s.engine.Close(); err != nil {
		s.Fatal(err)
	}
}

// A change is an id and the kind of its event.
type change struct {
	kind account.EventKind
	id   account.UserID
}

// changes are the acknowledged changes.
type changes struct {
	mu     sync.Mutex
	done   map[change]bool
	enough func(n int) // called with the number of changes
}

func (c *changes) add(kind account.EventKind, ids ...account.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.done[change{kind, id}] = true
	}
	c.enough(len(c.done))
}

// load imports two accounts in each round and deletes one of them, until stop is closed.
func (s *site) load(worker int, acknowledged *changes, stop <-chan struct{}) {
	app := &account.App{ID: appID, Edition: account.Development}
	for round := 0; ; round++ {
		select {
		case <-stop:
			return
		default:
		}
		keep, drop := account.UserID(fmt.Sprintf("k%d-%d", worker, round)), account.UserID(fmt.Sprintf("d%d-%d", worker, round))
		if _, err := s.dir.Import(s.Context(), app, []account.Upsert{{ID: keep}, {ID: "@bad"}, {ID: drop}}); err != nil {
			s.Errorf("Import: %v", err)
			return
		}
		acknowledged.add(account.EventImported, keep, drop)
		if _, err := s.dir.Delete(s.Context(), app, []account.UserID{drop}); err != nil {
			s.Errorf("Delete: %v", err)
			return
		}
		acknowledged.add(account.EventDeleted, drop)
	}
}

// outbox returns the changes in the outbox, and the keys of its events.
func (s *site) outbox() (told map[change]bool, keys []string) {
	s.Helper()
	pending, err := s.registry.Pending(s.Context(), appID, account.MaxListLimit)
	if err != nil {
		s.Fatal(err)
	}
	told = map[change]bool{}
	for _, p := range pending {
		keys = append(keys, p.Key)
		for _, item := range p.Event.Items {
			told[change{p.Event.Kind, item.ID}] = true
		}
	}
	return told, keys
}

// exists reports whether an account exists.
func (s *site) exists(id account.UserID) bool {
	s.Helper()
	st, err := s.engine.Status(s.Context(), appID, []account.UserID{id})
	if err != nil {
		s.Fatal(err)
	}
	return st[0].Exists()
}

// TestOutboxSurvivesCrash simulates a power loss under load. Each acknowledged change must
// have an event in the outbox, and each event must have its change.
func TestOutboxSurvivesCrash(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 1))
		disk := vfs.NewCrashableMem()
		s := openSite(t, disk)
		if _, err := s.dir.CreateApp(t.Context(), "test", account.App{ID: appID, Edition: account.Development}); err != nil {
			t.Fatal(err)
		}
		stop, enough, most := make(chan struct{}), make(chan struct{}), 50+rng.IntN(200)
		reached := sync.OnceFunc(func() { close(enough) })
		acknowledged := &changes{done: map[change]bool{}, enough: func(n int) {
			if n >= most {
				reached()
			}
		}}
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() { s.load(worker, acknowledged, stop) })
		}
		<-enough
		before := acknowledged.copy()
		left := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		close(stop)
		wg.Wait()
		s.close()

		s = openSite(t, left)
		s.checkOutbox(before)
		s.checkRemoval(left)
	}
}

// copy returns the changes that have been acknowledged so far.
func (c *changes) copy() map[change]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.done)
}

// checkOutbox compares the outbox with the acknowledged changes and with the accounts.
func (s *site) checkOutbox(acknowledged map[change]bool) {
	s.Helper()
	told, _ := s.outbox()
	for ch := range acknowledged {
		if !told[ch] {
			s.Errorf("%s %s was acknowledged but is not in the outbox", ch.id, ch.kind)
		}
	}
	for ch := range told {
		deleted := told[change{account.EventDeleted, ch.id}]
		if ch.kind == account.EventImported && s.exists(ch.id) == deleted {
			s.Errorf("the outbox says that %s was imported, and deleted: %v; the account does not match", ch.id, deleted)
		}
	}
}

// checkRemoval removes the oldest events twice, and restarts.
func (s *site) checkRemoval(disk vfs.FS) {
	s.Helper()
	_, keys := s.outbox()
	for range 2 {
		if err := s.registry.RemovePending(s.Context(), keys[:3]...); err != nil {
			s.Fatal(err)
		}
	}
	s.close()
	again := openSite(s.T, disk)
	defer again.close()
	if _, left := again.outbox(); len(left) != len(keys)-3 || left[0] != keys[3] {
		s.Errorf("%d events after a restart, want %d", len(left), len(keys)-3)
	}
}
