package storetest

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/checked"
)

// A Shared opens an empty engine with two handles, which the suite closes. Bubble is set
// if the engine works in a bubble of testing/synctest, where waiting takes no time.
type Shared struct {
	Open   func(tb testing.TB) (one, other account.Engine)
	Bubble bool
}

// RunShared tests the contract between several handles of one engine.
func RunShared(t *testing.T, s Shared, without ...Exception) {
	themes := []theme{
		{"SharedAccounts", testSharedAccounts},
		{"SharedRecords", testSharedRecords},
		{"SharedRecordsAt", testSharedRecordsAt},
		{"SharedSpaces", testSharedSpaces},
		{"SharedQuota", testSharedQuota},
		{"SharedStale", testSharedStale},
		{"SharedNumbers", testSharedNumbers},
		{"SharedChanges", testSharedChanges},
		{"SharedWatermark", testSharedWatermark},
	}
	run(t, themes, without, func(t *testing.T, th theme) {
		test := func(t *testing.T) {
			one, other := s.Open(t)
			v := newEnv(t, one)
			v.other = &env{T: t, e: checked.New(other)}
			defer v.other.close()
			v.open(app)
			v.open(otherApp)
			th.fn(v)
		}
		if s.Bubble {
			synctest.Test(t, test)
		} else {
			test(t)
		}
	})
}

// soon waits until ok returns true, for at most ten times [account.MaxStale]. The larger
// limit tolerates a busy machine.
func (v *env) soon(what string, ok func() bool) {
	v.Helper()
	for end := time.Now().Add(10 * account.MaxStale); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			v.Fatalf("%s: not after %v", what, 10*account.MaxStale)
		}
	}
}

// testSharedAccounts reads accounts through one handle after a change through the other.
func testSharedAccounts(v *env) {
	for i := range 20 {
		id := account.UserID(fmt.Sprint("u", i))
		internal := v.create(app, id)[0]
		v.equal("status", v.other.status(app, id), []account.Status{{InternalID: internal}})
		v.other.update(app, now, account.Patch{ID: id, Kicked: 7, Fields: []account.Field{text(account.TagNick, "x")}})
		v.equal("status", v.status(app, id), []account.Status{{InternalID: internal, Kicked: 7}})
		if a := v.lookup(app, id)[0]; a.Nick != "x" || a.Kicked != 7 {
			v.Errorf("account %+v", a)
		}
		v.count(app, 1)
		v.delete(app, now, id)
		v.equal("list", v.other.list(app, account.ListQuery{Limit: 9}), account.ListPage{})
		v.other.count(app, 0)
		v.equal("codes", codes(v.other.upsert(app, account.UpsertPolicy{Now: now}, items(id)...)), []account.Code{account.Tombstoned})
	}
}

func testSharedRecords(v *env) {
	for i := range 20 {
		key := fmt.Sprint("k", i)
		n := v.write(put(key, "1", 0), add("p/", key))
		v.other.record(key, "1", n)
		v.other.record(account.AppendedKey("p/", n), key, n)
		v.other.refused(account.Commit{Writes: []account.Write{put(key, "2", 0)}}, account.Stale)
		m := v.other.write(put(key, "2", n))
		v.record(key, "2", m)
		v.refused(account.Commit{Writes: []account.Write{put(key, "3", n)}}, account.Stale)
		v.write(drop(key, m))
		v.equal("records", len(v.other.records(account.RecordQuery{Kind: kind, Limit: 100}).Records), i+1)
	}
	p := free
	p.Outbox = appendResults("o/")
	rs := v.upsert(app, p, items("a")...)
	v.other.outbox("o/", codes(rs))
}

// testSharedRecordsAt reads several records through one handle after and during commits
// through the other.
func testSharedRecordsAt(v *env) {
	for i := range 20 {
		key := fmt.Sprint("r", i)
		n := v.write(put(key, "1", 0))
		v.equal("records", v.other.recordsAt(kind, "none", key), []account.Record{absent("none"), {Key: key, Value: []byte("1"), Version: n}})
		m := v.other.write(put(key, "2", n))
		v.equal("records", v.recordsAt(kind, key, "none"), []account.Record{{Key: key, Value: []byte("2"), Version: m}, absent("none")})
		v.write(drop(key, m))
		v.equal("records", v.other.recordsAt(kind, key), []account.Record{absent(key)})
	}
	v.readsMoments(v.other)
}

