package storetest

import (
	"fmt"
	"sync"
	"time"

	"rollcall/internal/account"
)

// dumpThemes returns the themes about dumps. An engine that is no [account.Dumper] declares
// all of them as exceptions.
func dumpThemes() []theme {
	return []theme{
		{"DumpContent", testDumpContent},
		{"DumpLimit", testDumpLimit},
		{"DumpOwned", testDumpOwned},
		{"ReplaceNothing", testReplaceNothing},
		{"ReplaceRestores", testReplaceRestores},
		{"ReplaceOthers", testReplaceOthers},
		{"ReplaceAdmins", testReplaceAdmins},
		{"ReplaceRemove", testReplaceRemove},
		{"ReplaceNumbers", testReplaceNumbers},
		{"ReplaceRefused", testReplaceRefused},
		{"ReplaceConcurrent", testReplaceConcurrent},
	}
}

// dump returns the dump of an app.
func (v *env) dump(id account.AppID) *account.Dump {
	v.Helper()
	d, err := v.dumper().Dump(v.Context(), id, account.MaxReplaced)
	if err != nil {
		v.Fatalf("Dump: %v", err)
	}
	return d
}

func (v *env) dumper() account.Dumper {
	v.Helper()
	d, ok := account.Find[account.Dumper](v.e)
	if !ok {
		v.Fatal("the engine is no account.Dumper; declare the themes about dumps as exceptions")
	}
	return d
}

// replacing returns the commit that replaces the accounts of app by d.
func replacing(d *account.Dump, admins ...account.UserID) account.Commit {
	return account.Commit{Spaces: []account.Space{{App: app, Admins: admins, Now: now, Replace: d}}}
}

// fillDump creates accounts of each kind: plain, with a profile, kicked, deleted, kicked
// and deleted, and kicked and forgiven.
func (v *env) fillDump(id account.AppID) {
	v.Helper()
	v.upsert(id, free, account.Upsert{ID: "a", Nick: "nick", FaceURL: "url"}, account.Upsert{ID: "b"})
	v.create(id, "gone", "kicked", "both", "forgiven")
	v.update(id, now.Add(time.Hour),
		account.Patch{ID: "a", Fields: []account.Field{text(custom, "chess"), number(account.TagLevel, 7)}},
		account.Patch{ID: "kicked", Kicked: 100}, account.Patch{ID: "both", Kicked: 200}, account.Patch{ID: "forgiven", Kicked: account.Unkicked})
	v.delete(id, now, "gone", "both")
}

func testDumpContent(v *env) {
	v.equal("dump of an empty space", v.dump(app).Len(), 0)
	v.equal("dump of no space", v.dump(app+7).Len(), 0)
	v.fillDump(app)
	v.create(otherApp, "x")
	d := v.dump(app)
	v.equal("accounts", d.Accounts, v.list(app, account.ListQuery{Limit: 10}).Accounts)
	deleted := account.Millis(now)
	v.equal("deleted ids", d.Gone, []account.Gone{{ID: "both", Deleted: deleted, Kicked: 200}, {ID: "gone", Deleted: deleted}})
}

func testDumpLimit(v *env) {
	v.create(app, "a", "b", "c")
	v.delete(app, now, "c")
	for limit, want := range map[int]account.Code{0: account.Conflict, 2: account.Conflict, 3: account.OK} {
		d, err := v.dumper().Dump(v.Context(), app, limit)
		if account.CodeOf(err) != want || (d == nil) != (err != nil) {
			v.Errorf("Dump of 3 ids with limit %d: %+v, %v; want Code %v", limit, d, err, want)
		}
	}
}

// testDumpOwned changes a dump and the account that it was taken from. Neither changes the
// other.
func testDumpOwned(v *env) {
	v.fillDump(app)
	d, want := v.dump(app), v.dump(app)
	v.update(app, now.Add(time.Hour), account.Patch{ID: "a", Fields: []account.Field{number(account.TagLevel, 8)}})
	v.equal("a dump after a change", d, want)
	v.commit(replacing(d))
	for i := range d.Accounts {
		for k := range d.Accounts[i].Profile {
			d.Accounts[i].Profile[k].Value.Number = 99
		}
	}
	v.equal("accounts after a change of the dump", v.dump(app), want)
}

