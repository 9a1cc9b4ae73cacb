package storetest

import (
	"time"

	"rollcall/internal/account"
)

func testUpsertCreates(v *env) {
	rs := v.upsert(app, free, account.Upsert{ID: "a", Nick: "中文", FaceURL: "http://x/a.png"}, account.Upsert{ID: "b"})
	v.equal("codes", codes(rs), []account.Code{account.OK, account.OK})
	cut := now.Truncate(time.Millisecond)
	v.equal("Lookup", v.lookup(app, "a", "nobody", "b", "a"), []account.Account{
		{ID: "a", InternalID: rs[0].InternalID, Nick: "中文", FaceURL: "http://x/a.png", Created: cut, Updated: cut},
		{ID: "nobody"},
		{ID: "b", InternalID: rs[1].InternalID, Created: cut, Updated: cut},
		{ID: "a", InternalID: rs[0].InternalID, Nick: "中文", FaceURL: "http://x/a.png", Created: cut, Updated: cut},
	})
	v.equal("Status", v.status(app, "b", "nobody", "a"), []account.Status{
		{InternalID: rs[1].InternalID}, {}, {InternalID: rs[0].InternalID},
	})
	v.count(app, 2)
}

func testUpsertChanges(v *env) {
	id := v.upsert(app, free, account.Upsert{ID: "a", Nick: "old", FaceURL: "url"})[0].InternalID
	later := free
	later.Now = now.Add(time.Hour)
	rs := v.upsert(app, later, account.Upsert{ID: "a", Nick: "new"})
	v.equal("results", rs, []account.UpsertResult{{Code: account.OK, InternalID: id}})
	v.equal("Lookup", v.lookup(app, "a"), []account.Account{{
		ID: "a", InternalID: id, Nick: "new", FaceURL: "url",
		Created: account.Millis(now), Updated: account.Millis(later.Now),
	}})
	v.upsert(app, later, account.Upsert{ID: "a", FaceURL: "url2"})
	if a := v.lookup(app, "a")[0]; a.Nick != "new" || a.FaceURL != "url2" {
		v.Errorf("after an import of only FaceURL: %+v", a)
	}
	v.count(app, 1)
}

func testUpsertNoChange(v *env) {
	v.upsert(app, free, account.Upsert{ID: "a", Nick: "nick", FaceURL: "url"}, account.Upsert{ID: "b"})
	before := v.lookup(app, "a", "b")
	later := free
	later.Now = now.Add(time.Hour)
	for _, u := range []account.Upsert{{ID: "a"}, {ID: "a", Nick: "nick"}, {ID: "a", Nick: "nick", FaceURL: "url"}, {ID: "b"}} {
		if r := v.upsert(app, later, u)[0]; r.Created || r.Code != account.OK {
			v.Errorf("Upsert(%+v) = %+v", u, r)
		}
	}
	v.equal("Lookup", v.lookup(app, "a", "b"), before)
}

// testUpsertRepeated imports one id several times in a batch.
func testUpsertRepeated(v *env) {
	rs := v.upsert(app, free,
		account.Upsert{ID: "a", Nick: "one", FaceURL: "url"},
		account.Upsert{ID: "b"},
		account.Upsert{ID: "a", Nick: "two"},
		account.Upsert{ID: "a", Nick: "three"})
	id := rs[0].InternalID
	v.equal("results", rs, []account.UpsertResult{
		{Code: account.OK, Created: true, InternalID: id},
		{Code: account.OK, Created: true, InternalID: rs[1].InternalID},
		{Code: account.OK, InternalID: id},
		{Code: account.OK, InternalID: id},
	})
	if a := v.lookup(app, "a")[0]; a.Nick != "three" || a.FaceURL != "url" {
		v.Errorf("after a repeated import: %+v", a)
	}
	v.count(app, 2)
}

func testUpsertEmpty(v *env) {
	if rs := v.upsert(app, free); len(rs) != 0 {
		v.Errorf("Upsert of nothing = %+v", rs)
	}
	if rs := v.status(app); len(rs) != 0 {
		v.Errorf("Status of nothing = %+v", rs)
	}
	if cs := v.delete(app, now); len(cs) != 0 {
		v.Errorf("Delete of nothing = %v", cs)
	}
	v.count(app, 0)
}

// testCaseAndApps imports ids that differ only in case or app.
func testCaseAndApps(v *env) {
	v.upsert(app, free, account.Upsert{ID: "alice", Nick: "lower"}, account.Upsert{ID: "Alice", Nick: "upper"})
	v.upsert(otherApp, free, account.Upsert{ID: "alice", Nick: "other"})
	for _, tt := range []struct {
		app  account.AppID
		id   account.UserID
		want string
	}{{app, "alice", "lower"}, {app, "Alice", "upper"}, {otherApp, "alice", "other"}, {otherApp, "Alice", ""}} {
		if a := v.lookup(tt.app, tt.id)[0]; a.Nick != tt.want {
			v.Errorf("%d %s has Nick %q, want %q", tt.app, tt.id, a.Nick, tt.want)
		}
	}
	v.delete(app, now, "alice")
	v.count(app, 1)
	v.count(otherApp, 1)
}

// testOwned changes the slices that the engine has returned.
func testOwned(v *env) {
	v.create(app, "a")
	field := account.Field{Tag: account.TagGender, Value: account.Value{Text: "Gender_Type_Male"}}
	v.update(app, now, account.Patch{ID: "a", Fields: []account.Field{field}})
	v.lookup(app, "a")[0].Profile[0].Value.Text = "spoilt"
	v.list(app, account.ListQuery{Limit: 1}).Accounts[0].Profile[0].Value.Text = "spoilt"
	v.equal("profile", v.lookup(app, "a")[0].Profile, []account.Field{field})
}
