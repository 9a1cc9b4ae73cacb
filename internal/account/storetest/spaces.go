package storetest

import (
	"fmt"
	"sync"
	"time"

	"rollcall/internal/account"
)

// open creates the space of an app, or changes its admins.
func (v *env) open(id account.AppID, admins ...account.UserID) {
	v.Helper()
	v.commit(account.Commit{Spaces: []account.Space{{App: id, Admins: admins, Now: now}}})
}

// remove removes the space of an app. The commit must return the Code want.
func (v *env) remove(id account.AppID, want account.Code) {
	v.Helper()
	v.refused(account.Commit{Spaces: []account.Space{{App: id, Remove: true}}}, want)
}

// testSpaceRemove removes a space together with the accounts of its admins.
func testSpaceRemove(v *env) {
	v.open(app, "administrator", "boss")
	v.remove(app, account.OK)
	v.count(app, 0)
	v.equal("list", v.list(app, account.ListQuery{Limit: 10}), account.ListPage{})
	v.equal("status", v.status(app, "administrator", "boss"), make([]account.Status, 2))
	v.refusesWrites(app)
	v.remove(app, account.OK) // again
}

// testSpaceConflict removes a space that has an account other than those of its admins.
// The removal is refused until the account is deleted.
func testSpaceConflict(v *env) {
	v.open(app, "administrator")
	internal := v.create(app, "a")
	v.remove(app, account.Conflict)
	v.count(app, 2)
	v.equal("status", v.status(app, "a"), []account.Status{{InternalID: internal[0]}})
	v.delete(app, now, "a")
	v.remove(app, account.OK)
}

// testSpaceAdminTwice is testSpaceConflict for a space that names an admin twice. The
// engine must not count that admin as two accounts.
func testSpaceAdminTwice(v *env) {
	v.open(app, "boss", "boss")
	v.count(app, 1)
	v.create(app, "a")
	v.remove(app, account.Conflict)
	v.delete(app, now, "a")
	v.remove(app, account.OK)
	v.count(app, 0)
}

// testSpaceClean removes a space and creates it again. The new space must contain nothing
// of the old one, and must not use its internal ids again.
func testSpaceClean(v *env) {
	v.open(app, "administrator")
	given := v.create(app, "gone", "kicked")
	given = append(given, v.status(app, "administrator")[0].InternalID)
	v.update(app, now, account.Patch{ID: "kicked", Kicked: 100}, account.Patch{ID: "administrator", Kicked: 200})
	v.delete(app, now, "gone", "kicked")
	v.remove(app, account.OK)

	v.open(app, "administrator")
	v.count(app, 1)
	none := account.UpsertPolicy{Now: now.Add(time.Hour)} // refuses an id with a tombstone
	for i, r := range v.upsert(app, none, items("gone", "kicked")...) {
		if !r.Created || r.InternalID == 0 {
			v.Errorf("item %d: %+v, want it created", i, r)
		}
		for _, id := range given {
			if r.InternalID == id {
				v.Errorf("InternalID %d is assigned again", id)
			}
		}
	}
	for _, s := range v.status(app, "gone", "kicked", "administrator") {
		if !s.Exists() || s.Kicked != 0 {
			v.Errorf("status %+v, want an account without a watermark", s)
		}
	}
	for _, a := range v.lookup(app, "kicked", "administrator") {
		if a.Kicked != 0 {
			v.Errorf("%s has the watermark %d of the old space", a.ID, a.Kicked)
		}
	}
	v.count(app, 3)
}

// testSpaceOthers removes a space and checks that the apps with adjacent numbers keep
// their accounts, tombstones and watermarks.
func testSpaceOthers(v *env) {
	v.open(app, "administrator")
	v.open(otherApp, "administrator")
	v.create(otherApp, "a", "b")
	v.update(otherApp, now, account.Patch{ID: "b", Kicked: 100})
	v.delete(otherApp, now, "b")
	v.open(app - 1)
	v.create(app-1, "a")
	v.remove(app, account.OK)
	v.remove(app-1, account.Conflict)
	v.count(otherApp, 2)
	v.count(app-1, 1)
	v.equal("status", v.status(otherApp, "b"), []account.Status{{Kicked: 100}})
	v.equal("codes", codes(v.upsert(otherApp, account.UpsertPolicy{Now: now}, items("b")...)), []account.Code{account.Tombstoned})
	v.equal("list", ids(v.list(otherApp, account.ListQuery{Limit: 10}).Accounts), []account.UserID{"a", "administrator"})
}

// testSpaceNumbers creates spaces of apps whose numbers are at the limits of one and four
// bytes, or next to another app.
func testSpaceNumbers(v *env) {
	apps := []account.AppID{1, 255, 256, app - 1, 1<<32 - 1}
	c := account.Commit{}
	for _, id := range apps {
		c.Spaces = append(c.Spaces, account.Space{App: id, Admins: []account.UserID{"a"}, Now: now})
	}
	v.commit(c)
	for _, id := range apps {
		v.count(id, 1)
		v.create(id, "b")
	}
	v.count(app, 0)
}