// testReplaceNothing replaces everything by nothing. It leaves no tombstone and no
// watermark.
func testReplaceNothing(v *env) {
	v.open(app, "boss")
	v.fillDump(app)
	before := v.dump(app)
	v.commit(replacing(new(account.Dump), "boss"))
	v.count(app, 1)
	v.equal("list", ids(v.list(app, account.ListQuery{Limit: 10}).Accounts), []account.UserID{"boss"})
	v.equal("status", v.status(app, "a", "gone", "kicked", "both"), make([]account.Status, 4))
	if got := v.status(app, "boss")[0].InternalID; got <= before.NewestID() {
		v.Errorf("the new account of the admin has the InternalID %d, want one above %d", got, before.NewestID())
	}
	banned := account.UpsertPolicy{Now: now}
	for _, r := range v.upsert(app, banned, items("gone", "both", "a", "kicked")...) {
		if !r.Created || r.InternalID <= before.NewestID() {
			v.Errorf("%+v, want a new account", r)
		}
	}
	v.equal("watermarks", v.lookup(app, "both")[0].Kicked+v.lookup(app, "kicked")[0].Kicked, int64(0))
	v.commit(replacing(new(account.Dump)))
	v.commit(replacing(new(account.Dump)))
	v.count(app, 0)
	v.equal("an empty app", v.dump(app).Len(), 0)
}

// testReplaceRestores changes everything after a dump and restores the dump, several times.
func testReplaceRestores(v *env) {
	v.fillDump(app)
	want := v.dump(app)
	for round := range 3 {
		v.upsert(app, free, account.Upsert{ID: "a", Nick: fmt.Sprint(round)})
		v.update(app, now.Add(2*time.Hour), account.Patch{ID: "b", Kicked: 900}, account.Patch{ID: "kicked", Kicked: 900})
		v.delete(app, now.Add(time.Hour), "kicked", "forgiven")
		v.create(app, "gone", "new")
		if round == 1 {
			v.commit(replacing(new(account.Dump)))
		}
		v.commit(replacing(want))
		v.equal("dump after the restoration", v.dump(app), want)
		v.equal("list", v.list(app, account.ListQuery{Limit: 10}).Accounts, want.Accounts)
		v.count(app, int64(len(want.Accounts)))
		v.equal("codes", codes(v.upsert(app, account.UpsertPolicy{Now: now}, items("gone", "both")...)), []account.Code{account.Tombstoned, account.Tombstoned})
		v.equal("status", v.status(app, "new", "both"), []account.Status{{}, {Kicked: 200}})
	}
	v.update(app, now.Add(3*time.Hour), account.Patch{ID: "b", Fields: []account.Field{text(account.TagNick, "late")}})
	v.equal("nick after a change of a restored account", v.lookup(app, "b")[0].Nick, "late")
	v.equal("deletions", v.delete(app, now, "a", "new"), []account.Code{account.OK, account.NoAccount})
}

// testReplaceOthers checks that the apps with adjacent numbers keep everything.
func testReplaceOthers(v *env) {
	v.fillDump(app)
	v.fillDump(otherApp)
	v.open(app - 1)
	v.fillDump(app - 1)
	below, above := v.dump(app-1), v.dump(otherApp)
	v.commit(replacing(new(account.Dump)))
	v.equal("the app below", v.dump(app-1), below)
	v.equal("the app above", v.dump(otherApp), above)
}

// testReplaceAdmins restores a dump without the account of an admin, and one with it.
func testReplaceAdmins(v *env) {
	v.open(app, "old")
	v.create(app, "a")
	d := v.dump(app)
	v.open(app, "boss")
	v.commit(replacing(d, "boss", "a"))
	v.equal("list", ids(v.list(app, account.ListQuery{Limit: 10}).Accounts), []account.UserID{"a", "boss", "old"})
	v.equal("an account of the dump", v.lookup(app, "a")[0], d.Accounts[0])
	v.equal("deletions", v.delete(app, now, "a", "boss", "old"), []account.Code{account.AdminProtected, account.AdminProtected, account.OK})
	v.count(app, 2)
}

