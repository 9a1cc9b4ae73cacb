package storetest

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
)

// An OpenAt opens the engine whose data lies in the directory dir, which may
// hold what an engine closed before has left there.
type OpenAt func(tb testing.TB, dir string) account.Engine

// RunReopen tests that what the engines of openAt hold survives Close and a
// new Open.
func RunReopen(t *testing.T, openAt OpenAt) {
	for _, th := range []struct {
		name string
		fn   func(*env, func())
		apps []account.AppID // that are there from the start
	}{
		{"Accounts", testReopenAccounts, []account.AppID{app, otherApp}},
		{"InternalIDs", testReopenInternalIDs, []account.AppID{app}},
		{"Tombstones", testReopenTombstones, []account.AppID{app}},
		{"Apps", testReopenApps, nil},
		{"DeletedApp", testReopenDeletedApp, nil},
		{"Tokens", testReopenTokens, nil},
		{"Often", testReopenOften, []account.AppID{app}},
	} {
		t.Run(th.name, func(t *testing.T) {
			dir := t.TempDir()
			v := newEnv(t, openAt(t, dir))
			for _, id := range th.apps {
				v.createApp(id)
			}
			th.fn(v, func() {
				v.Helper()
				v.close()
				again := newEnv(t, openAt(t, dir))
				v.e, again.e = again.e, nothing{} // v's clean-up closes the newest
			})
		})
	}
}

// nothing stands for an engine that was closed already.
type nothing struct{ account.Engine }

func (nothing) Close() error { return nil }

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

// testReopenInternalIDs deletes the newest accounts before the restart: their
// ids must not be given again.
func testReopenInternalIDs(v *env, reopen func()) {
	given := map[uint64]account.UserID{}
	for round := range 3 {
		var batch []account.UserID
		for i := range 5 {
			batch = append(batch, account.UserID(fmt.Sprintf("u%d-%d", round, i)))
		}
		for i, internal := range v.create(app, batch...) {
			if other, ok := given[internal]; ok {
				v.Errorf("InternalID %d of %s is given to %s", internal, other, batch[i])
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

func testReopenApps(v *env, reopen func()) {
	if _, err := v.e.CreateApp(v.Context(), wholeApp(), by("app.create")); err != nil {
		v.Fatalf("CreateApp: %v", err)
	}
	v.createApp(otherApp)
	if _, err := v.e.UpdateApp(v.Context(), otherApp, rename("new"), by("app.rename")); err != nil {
		v.Fatalf("UpdateApp: %v", err)
	}
	trail := v.audit(account.AuditQuery{Limit: 10})
	reopen()
	whole := wholeApp()
	v.equalApps("whole app", v.app(app), &whole)
	if a := v.app(otherApp); a.Name != "new" || a.Version != 2 {
		v.Errorf("other app: %+v", a)
	}
	v.equal("trail", v.audit(account.AuditQuery{Limit: 10}), trail)
	if _, err := v.e.UpdateApp(v.Context(), otherApp, rename("newer"), by("app.rename")); err != nil {
		v.Fatalf("UpdateApp: %v", err)
	}
	if es := v.audit(account.AuditQuery{Limit: 10}); len(es) != 4 || es[0].Seq <= trail[0].Seq {
		v.Errorf("trail after one more change: %+v", es)
	}
}

// testReopenOften restarts after every step, also when nothing was written.
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