// testWatermark checks that Watermark reports the handle's own kicks at once.
func testWatermark(v *env) {
	v.create(app, "a", "b")
	want := func(id account.UserID, want int64) {
		v.Helper()
		if got, err := v.e.Watermark(v.Context(), app, id); err != nil || got != want {
			v.Errorf("Watermark(%q) = %d, %v; want %d", id, got, err, want)
		}
	}
	want("a", 0)
	want("nobody", 0)
	v.update(app, now, account.Patch{ID: "a", Kicked: 100})
	want("a", 100)
	v.update(app, now, account.Patch{ID: "a", Kicked: 50})
	want("a", 100)
	v.delete(app, now, "a")
	want("a", 100)
	v.create(app, "a")
	v.update(app, now, account.Patch{ID: "a", Kicked: account.Unkicked})
	want("a", account.Unkicked)
	want("b", 0)
	if got, err := v.e.Watermark(v.Context(), otherApp, "a"); err != nil || got != 0 {
		v.Errorf("Watermark in another app = %d, %v; want 0", got, err)
	}
}

// testNoSpace writes to an app that never had a space, and to one whose space was removed.
func testNoSpace(v *env) {
	v.refusesWrites(app + 7)
	v.open(app, "administrator")
	v.create(app, "a")
	v.delete(app, now, "a")
	v.remove(app, account.OK)
	v.refusesWrites(app)
	v.open(app, "administrator")
	v.count(app, 1)
}

// refusesWrites checks that every write to an app fails with Code NoApp and leaves nothing
// behind.
func (v *env) refusesWrites(id account.AppID) {
	v.Helper()
	_, upsert := v.e.Upsert(v.Context(), id, items("a"), free)
	_, update := v.e.Update(v.Context(), id, []account.Patch{{ID: "a", Kicked: 1}}, change)
	_, remove := v.e.Delete(v.Context(), id, []account.UserID{"a"}, change)
	for method, err := range map[string]error{"Upsert": upsert, "Update": update, "Delete": remove} {
		if account.CodeOf(err) != account.NoApp {
			v.Errorf("%s without a space: %v, want Code no app", method, err)
		}
	}
	v.count(id, 0)
	v.equal("status", v.status(id, "a"), make([]account.Status, 1))
	v.equal("list", v.list(id, account.ListQuery{Limit: 10}), account.ListPage{})
}

// testNoSpaceConcurrent removes a space during concurrent imports. If the removal succeeds,
// no account remains. If it is refused, Count and List report the same accounts.
func testNoSpaceConcurrent(v *env) {
	const rounds, callers = 20, 4
	for round := range rounds {
		v.open(app, "administrator")
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				_, err := v.e.Upsert(v.Context(), app, items(account.UserID(fmt.Sprintf("u%d-%d", round, c))), free)
				if code := account.CodeOf(err); code != account.OK && code != account.NoApp {
					v.Errorf("Upsert: %v", err)
				}
			})
		}
		_, removed := v.e.Commit(v.Context(), account.Commit{Spaces: []account.Space{{App: app, Remove: true}}})
		wg.Wait()
		if removed == nil {
			v.count(app, 0)
			continue
		}
		v.equal("code of the removal", account.CodeOf(removed), account.Conflict)
		page := v.list(app, account.ListQuery{Limit: 100})
		v.count(app, int64(len(page.Accounts)))
		for _, a := range page.Accounts {
			if a.ID != "administrator" {
				v.delete(app, now, a.ID)
			}
		}
		v.remove(app, account.OK)
	}
}

// testAdmins checks that a commit creates the missing accounts of the admins that it names,
// and that their accounts cannot be deleted while they are admins.
func testAdmins(v *env) {
	v.open(app, "administrator")
	v.equal("admins", ids(v.list(app, account.ListQuery{Limit: 10}).Accounts), []account.UserID{"administrator"})
	a := v.lookup(app, "administrator")[0]
	if want := account.Millis(now); !a.Created.Equal(want) {
		v.Errorf("Created %v, want the time of the commit, %v", a.Created, want)
	}
	v.create(app, "boss")
	v.update(app, now, account.Patch{ID: "boss", Kicked: 5, Fields: []account.Field{text(account.TagNick, "Boss")}})
	before := v.lookup(app, "boss")[0]
	v.create(app, "gone")
	v.delete(app, now, "gone")
	v.open(app, "administrator", "boss", "gone", "new")
	v.equal("an existing account", v.lookup(app, "boss")[0], before)
	v.count(app, 4)
	v.equal("deletions", v.delete(app, now, "boss", "new", "nobody"), []account.Code{account.AdminProtected, account.AdminProtected, account.NoAccount})
	v.open(app, "administrator")
	v.count(app, 4)
	v.equal("deletions", v.delete(app, now, "boss", "new"), []account.Code{account.OK, account.OK})
}

// testAdminsConcurrent deletes an account while a commit makes it an admin. The admin must
// have an account, regardless of which call comes first.
func testAdminsConcurrent(v *env) {
	v.open(app, "administrator")
	for i := range 50 {
		id := account.UserID(fmt.Sprint("u", i))
		v.create(app, id)
		var wg sync.WaitGroup
		wg.Go(func() { v.open(app, "administrator", id) })
		wg.Go(func() { v.delete(app, now.Add(time.Minute), id) })
		wg.Wait()
		if !v.status(app, id)[0].Exists() {
			v.Errorf("the admin %s has no account", id)
		}
	}
}
