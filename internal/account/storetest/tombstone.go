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
	p.TombstoneBefore = time.Time{} // a was imported again and has no tombstone
	if r := v.upsert(app, p, items("a")...)[0]; r.Code != account.OK {
		v.Errorf("import of an account that was imported again: %+v", r)
	}
}

// testTombstoneTime reads the times of deletions. Only an id whose account does not exist
// has one.
func testTombstoneTime(v *env) {
	r, ok := account.Find[account.Rememberer](v.e)
	if !ok {
		v.Fatal("the engine is no account.Rememberer; declare the theme as an exception")
	}
	deleted := func(id account.UserID) time.Time {
		v.Helper()
		t, err := r.Deleted(v.Context(), app, id)
		if err != nil {
			v.Fatalf("Deleted: %v", err)
		}
		return t
	}
	v.create(app, "a", "b")
	v.create(otherApp, "a")
	v.equal("an account", deleted("a"), time.Time{})
	v.equal("an unknown id", deleted("c"), time.Time{})
	v.update(app, now, account.Patch{ID: "b", Kicked: 7})
	v.delete(otherApp, now, "a")
	v.equal("an id of another app", deleted("a"), time.Time{})
	v.delete(app, now, "a", "b", "c")
	v.equal("a deleted id", deleted("a"), account.Millis(now))
	v.equal("a deleted id with a kick", deleted("b"), account.Millis(now))
	v.equal("an unknown id after its deletion", deleted("c"), time.Time{})
	v.upsert(app, free, items("a")...)
	v.equal("an id that came back", deleted("a"), time.Time{})
	v.delete(app, now.Add(time.Hour), "a")
	v.equal("an id that was deleted twice", deleted("a"), account.Millis(now.Add(time.Hour)))
}

// testTombstoneZero checks that the zero TombstoneBefore allows no deleted id.
func testTombstoneZero(v *env) {
	v.create(app, "a")
	v.delete(app, now, "a")
	rs := v.upsert(app, account.UpsertPolicy{Now: now.AddDate(100, 0, 0)}, items("a", "b", "a")...)
	v.equal("codes", codes(rs), []account.Code{account.Tombstoned, account.OK, account.Tombstoned})
}

// testTombstoneAny deletes an id repeatedly and checks that the newest deletion counts.
func testTombstoneAny(v *env) {
	seen := map[uint64]bool{}
	for i := range 3 {
		id := v.create(app, "a")[0]
		if seen[id] {
			v.Errorf("InternalID %d was used again", id)
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

// testTombstoneBeforeQuota checks that a tombstone is reported before a full quota.
func testTombstoneBeforeQuota(v *env) {
	v.create(app, "a", "b")
	v.delete(app, now, "a")
	rs := v.upsert(app, account.UpsertPolicy{Now: now, Limit: 1}, items("a", "c")...)
	v.equal("codes", codes(rs), []account.Code{account.Tombstoned, account.QuotaFull})
}
