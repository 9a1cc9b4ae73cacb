package storetest

import (
	"fmt"
	"sync"
	"time"

	"rollcall/internal/account"
)

// testNoApp writes to an app that does not exist, and to one that exists no longer.
func testNoApp(v *env) {
	v.refusesWrites(app)
	v.createAppWith(app, "administrator")
	v.create(app, "a")
	v.delete(app, now, "a")
	v.deleteApp(app, account.OK)
	v.refusesWrites(app)
	v.createAppWith(app, "administrator")
	v.count(app, 1)
}

// refusesWrites checks that every write to an app answers that there is none, and
// leaves nothing behind.
func (v *env) refusesWrites(id account.AppID) {
	v.Helper()
	_, upsert := v.e.Upsert(v.Context(), id, items("a"), free)
	_, update := v.e.Update(v.Context(), id, []account.Patch{{ID: "a", Kicked: 1}}, now)
	_, remove := v.e.Delete(v.Context(), id, []account.UserID{"a"}, now)
	for method, err := range map[string]error{"Upsert": upsert, "Update": update, "Delete": remove} {
		if account.CodeOf(err) != account.NoApp {
			v.Errorf("%s of no app: %v, want Code no app", method, err)
		}
	}
	v.count(id, 0)
	v.equal("status", v.status(id, "a"), make([]account.Status, 1))
	v.equal("list", v.list(id, account.ListQuery{Limit: 10}), account.ListPage{})
}

// testNoAppConcurrent deletes an app and creates it again while it is imported to.
// Whatever is there in the end belongs to the app, and the counts say so.
func testNoAppConcurrent(v *env) {
	const rounds, callers = 20, 4
	for round := range rounds {
		v.createAppWith(app, "administrator")
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				_, err := v.e.Upsert(v.Context(), app, items(account.UserID(fmt.Sprintf("u%d-%d", round, c))), free)
				if code := account.CodeOf(err); code != account.OK && code != account.NoApp {
					v.Errorf("Upsert: %v", err)
				}
			})
		}
		deleted := v.e.DeleteApp(v.Context(), app, by("app.delete"))
		wg.Wait()
		if deleted == nil {
			v.count(app, 0)
			continue
		}
		v.equal("code of DeleteApp", account.CodeOf(deleted), account.Conflict)
		page := v.list(app, account.ListQuery{Limit: 100})
		v.count(app, int64(len(page.Accounts)))
		for _, a := range page.Accounts {
			if a.ID != "administrator" {
				v.delete(app, now, a.ID)
			}
		}
		v.deleteApp(app, account.OK)
	}
}

// testAdmins gives admins their accounts, in the change that names them, and keeps them
// while they are admins.
func testAdmins(v *env) {
	v.createAppWith(app, "administrator")
	v.equal("admins", ids(v.list(app, account.ListQuery{Limit: 10}).Accounts), []account.UserID{"administrator"})
	a := v.lookup(app, "administrator")[0]
	if want := account.Millis(now); !a.Created.Equal(want) {
		v.Errorf("Created %v, want the time of the entry, %v", a.Created, want)
	}
	v.create(app, "boss")
	v.update(app, now, account.Patch{ID: "boss", Kicked: 5, Fields: []account.Field{text(account.TagNick, "Boss")}})
	before := v.lookup(app, "boss")[0]
	v.create(app, "gone")
	v.delete(app, now, "gone")
	v.setAdmins("administrator", "boss", "gone", "new")
	v.equal("an account of before", v.lookup(app, "boss")[0], before)
	v.count(app, 4)
	v.equal("deletions", v.delete(app, now, "boss", "new", "nobody"), []account.Code{account.AdminProtected, account.AdminProtected, account.NoAccount})
	v.setAdmins("administrator")
	v.count(app, 4)
	v.equal("deletions", v.delete(app, now, "boss", "new"), []account.Code{account.OK, account.OK})
}

func (v *env) setAdmins(admins ...account.UserID) {
	v.Helper()
	_, err := v.e.UpdateApp(v.Context(), app, func(a account.App) (account.App, error) {
		a.Admins = admins
		return a, nil
	}, by("admin.set"))
	if err != nil {
		v.Errorf("UpdateApp: %v", err)
	}
}

// testAdminsConcurrent deletes an account while it is made an admin. Whichever comes
// first, no admin is without an account.
func testAdminsConcurrent(v *env) {
	v.createAppWith(app, "administrator")
	for i := range 50 {
		id := account.UserID(fmt.Sprint("u", i))
		v.create(app, id)
		var wg sync.WaitGroup
		wg.Go(func() { v.setAdmins("administrator", id) })
		wg.Go(func() { v.delete(app, now.Add(time.Minute), id) })
		wg.Wait()
		if !v.status(app, id)[0].Exists() {
			v.Errorf("the admin %s has no account", id)
		}
	}
}
