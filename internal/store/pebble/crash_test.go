package pebble

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"rollcall/internal/account"
)

const app account.AppID = 1400000001

var now = time.UnixMilli(1_770_000_000_000).UTC()

var (
	free     = account.UpsertPolicy{Now: now, TombstoneBefore: account.AnyTombstone}
	changing = account.ChangePolicy{Now: now}
)

// A crashDisk is a file system in memory for which a test can simulate a power loss.
type crashDisk struct {
	vfs.FS
	mem *vfs.MemFS

	// links keeps crash and Link from running at the same time, which would be a deadlock
	// in mem.
	links sync.RWMutex
}

func newCrashDisk() *crashDisk {
	mem := vfs.NewCrashableMem()
	return &crashDisk{FS: mem, mem: mem}
}

// Link implements [vfs.FS].
func (d *crashDisk) Link(from, to string) error {
	d.links.RLock()
	defer d.links.RUnlock()
	return d.mem.Link(from, to)
}

// crash returns the files that a power loss at this moment would leave.
func (d *crashDisk) crash(c vfs.CrashCloneCfg) *vfs.MemFS {
	d.links.Lock()
	defer d.links.Unlock()
	return d.mem.CrashClone(c)
}

// A ledger records acknowledged changes, and the internal ids that reads have returned.
type ledger struct {
	mu       sync.Mutex
	live     map[account.UserID]uint64 // internal ids of accounts
	deleted  map[account.UserID]bool
	nicks    map[account.UserID]string
	commits  map[string]uint64 // numbers of commits, by name
	internal map[uint64]bool   // every internal id that a call has returned
	face     string            // FaceURL of every import, to fill memory faster
}

func newLedger() *ledger {
	return &ledger{
		live: map[account.UserID]uint64{}, deleted: map[account.UserID]bool{},
		nicks: map[account.UserID]string{}, internal: map[uint64]bool{}, commits: map[string]uint64{},
	}
}

// copy returns a copy of l at this moment.
func (l *ledger) copy() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{
		live: maps.Clone(l.live), deleted: maps.Clone(l.deleted), nicks: maps.Clone(l.nicks), internal: maps.Clone(l.internal),
		commits: maps.Clone(l.commits),
	}
}

// forget removes the accounts that the ledger later no longer contains. They may have been
// deleted before the crash.
func (l *ledger) forget(later *ledger) {
	maps.DeleteFunc(l.live, func(id account.UserID, _ uint64) bool { return later.live[id] == 0 })
}

// load imports, changes and deletes the accounts of a worker, one batch after the other. It
// returns the error of the first call that fails, at the latest when ctx ends.
func (l *ledger) load(ctx context.Context, s *Store, worker int) error {
	for round := 0; ; round++ {
		us := make([]account.Upsert, 20)
		for i := range us {
			us[i] = account.Upsert{ID: account.UserID(fmt.Sprintf("w%d-%d-%d", worker, round, i)), Nick: "first", FaceURL: l.face}
		}
		p := free
		p.Outbox = outboxOf(us[0].ID)
		rs, err := s.Upsert(ctx, app, us, p)
		if err != nil {
			return err
		}
		l.imported(us, rs)
		if err := l.commit(ctx, s, worker, fmt.Sprintf("c%d-%d", worker, round)); err != nil {
			return err
		}
		patch := account.Patch{ID: us[0].ID, Fields: []account.Field{{Tag: account.TagNick, Value: account.Value{Text: "second"}}}}
		if _, err := s.Update(ctx, app, []account.Patch{patch}, changing); err != nil {
			return err
		}
		l.mu.Lock()
		l.nicks[us[0].ID] = "second"
		l.mu.Unlock()
		if err := l.delete(ctx, s, us[10:]); err != nil {
			return err
		}
	}
}

func (l *ledger) imported(us []account.Upsert, rs []account.UpsertResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range rs {
		l.internal[r.InternalID] = true
		l.live[us[i].ID] = r.InternalID
	}
}

// delete removes the accounts from the ledger before it deletes them. In between they may
// or may not exist.
func (l *ledger) delete(ctx context.Context, s *Store, us []account.Upsert) error {
	ids := make([]account.UserID, len(us))
	l.mu.Lock()
	for i, u := range us {
		ids[i] = u.ID
		delete(l.live, u.ID)
	}
	l.mu.Unlock()
	if _, err := s.Delete(ctx, app, ids, changing); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.deleted[id] = true
	}
	return nil
}

// lost returns the changes in the ledger that are missing in s.
func (l *ledger) lost(t *testing.T, s *Store) (lost []string) {
	t.Helper()
	for id, internal := range l.live {
		as, err := s.Lookup(t.Context(), app, []account.UserID{id})
		if err != nil {
			t.Fatal(err)
		}
		if as[0].InternalID != internal || l.nicks[id] != "" && as[0].Nick != l.nicks[id] {
			lost = append(lost, fmt.Sprintf("%s: %+v, want InternalID %d, Nick %q", id, as[0], internal, l.nicks[id]))
		}
	}
	for id := range l.deleted {
		ss, err := s.Status(t.Context(), app, []account.UserID{id})
		if err != nil || ss[0].Exists() {
			lost = append(lost, fmt.Sprintf("%s is back: %+v, %v", id, ss, err))
		}
		rs, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: id}}, account.UpsertPolicy{Now: now})
		if err != nil || rs[0].Code != account.Tombstoned {
			lost = append(lost, fmt.Sprintf("%s has no tombstone: %+v, %v", id, rs, err))
		}
	}
	lost = append(lost, l.lostRecords(t, s)...)
	return append(lost, l.reused(t, s)...)
}

