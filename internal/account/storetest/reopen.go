package storetest

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/checked"
)

// An OpenAt opens the engine with its data in the directory dir, which may contain the
// data of an engine that was closed before.
type OpenAt func(tb testing.TB, dir string) account.Engine

// RunReopen tests that the data of the engines of openAt survives Close and another
// openAt.
func RunReopen(t *testing.T, openAt OpenAt, without ...Exception) {
	reopening := func(name string, fn func(v *env, reopen func())) theme {
		return theme{name, func(v *env) { fn(v, v.reopen) }}
	}
	themes := []theme{
		reopening("Accounts", testReopenAccounts),
		reopening("InternalIDs", testReopenInternalIDs),
		reopening("Tombstones", testReopenTombstones),
		reopening("Records", testReopenRecords),
		reopening("Numbers", testReopenNumbers),
		reopening("Spaces", testReopenSpaces),
		reopening("Often", testReopenOften),
		reopening("Replaced", testReopenReplaced),
		reopening("Loaded", testReopenLoaded),
	}
	run(t, themes, without, func(t *testing.T, th theme) {
		dir := t.TempDir()
		v := newEnv(t, openAt(t, dir))
		v.reopen = func() {
			v.Helper()
			v.close()
			v.e = checked.New(openAt(t, dir))
		}
		v.open(app)
		v.open(otherApp)
		th.fn(v)
	})
}

func testReopenAccounts(v *env, reopen func()) {
	v.upsert(app, free, account.Upsert{ID: "a", Nick: "nick", FaceURL: "url"}, account.Upsert{ID: " /~"})
	v.create(otherApp, "a")
	v.update(app, now.Add(time.Hour), account.Patch{ID: "a", Kicked: 100, Fields: []account.Field{
		text(custom, "chess"), number(account.TagLevel, 1<<64-1), number(account.TagRole, 0), text(account.TagGender, "Gender_Type_Male"),
	}})
	all := account.ListQuery{Limit: 10}
	before, other := v.list(app, all), v.list(otherApp, all)
	reopen()
	v.equal("list", v.list(app, all), before)
	v.equal("list of the other app", v.list(otherApp, all), other)
	v.equal("lookup", v.lookup(app, "a")[0], before.Accounts[1])
	v.equal("status", v.status(app, "a"), []account.Status{{InternalID: before.Accounts[1].InternalID, Kicked: 100}})
	v.count(app, 2)
	v.count(otherApp, 1)
	rs := v.upsert(app, limited(3), items("a", "b", "c")...)
	v.equal("codes", codes(rs), []account.Code{account.OK, account.OK, account.QuotaFull})
}

// testReopenInternalIDs deletes the newest accounts before the restart. Their internal
// ids must not be used again.
func testReopenInternalIDs(v *env, reopen func()) {
	given := map[uint64]account.UserID{}
	for round := range 3 {
		var batch []account.UserID
		for i := range 5 {
			batch = append(batch, account.UserID(fmt.Sprintf("u%d-%d", round, i)))
		}
		for i, internal := range v.create(app, batch...) {
			if other, ok := given[internal]; ok {
				v.Errorf("InternalID %d of %s is assigned to %s", internal, other, batch[i])
			}
			given[internal] = batch[i]
		}
		v.delete(app, now, batch[2:]...)
		reopen()
	}
	v.count(app, 6)
}

func testReopenTombstones(v *env, reopen func()) {
	v.create(app, "a", "b", "c")
	v.update(app, now, account.Patch{ID: "a", Kicked: 100})
	v.delete(app, now, "a", "b", "c")
	v.create(app, "b")
	reopen()
	v.equal("status", v.status(app, "a", "c"), []account.Status{{Kicked: 100}, {}})
	p := free
	p.TombstoneBefore = account.Millis(now)
	v.equal("codes", codes(v.upsert(app, p, items("a", "b", "c")...)), []account.Code{account.Tombstoned, account.OK, account.Tombstoned})
	v.count(app, 1)
	p.TombstoneBefore = account.Millis(now).Add(time.Millisecond)
	r := v.upsert(app, p, items("a")...)[0]
	v.equal("a came back", v.status(app, "a"), []account.Status{{InternalID: r.InternalID, Kicked: 100}})
	reopen()
	v.equal("a after a restart", v.status(app, "a"), []account.Status{{InternalID: r.InternalID, Kicked: 100}})
	v.equal("c", codes(v.upsert(app, account.UpsertPolicy{Now: now}, items("c")...)), []account.Code{account.Tombstoned})
}