// testReplaceRemove removes a space with all accounts, which a plain removal refuses.
func testReplaceRemove(v *env) {
	v.open(app, "boss")
	v.fillDump(app)
	v.remove(app, account.Conflict)
	remove := account.Commit{Spaces: []account.Space{{App: app, Remove: true, Replace: new(account.Dump)}}}
	v.commit(remove)
	v.refusesWrites(app)
	v.commit(remove) // again
	v.open(app, "boss")
	v.count(app, 1)
	v.equal("status", v.status(app, "a", "both", "kicked"), make([]account.Status, 3))
	v.equal("codes", codes(v.upsert(app, account.UpsertPolicy{Now: now}, items("gone")...)), []account.Code{account.OK})
}

// testReplaceNumbers checks that no InternalID is assigned again after a replacement.
func testReplaceNumbers(v *env) {
	given := map[uint64]bool{}
	remember := func(internal ...uint64) {
		v.Helper()
		for _, id := range internal {
			if given[id] {
				v.Errorf("InternalID %d is assigned again", id)
			}
			given[id] = true
		}
	}
	remember(v.create(app, "a", "b")...)
	d := v.dump(app)
	for range 3 {
		remember(v.create(app, "c", "d")...)
		v.commit(replacing(new(account.Dump)))
		remember(v.create(app, "a")...)
		v.commit(replacing(d))
		v.equal("accounts", v.dump(app), d)
	}
	remember(v.create(app, "c")...)
}

// testReplaceRefused gives commits that break a rule. They change nothing.
func testReplaceRefused(v *env) {
	v.fillDump(app)
	want := v.dump(app)
	a, b := want.Accounts[0], want.Accounts[1]
	foreign, bare := a, a
	foreign.InternalID, bare.InternalID = 1<<39, 0
	for name, d := range map[string]*account.Dump{
		"an unknown internal id": {Accounts: []account.Account{foreign}},
		"no internal id":         {Accounts: []account.Account{bare}},
		"out of order":           {Accounts: []account.Account{b, a}},
		"twice":                  {Accounts: []account.Account{a, a}},
		"both":                   {Accounts: []account.Account{a}, Gone: []account.Gone{{ID: "A", Deleted: now}, {ID: a.ID, Deleted: now}}},
		"gone twice":             {Gone: []account.Gone{{ID: "x", Deleted: now}, {ID: "x", Deleted: now}}},
	} {
		c := replacing(d)
		c.Writes = []account.Write{put("k", name, account.AnyVersion)}
		if _, err := v.e.Commit(v.Context(), c); account.CodeOf(err) != account.BadParameter {
			v.Errorf("%s: %v, want Code bad parameter", name, err)
		}
	}
	v.refused(account.Commit{Spaces: []account.Space{{App: app, Remove: true, Replace: want}}}, account.BadParameter)
	stale := replacing(new(account.Dump))
	stale.Writes = []account.Write{put("k", "v", 77)}
	v.refused(stale, account.Stale)
	v.equal("records", len(v.records(account.RecordQuery{Kind: kind, Limit: 9}).Records), 0)
	v.equal("accounts", v.dump(app), want)
}

// testReplaceConcurrent replaces accounts during imports, deletions and dumps. Each dump
// is valid, which its restoration shows, and Count agrees with List at the end.
func testReplaceConcurrent(v *env) {
	const rounds, callers = 30, 4
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range rounds {
				id := account.UserID(fmt.Sprintf("u%d-%d", c, i%5))
				v.upsert(app, free, items(id, "shared")...)
				v.update(app, now, account.Patch{ID: "shared", Kicked: int64(i + 1)})
				v.delete(app, now, id)
			}
		})
	}
	wg.Go(func() {
		for i := range rounds {
			d := v.dump(app)
			if i%2 == 0 {
				d = new(account.Dump)
			}
			v.commit(replacing(d, "boss"))
		}
	})
	wg.Wait()
	page := v.list(app, account.ListQuery{Limit: 100})
	v.count(app, int64(len(page.Accounts)))
	v.equal("accounts of a dump", v.dump(app).Accounts, page.Accounts)
	v.commit(replacing(new(account.Dump)))
	v.count(app, 0)
	v.equal("list", v.list(app, account.ListQuery{Limit: 9}), account.ListPage{})
}
