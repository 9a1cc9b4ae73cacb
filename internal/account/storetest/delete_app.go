package storetest

import (
	"time"

	"rollcall/internal/account"
)

// createAppWith creates an app with admins.
func (v *env) createAppWith(id account.AppID, admins ...account.UserID) *account.App {
	v.Helper()
	a, err := v.e.CreateApp(v.Context(), account.App{ID: id, Edition: account.Pro, Admins: admins, Created: account.Millis(now)}, by("app.create"))
	if err != nil {
		v.Fatalf("CreateApp: %v", err)
	}
	return a
}

func (v *env) deleteApp(id account.AppID, want account.Code) {
	v.Helper()
	if err := v.e.DeleteApp(v.Context(), id, by("app.delete")); account.CodeOf(err) != want {
		v.Errorf("DeleteApp(%d): %v, want Code %v", id, err, want)
	}
}

// testAppDelete deletes an app with its admins.
func testAppDelete(v *env) {
	v.deleteApp(app, account.NoApp)
	v.createAppWith(app, "administrator", "boss")
	v.deleteApp(app, account.OK)
	if a, err := v.e.App(v.Context(), app); account.CodeOf(err) != account.NoApp {
		v.Errorf("App = %+v, %v; want Code no app", a, err)
	}
	if as, err := v.e.Apps(v.Context()); err != nil || len(as) != 0 {
		v.Errorf("Apps = %v, %v; want none", as, err)
	}
	v.count(app, 0)
	v.equal("list", v.list(app, account.ListQuery{Limit: 10}), account.ListPage{})
	v.equal("status", v.status(app, "administrator", "boss"), make([]account.Status, 2))
	v.deleteApp(app, account.NoApp)
	es := v.audit(account.AuditQuery{App: app, Limit: 10})
	if len(es) != 2 || es[0].Action != "app.delete" || es[0].Actor != "test" {
		v.Errorf("trail: %+v", es)
	}
}

// testAppDeleteRefused keeps an app because of one account.
func testAppDeleteRefused(v *env) {
	v.createAppWith(app, "administrator")
	internal := v.create(app, "a")
	v.deleteApp(app, account.Conflict)
	if a := v.app(app); a.Version != 1 {
		v.Errorf("the refusal changed the app: %+v", a)
	}
	v.count(app, 2)
	v.equal("status", v.status(app, "a"), []account.Status{{InternalID: internal[0]}})
	if es := v.audit(account.AuditQuery{Limit: 10}); len(es) != 1 {
		v.Errorf("the refusal left an entry: %+v", es)
	}
	v.delete(app, now, "a")
	v.deleteApp(app, account.OK)
}

// testAppDeleteClean makes an app again: nothing of the old one may show, and
// its internal ids are not given again.
func testAppDeleteClean(v *env) {
	old := v.createAppWith(app, "administrator")
	given := v.create(app, "gone", "kicked")
	given = append(given, v.status(app, "administrator")[0].InternalID)
	v.update(app, now, account.Patch{ID: "kicked", Kicked: 100}, account.Patch{ID: "administrator", Kicked: 200})
	v.delete(app, now, "gone", "kicked")
	v.deleteApp(app, account.OK)

	again := v.createAppWith(app, "administrator")
	if again == old || again.Version != 1 {
		v.Errorf("the new app is the old record, or has Version %d", again.Version)
	}
	v.count(app, 1)
	none := account.UpsertPolicy{Now: now.Add(time.Hour)} // no tombstone may come back
	for i, r := range v.upsert(app, none, items("gone", "kicked")...) {
		if !r.Created || r.InternalID == 0 {
			v.Errorf("item %d: %+v, want it created", i, r)
		}
		for _, id := range given {
			if r.InternalID == id {
				v.Errorf("InternalID %d is given again", id)
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
			v.Errorf("%s has the watermark %d of the old app", a.ID, a.Kicked)
		}
	}
	v.count(app, 3)
}

// testAppDeleteOthers checks that an app's neighbours keep what they have.
func testAppDeleteOthers(v *env) {
	v.createAppWith(app, "administrator")
	v.createAppWith(otherApp, "administrator")
	v.create(otherApp, "a", "b")
	v.update(otherApp, now, account.Patch{ID: "b", Kicked: 100})
	v.delete(otherApp, now, "b")
	v.createApp(app - 1)
	v.create(app-1, "a")
	v.deleteApp(app, account.OK)
	v.deleteApp(app-1, account.Conflict)
	v.count(otherApp, 2)
	v.count(app-1, 1)
	v.equal("status", v.status(otherApp, "b"), []account.Status{{Kicked: 100}})
	v.equal("codes", codes(v.upsert(otherApp, account.UpsertPolicy{Now: now}, items("b")...)), []account.Code{account.Tombstoned})
	v.equal("list", ids(v.list(otherApp, account.ListQuery{Limit: 10}).Accounts), []account.UserID{"a", "administrator"})
	if as, err := v.e.Apps(v.Context()); err != nil || len(as) != 2 || as[0].ID != app-1 || as[1].ID != otherApp {
		v.Errorf("Apps = %v, %v; want the other two", as, err)
	}
}

// testReopenDeletedApp restarts after a deletion, and after the app was made
// again.
func testReopenDeletedApp(v *env, reopen func()) {
	v.createAppWith(app, "administrator")
	v.createAppWith(otherApp, "administrator")
	given := map[uint64]bool{}
	for _, id := range v.create(app, "gone", "kicked") {
		given[id] = true
	}
	v.update(app, now, account.Patch{ID: "kicked", Kicked: 100})
	v.delete(app, now, "gone", "kicked")
	v.deleteApp(app, account.OK)
	reopen()
	v.count(app, 0)
	v.count(otherApp, 1)
	v.deleteApp(app, account.NoApp)
	v.equal("status", v.status(app, "gone", "kicked", "administrator"), make([]account.Status, 3))
	v.createAppWith(app, "administrator")
	for _, r := range v.upsert(app, account.UpsertPolicy{Now: now}, items("gone", "kicked")...) {
		if !r.Created || given[r.InternalID] {
			v.Errorf("%+v, want a new account", r)
		}
	}
	reopen()
	v.count(app, 3)
	v.app(app)
	v.equal("list", ids(v.list(app, account.ListQuery{Limit: 10}).Accounts), []account.UserID{"administrator", "gone", "kicked"})
}