func testReopenRecords(v *env, reopen func()) {
	n := v.write(put("a", "1", 0), put("b", "", 0), add("p/", "x"))
	v.write(drop("b", n))
	p := free
	p.Outbox = appendResults("u/")
	rs := v.upsert(app, p, items("x")...)
	all := account.RecordQuery{Kind: kind, Limit: 10}
	before := v.records(all)
	reopen()
	v.equal("records", v.records(all), before)
	v.outbox("u/", codes(rs))
	v.refused(account.Commit{Writes: []account.Write{put("a", "2", n+1)}}, account.Stale)
	if again := v.write(put("a", "2", n)); again <= n {
		v.Errorf("the number %d follows %d", again, n)
	}
}

// testReopenNumbers removes the newest records before the restart. The numbers of their
// commits must not be used again.
func testReopenNumbers(v *env, reopen func()) {
	last := uint64(0)
	for range 3 {
		n := v.write(add("", "v"))
		if n <= last {
			v.Errorf("the number %d follows %d", n, last)
		}
		v.write(drop(account.AppendedKey("", n), n))
		if last = v.commit(account.Commit{}); last <= n {
			v.Errorf("the number %d follows %d", last, n)
		}
		reopen()
	}
}

// testReopenSpaces restarts with spaces, after removing one, and after creating it again.
func testReopenSpaces(v *env, reopen func()) {
	v.open(app, "administrator")
	v.open(otherApp, "administrator", "boss")
	v.open(otherApp, "administrator")
	given := map[uint64]bool{}
	for _, id := range v.create(app, "gone", "kicked") {
		given[id] = true
	}
	v.update(app, now, account.Patch{ID: "kicked", Kicked: 100})
	v.delete(app, now, "gone", "kicked")
	v.remove(app, account.OK)
	reopen()
	v.count(app, 0)
	v.count(otherApp, 2)
	v.refusesWrites(app)
	v.equal("deletions", v.delete(otherApp, now, "administrator", "boss"), []account.Code{account.AdminProtected, account.OK})
	v.equal("status", v.status(app, "gone", "kicked", "administrator"), make([]account.Status, 3))
	v.open(app, "administrator")
	for _, r := range v.upsert(app, account.UpsertPolicy{Now: now}, items("gone", "kicked")...) {
		if !r.Created || given[r.InternalID] {
			v.Errorf("%+v, want a new account", r)
		}
	}
	reopen()
	v.count(app, 3)
	v.equal("list", ids(v.list(app, account.ListQuery{Limit: 10}).Accounts), []account.UserID{"administrator", "gone", "kicked"})
}

// testReopenOften restarts after every step, including steps that write nothing.
func testReopenOften(v *env, reopen func()) {
	reopen()
	reopen()
	for i := range 5 {
		v.create(app, account.UserID(fmt.Sprintf("u%d", i)))
		reopen()
		v.update(app, now, account.Patch{ID: "u0", Fields: []account.Field{number(account.TagLevel, uint64(i))}})
		reopen()
		v.count(app, int64(i+1))
	}
	if f := v.lookup(app, "u0")[0].Profile; len(f) != 1 || f[0].Value.Number != 4 {
		v.Errorf("profile of u0: %+v", f)
	}
}

// testReopenReplaced restarts after accounts were replaced by nothing and by a dump.
func testReopenReplaced(v *env, reopen func()) {
	v.fillDump(app)
	v.fillDump(otherApp)
	full, other := v.dump(app), v.dump(otherApp)
	for range 2 {
		v.commit(replacing(new(account.Dump)))
		reopen()
		v.equal("after a restart without accounts", v.dump(app).Len(), 0)
		v.equal("codes", codes(v.upsert(app, account.UpsertPolicy{Now: now}, items("gone", "new")...)), []account.Code{account.OK, account.OK})
		v.commit(replacing(full))
		reopen()
		v.equal("after a restart with restored accounts", v.dump(app), full)
		v.equal("the other app", v.dump(otherApp), other)
		v.count(app, int64(len(full.Accounts)))
	}
}
