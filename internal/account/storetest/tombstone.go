package storetest

import (
	"time"

	"rollcall/internal/account"
)

// testTombstone imports a deleted id before and after its ban.
func testTombstone(v *env) {
	first := v.upsert(app, free, account.Upsert{ID: "a", Nick: "nick"})[0]
	v.delete(app, now, "a")
	p := free
	p.TombstoneBefore = account.Millis(now)
	r := v.upsert(app, p, items("a")...)[0]
	v.equal("at the end of the ban", r, account.UpsertResult{Code: account.Tombstoned})
	v.count(app, 0)
	p.TombstoneBefore = now.Add(time.Millisecond)
	p.Now = now.Add(time.Hour)
	r = v.upsert(app, p, items("a")...)[0]
	if !r.Created || r.InternalID == first.InternalID {
		v.Errorf("after the ban: %+v, was %d; want a new account", r, first.InternalID)
	}
	v.equal("Lookup", v.lookup(app, "a"), []account.Account{{
		ID: "a", InternalID: r.InternalID, Created: account.Millis(p.Now), Updated: account.Millis(p.Now),
	}})
	p.TombstoneBefore = time.Time{} // a came back: its tombstone is gone
	if r := v.upsert(app, p, items("a")...)[0]; r.Code != account.OK {
		v.Errorf("import of an account that came back: %+v", r)
	}
}

// testTombstoneZero checks that the zero TombstoneBefore lets none come back.
func testTombstoneZero(v *env) {
	v.create(app, "a")
	v.delete(app, now, "a")
	rs := v.upsert(app, account.UpsertPolicy{Now: now.AddDate(100, 0, 0)}, items("a", "b", "a")...)
	v.equal("codes", codes(rs), []account.Code{account.Tombstoned, account.OK, account.Tombstoned})
}

// testTombstoneAny deletes again and again: the newest deletion counts.
func testTombstoneAny(v *env) {
	seen := map[uint64]bool{}
	for i := range 3 {
		id := v.create(app, "a")[0]
		if seen[id] {
			v.Errorf("InternalID %d came back", id)
		}
		seen[id] = true
		v.delete(app, now.Add(time.Duration(i)*time.Hour), "a")
	}
	p := free
	p.TombstoneBefore = now.Add(time.Hour)
	if r := v.upsert(app, p, items("a")...)[0]; r.Code != account.Tombstoned {
		v.Errorf("import before the end of the last ban: %+v", r)
	}
}

// testTombstoneBeforeQuota checks which reason wins.
func testTombstoneBeforeQuota(v *env) {
	v.create(app, "a", "b")
	v.delete(app, now, "a")
	rs := v.upsert(app, account.UpsertPolicy{Now: now, Limit: 1}, items("a", "c")...)
	v.equal("codes", codes(rs), []account.Code{account.Tombstoned, account.QuotaFull})
}
