package pebble

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

// kindState is the kind of the record that says which dump the accounts of an app are.
const kindState account.Kind = 60

// TestReplaceCrash simulates a power loss while accounts are replaced again and again. A
// replacement has happened as a whole or not at all, with its record, and at least as many
// as were acknowledged have happened.
func TestReplaceCrash(t *testing.T) {
	for _, percent := range []int{0, 40, 100} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%d%%/%d", percent, seed), func(t *testing.T) { replaceCrash(t, seed, percent) })
		}
	}
}

func replaceCrash(t *testing.T, seed uint64, percent int) {
	disk, rng := newCrashDisk(), rand.New(rand.NewPCG(2, seed))
	s := open(t, Options{FS: disk, flushBytes: int(seed) * 8 << 10})
	states := dumpsOf(t, s, 3)
	ctx, cancel := context.WithCancel(t.Context())
	var acknowledged atomic.Int64
	done := make(chan error, 1)
	go func() { done <- replaceOften(ctx, s, states, &acknowledged) }()
	least := int64(20 + rng.IntN(60))
	eventually(t, "enough replacements", func() bool { return acknowledged.Load() >= least })
	before := acknowledged.Load()
	after := disk.crash(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
	cancel()
	if err := <-done; !abandoned(err) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	s = open(t, Options{FS: after})
	defer func() { _ = s.Close() }()
	r, err := s.Record(t.Context(), kindState, "n")
	n, parseErr := strconv.ParseInt(string(r.Value), 10, 64)
	if err != nil || parseErr != nil || n < before {
		t.Fatalf("replacement %q, %v; want at least %d", r.Value, err, before)
	}
	got, err := s.Dump(t.Context(), app, account.MaxReplaced)
	if diff := cmp.Diff(states[n%int64(len(states))], got); err != nil || diff != "" {
		t.Errorf("after replacement %d: %v (-want +got):\n%s", n, err, diff)
	}
}

// dumpsOf returns n states of the app. The first is empty.
func dumpsOf(t *testing.T, s *Store, n int) []*account.Dump {
	t.Helper()
	states := []*account.Dump{dumpOf(t, s)}
	for i := range n - 1 {
		us := make([]account.Upsert, 60)
		ids := make([]account.UserID, len(us))
		for k := range us {
			ids[k] = account.UserID(fmt.Sprintf("u%d-%d", i, k))
			us[k] = account.Upsert{ID: ids[k], Nick: fmt.Sprint("nick of state ", i)}
		}
		if _, err := s.Upsert(t.Context(), app, us, free); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(t.Context(), app, []account.Patch{{ID: ids[1], Kicked: 7}, {ID: ids[2], Kicked: 8}}, changing); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Delete(t.Context(), app, ids[2:20], changing); err != nil {
			t.Fatal(err)
		}
		states = append(states, dumpOf(t, s))
	}
	return states
}

func dumpOf(t *testing.T, s *Store) *account.Dump {
	t.Helper()
	d, err := s.Dump(t.Context(), app, account.MaxReplaced)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// replaceOften restores one state after the other, with the number of the replacement in a
// record of the same commit. It returns the first error.
func replaceOften(ctx context.Context, s *Store, states []*account.Dump, acknowledged *atomic.Int64) error {
	for n := int64(1); ; n++ {
		_, err := s.Commit(ctx, account.Commit{
			Writes: []account.Write{{Kind: kindState, Key: "n", Value: strconv.AppendInt(nil, n, 10), If: account.AnyVersion}},
			Spaces: []account.Space{{App: app, Now: now, Replace: states[n%int64(len(states))]}},
		})
		if err != nil {
			return err
		}
		acknowledged.Store(n)
	}
}

// TestReplaceInGroup decides other calls in the same commit as a replacement. Each call
// sees the effects of those before it.
func TestReplaceInGroup(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { _ = s.Close() }()
	full := dumpsOf(t, s, 2)[1]
	c := account.Commit{Spaces: []account.Space{{App: app, Now: now, Replace: new(account.Dump)}}}
	reps, err := s.replacements(c.Spaces)
	if err != nil {
		t.Fatal(err)
	}
	results := make([]account.UpsertResult, 3)
	err = s.write(t.Context(), 0, func(g *group) error {
		before := newUpsert(s.table, app, []account.Upsert{{ID: "before"}}, free)
		if err := g.upsert(before, make([]account.UpsertResult, 1)); err != nil {
			return err
		}
		if _, err := g.commitRecords(c, reps); err != nil {
			return err
		}
		// One id was deleted, one was deleted after a kick, and one existed.
		after := newUpsert(s.table, app, []account.Upsert{{ID: full.Gone[1].ID}, {ID: "u0-2"}, {ID: "before"}}, account.UpsertPolicy{Now: now})
		return g.upsert(after, results)
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if !r.Created || r.InternalID <= full.NewestID() {
			t.Errorf("import %d after the replacement: %+v, want a new account", i, r)
		}
	}
	d := dumpOf(t, s)
	if len(d.Accounts) != 3 || len(d.Gone) != 0 || d.Accounts[1].Kicked+d.Accounts[2].Kicked != 0 {
		t.Errorf("after the group: %+v, want three accounts without watermarks", d)
	}
	if n, err := s.Count(t.Context(), app); err != nil || n != 3 {
		t.Errorf("Count = %d, %v; want 3", n, err)
	}
}

// TestReplaceMemory replaces the same accounts many times. The table must not grow with
// each replacement.
func TestReplaceMemory(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { _ = s.Close() }()
	states := dumpsOf(t, s, 3)
	records, _ := s.table.Records()
	tombstones := s.table.Tombstones()
	for i := range 30 {
		c := account.Commit{Spaces: []account.Space{{App: app, Now: now, Replace: states[(i+1)%len(states)]}}}
		if _, err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := s.table.Records(); n != records {
		t.Errorf("%d records after replacements, want %d as before", n, records)
	}
	if got, last := s.table.Tombstones(), int64(len(states[0].Gone)); got != last {
		t.Errorf("%d tombstones, want %d; there were %d", got, last, tombstones)
	}
}
