package pebble

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
)

var soak = flag.Duration("soak", 2*time.Second, "how long TestSoak runs")

// A soaker makes random calls for accounts that only it uses. So it knows the expected
// state of each account.
type soaker struct {
	t     *testing.T
	s     *Store
	name  string
	rng   *rand.Rand
	accts map[account.UserID]*account.Account // nil: deleted
	kicks map[account.UserID]int64
}

// ids returns a few random ids of w.
func (w *soaker) ids() []account.UserID {
	ids := make([]account.UserID, 1+w.rng.IntN(10))
	for i := range ids {
		ids[i] = account.UserID(fmt.Sprintf("%s-%02d", w.name, w.rng.IntN(40)))
	}
	return ids
}

// step makes one random call and updates the expected state.
func (w *soaker) step(n int) error {
	at := now.Add(time.Duration(n) * time.Millisecond)
	ids := w.ids()
	switch w.rng.IntN(4) {
	case 0:
		return w.upsert(ids, fmt.Sprint("nick ", n), at)
	case 1:
		_, err := w.s.Delete(w.t.Context(), app, ids, account.ChangePolicy{Now: at})
		for _, id := range ids {
			w.accts[id] = nil
		}
		return err
	}
	ps := make([]account.Patch, len(ids))
	for i, id := range ids {
		level := account.Field{Tag: account.TagLevel, Value: account.Value{Number: uint64(n), IsNumber: true}}
		ps[i] = account.Patch{ID: id, Fields: []account.Field{level}, Kicked: int64(w.rng.IntN(n + 1))}
		if a := w.accts[id]; a != nil {
			ps[i].Apply(a, at)
			w.kicks[id] = a.Kicked
		}
	}
	_, err := w.s.Update(w.t.Context(), app, ps, account.ChangePolicy{Now: at})
	return err
}

func (w *soaker) upsert(ids []account.UserID, nick string, at time.Time) error {
	us := make([]account.Upsert, len(ids))
	for i, id := range ids {
		us[i] = account.Upsert{ID: id, Nick: nick}
	}
	rs, err := w.s.Upsert(w.t.Context(), app, us, account.UpsertPolicy{Now: at, TombstoneBefore: account.AnyTombstone})
	for i, r := range rs {
		a := w.accts[ids[i]]
		if a == nil {
			a = &account.Account{ID: ids[i], InternalID: r.InternalID, Nick: nick, Created: account.Millis(at), Updated: account.Millis(at), Kicked: w.kicks[ids[i]]}
			w.accts[ids[i]] = a
		} else {
			us[i].Apply(a, at)
		}
		if r.InternalID != a.InternalID {
			w.t.Errorf("%s: InternalID %d, want %d", ids[i], r.InternalID, a.InternalID)
		}
	}
	return err
}

// check compares every account with the store, and returns the number of existing accounts.
func (w *soaker) check() (n int64) {
	for id, want := range w.accts {
		got, err := w.s.Lookup(w.t.Context(), app, []account.UserID{id})
		must(w.t, err)
		if want == nil {
			want = &account.Account{ID: id}
		} else {
			n++
		}
		if fmt.Sprint(got[0]) != fmt.Sprint(*want) {
			w.t.Errorf("%s: %v, want %v", id, got[0], *want)
		}
	}
	return n
}

// TestSoak imports, patches, kicks and deletes accounts in concurrent calls, during
// flushes and copies of the store. In the end every account must have its expected state,
// also after a restart. Every copy must pass Verify.
func TestSoak(t *testing.T) {
	disk := vfs.NewMem()
	o := Options{FS: disk, flushBytes: 4 << 10, smallLogs: true}
	s := open(t, o)
	end := time.Now().Add(*soak)
	workers := make([]*soaker, 8)
	var wg sync.WaitGroup
	for i := range workers {
		w := &soaker{t: t, s: s, name: fmt.Sprint("w", i), rng: rand.New(rand.NewPCG(uint64(i), 1)), accts: map[account.UserID]*account.Account{}, kicks: map[account.UserID]int64{}}
		workers[i] = w
		wg.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				if err := w.step(n); err != nil {
					t.Errorf("%s, step %d: %v", w.name, n, err)
					return
				}
			}
		})
	}
	copies := 0
	for ; time.Now().Before(end); copies++ {
		dir := fmt.Sprint("copy-of-", copies)
		must(t, s.Snapshot(t.Context(), dir))
		if _, err := Verify(t.Context(), Options{Dir: dir, FS: disk}, nil); err != nil {
			t.Errorf("copy %d: %v", copies, err)
		}
		must(t, disk.RemoveAll(dir))
	}
	wg.Wait()
	t.Logf("%d copies, %d bytes of journal flushed", copies, s.flusher.flushed.Load())
	for _, when := range []string{"at the end", "after a restart"} {
		var live int64
		for _, w := range workers {
			w.s = s
			live += w.check()
		}
		if n, err := s.Count(t.Context(), app); err != nil || n != live {
			t.Errorf("%s: Count = %d, %v; want %d", when, n, err, live)
		}
		must(t, s.Close())
		s = open(t, o)
	}
	must(t, s.Close())
}