// reused returns the internal ids that s assigns a second time, and an entry if Count is
// wrong.
func (l *ledger) reused(t *testing.T, s *Store) (wrong []string) {
	t.Helper()
	us := make([]account.Upsert, 50)
	for i := range us {
		us[i].ID = account.UserID(fmt.Sprintf("after-%d", i))
	}
	rs, err := s.Upsert(t.Context(), app, us, free)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if l.internal[r.InternalID] {
			wrong = append(wrong, fmt.Sprintf("InternalID %d was assigned again", r.InternalID))
		}
	}
	listed := int64(0)
	for q := (account.ListQuery{Limit: account.MaxListLimit}); ; {
		page, err := s.List(t.Context(), app, q)
		if err != nil {
			t.Fatal(err)
		}
		listed += int64(len(page.Accounts))
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if n, err := s.Count(t.Context(), app); err != nil || n != listed {
		wrong = append(wrong, fmt.Sprintf("Count = %d, %v; %d are listed", n, err, listed))
	}
	return wrong
}

// watch lists accounts and records their internal ids as acknowledged. A read must not
// return anything that a crash can undo.
func (l *ledger) watch(ctx context.Context, s *Store) {
	for ctx.Err() == nil {
		page, err := s.List(ctx, app, account.ListQuery{Limit: account.MaxListLimit})
		if err != nil {
			return
		}
		l.mu.Lock()
		for _, a := range page.Accounts {
			l.internal[a.InternalID] = true
		}
		l.mu.Unlock()
	}
}

// crash simulates a power loss of a store under load, and returns what was lost.
func crash(t *testing.T, o Options, seed uint64, percent int) []string {
	t.Helper()
	disk := newCrashDisk()
	o.FS = disk
	s := open(t, o)
	l := newLedger()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			if err := l.load(ctx, s, w); !abandoned(err) {
				t.Errorf("worker %d: %v", w, err)
			}
		})
	}
	wg.Go(func() { l.watch(ctx, s) })
	rng := rand.New(rand.NewPCG(1, seed))
	l.await(t, 1000+rng.IntN(4000))
	acknowledged := l.copy()
	after := disk.crash(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
	acknowledged.forget(l.copy())
	cancel()
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	again := open(t, Options{FS: after})
	defer func() {
		if err := again.Close(); err != nil {
			t.Errorf("Close after the crash: %v", err)
		}
	}()
	return acknowledged.lost(t, again)
}

// await waits until n internal ids have been acknowledged.
func (l *ledger) await(t *testing.T, n int) {
	t.Helper()
	eventually(t, "enough acknowledged accounts", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.internal) >= n
	})
}

// eventually waits until ok returns true. It fails the test after a minute, which is longer
// than any machine needs.
func eventually(t rapid.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for n := 0; !ok(); n++ {
		if n < 100 { // often another goroutine needs no more than a turn
			runtime.Gosched()
			continue
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s after a minute", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestCrash(t *testing.T) {
	for _, percent := range []int{0, 30, 70, 100} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%d%%/%d", percent, seed), func(t *testing.T) {
				if lost := crash(t, Options{flushBytes: int(seed) * 16 << 10}, seed, percent); len(lost) > 0 {
					t.Errorf("%d losses, such as %s", len(lost), lost[0])
				}
			})
		}
	}
}

// TestCrashCanFail checks that TestCrash can fail. Without syncs a crash loses acknowledged
// changes, unless Pebble happens to have synced just before. Several crashes are tried.
func TestCrashCanFail(t *testing.T) {
	for seed := range uint64(20) {
		if len(crash(t, Options{noSync: true}, seed, 0)) > 0 {
			return
		}
	}
	t.Error("nothing was lost without syncs")
}

// TestIDsOfOneGroup creates and deletes an account in one commit. After a restart its
// internal id must not be assigned again, although nothing else is left of the account.
func TestIDsOfOneGroup(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	first := make([]account.UpsertResult, 1)
	err := s.write(t.Context(), 1, func(g *group) error {
		u := newUpsert(s.table, app, []account.Upsert{{ID: "a"}}, free)
		if err := g.upsert(u, first); err != nil {
			return err
		}
		g.delete(app, u.hashes[0], u.Name(0), now)
		return nil
	})
	if err != nil || !first[0].Created {
		t.Fatalf("%+v, %v", first, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{FS: disk})
	defer func() { _ = s.Close() }()
	rs, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: "b"}}, free)
	if err != nil || rs[0].InternalID <= first[0].InternalID {
		t.Errorf("after a restart: %+v, %v; want an InternalID above %d", rs, err, first[0].InternalID)
	}
	if n, err := s.Count(t.Context(), app); err != nil || n != 1 {
		t.Errorf("Count = %d, %v; want 1", n, err)
	}
}
