package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"rollcall/internal/account"
)

// testInternalIDs checks that internal ids are unique across apps and that a re-import
// keeps them.
func testInternalIDs(v *env) {
	seen := map[uint64]string{}
	for _, a := range []account.AppID{app, otherApp} {
		first := v.create(a, "a", "b", "c")
		for i, r := range v.upsert(a, free, items("a", "b", "c")...) {
			if r.Created || r.InternalID != first[i] {
				v.Errorf("re-import: %+v, was %d", r, first[i])
			}
			if other, ok := seen[r.InternalID]; ok {
				v.Errorf("InternalID %d belongs to %s and %d/%d", r.InternalID, other, a, i)
			}
			seen[r.InternalID] = fmt.Sprintf("%d/%d", a, i)
		}
	}
}

// testInternalIDNotReused deletes the newest accounts, whose ids an engine with an error
// would use again.
func testInternalIDNotReused(v *env) {
	seen := map[uint64]bool{}
	for i := range 5 {
		id := account.UserID(fmt.Sprintf("u%d", i))
		internal := v.create(app, id)[0]
		if seen[internal] {
			v.Errorf("InternalID %d was assigned again", internal)
		}
		seen[internal] = true
		v.delete(app, now, id)
	}
}

// testInternalIDConcurrent imports overlapping ids in 1,000 concurrent calls.
func testInternalIDConcurrent(v *env) {
	const calls, users, each = 1000, 50, 5
	var mu sync.Mutex
	given := map[account.UserID][]uint64{}
	created := 0
	var wg sync.WaitGroup
	for c := range calls {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(c)))
			var batch []account.UserID
			for range each {
				batch = append(batch, account.UserID(fmt.Sprintf("u%d", rng.IntN(users))))
			}
			rs := v.upsertIn(free, batch)
			mu.Lock()
			defer mu.Unlock()
			for i, r := range rs {
				given[batch[i]] = append(given[batch[i]], r.InternalID)
				if r.Created {
					created++
				}
			}
		})
	}
	wg.Wait()
	owner := map[uint64]account.UserID{}
	for id, internal := range given {
		slices.Sort(internal)
		if internal = slices.Compact(internal); len(internal) != 1 {
			v.Errorf("%s has the InternalIDs %v", id, internal)
		}
		if other, ok := owner[internal[0]]; ok {
			v.Errorf("%s and %s share InternalID %d", id, other, internal[0])
		}
		owner[internal[0]] = id
	}
	if created != len(given) {
		v.Errorf("%d accounts were reported created, want %d", created, len(given))
	}
	v.count(app, int64(len(given)))
}

// change is the policy of updates and deletions.
var change = account.ChangePolicy{Now: now}

// testContextEnded calls every method with a context that has ended. Each call either
// returns Unavailable or does all of its work.
func testContextEnded(v *env) {
	ended, cancel := context.WithCancel(v.Context())
	cancel()
	v.create(app, "a")
	unavailable := func(name string, err error, worked bool) {
		if err != nil && account.CodeOf(err) != account.Unavailable {
			v.Errorf("%s: %v, want Code unavailable", name, err)
		}
		if err == nil && !worked {
			v.Errorf("%s succeeded with a wrong result", name)
		}
	}
	us, err := v.e.Upsert(ended, app, items("b"), free)
	unavailable("Upsert", err, err != nil || us[0].Created)
	ss, err := v.e.Status(ended, app, []account.UserID{"a"})
	unavailable("Status", err, err != nil || ss[0].Exists())
	as, err := v.e.Lookup(ended, app, []account.UserID{"a"})
	unavailable("Lookup", err, err != nil || as[0].InternalID != 0)
	cs, err := v.e.Update(ended, app, []account.Patch{{ID: "a", Kicked: 1}}, change)
	unavailable("Update", err, err != nil || cs[0] == account.OK)
	page, err := v.e.List(ended, app, account.ListQuery{Limit: 9})
	unavailable("List", err, err != nil || page.Accounts[0].ID == "a")
	n, err := v.e.Count(ended, app)
	unavailable("Count", err, n >= 1)
	ds, err := v.e.Delete(ended, app, []account.UserID{"a"}, change)
	unavailable("Delete", err, err != nil || ds[0] == account.OK)
	_, err = v.e.Watermark(ended, app, "a")
	unavailable("Watermark", err, true)
	number, err := v.e.Commit(ended, account.Commit{Writes: []account.Write{{Kind: kind, Key: "a", Value: []byte("v")}}})
	unavailable("Commit", err, number > 0)
	_, err = v.e.Record(ended, kind, "a")
	unavailable("Record", noRecord(err), true)
	rs, err := v.e.RecordsAt(ended, kind, []string{"none", "none"})
	unavailable("RecordsAt", err, len(rs) == 2)
	_, err = v.e.Records(ended, account.RecordQuery{Kind: kind, Limit: 9})
	unavailable("Records", err, true)
	v.create(app, "c") // the engine still works
}

// testSlicesReused overwrites the slices that it passed as soon as a call has returned,
// even if the call returned because its context ended. The engine must store the
// original content. The race detector finds an engine that still reads the slices.
func testSlicesReused(v *env) {
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			us, ps, ds := make([]account.Upsert, 20), make([]account.Patch, 20), make([]account.UserID, 1)
			for round := range 20 {
				ctx, cancel := context.WithTimeout(v.Context(), time.Duration(c*round)*20*time.Microsecond)
				for i := range us {
					id := account.UserID(fmt.Sprintf("good%d-%d", c, i))
					us[i] = account.Upsert{ID: id, Nick: "good"}
					ps[i] = account.Patch{ID: id, Fields: []account.Field{text(account.TagNick, "good")}}
				}
				ds[0] = us[round].ID
				_, _ = v.e.Upsert(ctx, app, us, free)
				_, _ = v.e.Update(ctx, app, ps, change)
				_, _ = v.e.Delete(ctx, app, ds, change)
				cancel()
				for i := range us {
					us[i] = account.Upsert{ID: "bad", Nick: "bad"}
					ps[i].ID = "bad"
					ps[i].Fields[0] = text(account.TagNick, "bad")
				}
				ds[0] = "bad"
			}
		})
	}
	wg.Wait()
	for _, a := range v.list(app, account.ListQuery{Limit: account.MaxListLimit}).Accounts {
		if a.ID == "bad" || a.Nick != "good" {
			v.Errorf("%s has Nick %q", a.ID, a.Nick)
		}
	}
}

func testReady(v *env) {
	if err := v.e.Ready(v.Context()); err != nil {
		v.Errorf("Ready: %v", err)
	}
}