// testSharedSpaces changes spaces through one handle and writes through the other.
func testSharedSpaces(v *env) {
	for range 10 {
		v.open(app, "boss")
		v.equal("deletion", v.other.delete(app, now, "boss"), []account.Code{account.AdminProtected})
		v.open(app)
		v.equal("deletion", v.other.delete(app, now, "boss"), []account.Code{account.OK})
		v.other.create(app, "a")
		v.remove(app, account.Conflict)
		v.other.delete(app, now, "a")
		v.remove(app, account.OK)
		v.other.refusesWrites(app)
	}
}

// testSharedQuota fills a quota through both handles at once.
func testSharedQuota(v *env) {
	const limit, each = 30, 40
	var mu sync.Mutex
	given := map[uint64]bool{}
	var wg sync.WaitGroup
	for name, h := range map[string]*env{"one": v, "other": v.other} {
		for caller := range 2 {
			wg.Go(func() {
				for i := range each {
					r := h.upsertIn(account.UpsertPolicy{Now: now, Limit: limit}, []account.UserID{account.UserID(fmt.Sprintf("%s-%d-%d", name, caller, i))})[0]
					mu.Lock()
					if r.Code == account.OK && given[r.InternalID] {
						v.Errorf("InternalID %d is assigned twice", r.InternalID)
					}
					given[r.InternalID] = true
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	v.count(app, limit)
	v.other.count(app, limit)
	if delete(given, 0); len(given) != limit {
		v.Errorf("%d accounts were created, want %d", len(given), limit)
	}
}

// testSharedStale increments a counter in one record through both handles.
func testSharedStale(v *env) {
	const each = 30
	v.write(put("n", "", 0))
	var wg sync.WaitGroup
	for _, h := range []*env{v, v.other} {
		wg.Go(func() { h.countUp("n", each) })
	}
	wg.Wait()
	if r, err := v.e.Record(v.Context(), kind, "n"); err != nil || len(r.Value) != 2*each {
		v.Errorf("the record counts %d changes, %v; want %d", len(r.Value), err, 2*each)
	}
}

// testSharedNumbers appends through both handles and checks that no key is used twice.
func testSharedNumbers(v *env) {
	const each = 30
	var wg sync.WaitGroup
	for _, h := range []*env{v, v.other} {
		wg.Go(func() {
			for range each {
				h.write(add("", "v"))
			}
		})
	}
	wg.Wait()
	v.equal("records", len(v.records(account.RecordQuery{Kind: kind, Limit: 1000}).Records), 2*each)
}

// testSharedChanges waits until Changes of a handle reports the commits of the other.
func testSharedChanges(v *env) {
	for range 3 {
		own, others := v.e.Changes(kind), v.other.e.Changes(kind)
		v.write(put("k", "v", account.AnyVersion))
		if n := v.e.Changes(kind); n == own {
			v.Errorf("Changes = %d after a commit of the handle itself, unchanged", n)
		}
		v.soon("Changes reports a commit of the other handle", func() bool { return v.other.e.Changes(kind) != others })
		p := free
		p.Outbox = appendResults("o/")
		own = v.e.Changes(kind)
		v.other.upsert(app, p, items("a")...)
		v.soon("Changes reports the outbox of the other handle", func() bool { return v.e.Changes(kind) != own })
	}
}

// testSharedWatermark waits until Watermark of a handle reports a kick on the other. Until
// then it returns the previous watermark.
func testSharedWatermark(v *env) {
	v.create(app, "a")
	kicked := func(h *env) int64 {
		n, err := h.e.Watermark(v.Context(), app, "a")
		if err != nil {
			v.Errorf("Watermark: %v", err)
		}
		return n
	}
	for before := range int64(5) {
		v.update(app, now, account.Patch{ID: "a", Kicked: before + 1})
		v.equal("watermark of an own kick", kicked(v), before+1)
		v.soon("Watermark reports a kick on the other handle", func() bool {
			n := kicked(v.other)
			if n != before && n != before+1 {
				v.Errorf("the watermark is %d, want %d or %d", n, before, before+1)
			}
			return n == before+1
		})
	}
	v.update(app, now, account.Patch{ID: "a", Kicked: 50})
	v.other.update(app, now, account.Patch{ID: "a", Kicked: 60})
	v.equal("watermark of an own kick after a kick on the other handle", kicked(v.other), int64(60))
}
