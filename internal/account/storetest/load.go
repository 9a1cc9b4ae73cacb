package storetest

import (
	"fmt"
	"slices"
	"time"

	"rollcall/internal/account"
)

// loadID returns the id with a number in the batches of the load themes.
func loadID(n int) account.UserID { return account.UserID(fmt.Sprintf("load-%05d", n)) }

// loadIDs returns the first n ids.
func loadIDs(n int) []account.UserID {
	all := make([]account.UserID, n)
	for i := range all {
		all[i] = loadID(i)
	}
	return all
}

// testLoadRepeated imports the largest batch, in which every id comes twice, far apart.
// The second item of an id sees the first one, and the outbox is called once.
func testLoadRepeated(v *env) {
	const n, half = account.LoadBatch, account.LoadBatch / 2
	us := make([]account.Upsert, n)
	for i := range us {
		us[i] = account.Upsert{ID: loadID(i % half), Nick: fmt.Sprint("nick ", i)}
		if i < half {
			us[i].FaceURL = fmt.Sprint("url ", i)
		}
	}
	calls := 0
	p := free
	p.Outbox = func(rs []account.UpsertResult) []account.Write {
		calls++
		return appendResults("u/")(rs)
	}
	rs := v.upsert(app, p, us...)
	for i, r := range rs {
		if r.Code != account.OK || r.Created != (i < half) || r.InternalID != rs[i%half].InternalID {
			v.Fatalf("item %d: %+v after %+v", i, r, rs[i%half])
		}
	}
	v.outbox("u/", codes(rs))
	if calls != 1 {
		v.Errorf("the outbox was called %d times", calls)
	}
	v.count(app, half)
	for i, a := range v.lookup(app, loadIDs(half)...) {
		if a.InternalID != rs[i].InternalID || a.Nick != fmt.Sprint("nick ", half+i) || a.FaceURL != fmt.Sprint("url ", i) {
			v.Fatalf("account %d: %+v", i, a)
		}
	}
}

// testLoadRules imports the largest batch. Every seventh id was deleted and is banned,
// every fifth of the others exists, and the quota ends in the middle.
func testLoadRules(v *env) {
	all := loadIDs(account.LoadBatch)
	var gone, old []account.UserID
	for i, id := range all {
		switch {
		case i%7 == 0:
			gone = append(gone, id)
		case i%5 == 0:
			old = append(old, id)
		}
	}
	v.create(app, slices.Concat(gone, old)...)
	v.delete(app, now, gone...)
	limit := int64(len(all) / 2)
	p := account.UpsertPolicy{Now: now, Limit: limit, TombstoneBefore: account.Millis(now), Outbox: appendResults("u/")}
	rs := v.upsert(app, p, items(all...)...)
	left := limit - int64(len(old))
	for i, r := range rs {
		want := account.UpsertResult{Code: account.OK}
		switch {
		case i%7 == 0:
			want.Code = account.Tombstoned
		case i%5 == 0:
		case left == 0:
			want.Code = account.QuotaFull
		default:
			left--
			want.Created = true
		}
		if r.Code != want.Code || r.Created != want.Created || (r.InternalID != 0) != (r.Code == account.OK) {
			v.Fatalf("item %d: %+v, want %+v", i, r, want)
		}
	}
	v.count(app, limit)
	v.outbox("u/", codes(rs))
}

// testLoadUpdate updates the largest batch, in which every id comes twice and every third
// id has no account.
func testLoadUpdate(v *env) {
	const n, half = account.LoadBatch, account.LoadBatch / 2
	var there []account.UserID
	for i, id := range loadIDs(half) {
		if i%3 != 0 {
			there = append(there, id)
		}
	}
	v.create(app, there...)
	ps := make([]account.Patch, n)
	for i := range ps {
		ps[i] = account.Patch{ID: loadID(i % half), Fields: []account.Field{number(account.TagLevel, uint64(i))}}
		if i < half {
			ps[i].Fields = append(ps[i].Fields, text(custom, fmt.Sprint("hobby ", i)))
		}
	}
	later := now.Add(time.Hour)
	cs, err := v.e.Update(v.Context(), app, ps, account.ChangePolicy{Now: later, Outbox: appendCodes("c/")})
	if err != nil {
		v.Fatal(err)
	}
	for i, c := range cs {
		if want := map[bool]account.Code{true: account.NoAccount, false: account.OK}[i%half%3 == 0]; c != want {
			v.Fatalf("patch %d: %v, want %v", i, c, want)
		}
	}
	v.outbox("c/", cs)
	for _, a := range v.lookup(app, there...) {
		var i int
		if _, err := fmt.Sscanf(string(a.ID), "load-%d", &i); err != nil {
			v.Fatal(err)
		}
		want := []account.Field{text(custom, fmt.Sprint("hobby ", i)), number(account.TagLevel, uint64(half+i))}
		v.equal(string(a.ID), a.Profile, want)
		if v.Failed() {
			return
		}
	}
	v.count(app, int64(len(there)))
}

// loadChange imports the largest batch together with a record, into an app in which a part
// of the ids exists.
func loadChange() faultyChange {
	const n = account.LoadBatch
	before := func(v *env) { v.create(app, loadIDs(n)[n/2:]...) }
	return faultyChange{"Load", before, func(v *env) error {
		us := items(loadIDs(n)...)
		for i := range us {
			us[i].Nick = "loaded"
		}
		p := free
		p.Outbox = appendResults("o/")
		_, err := v.e.Upsert(v.Context(), app, us, p)
		return err
	}, func(v *env) bool {
		loaded := 0
		for _, a := range v.lookup(app, loadIDs(n)...) {
			if a.Nick == "loaded" {
				loaded++
			}
		}
		if loaded != 0 && loaded != n {
			v.Errorf("%d rows of %d are there", loaded, n)
		}
		return v.all(loaded == n, v.hasRecord("o/"))
	}, account.OK}
}
