package storetest

import (
	"fmt"
	"sync"
	"time"

	"rollcall/internal/account"
)

func text(tag account.Tag, s string) account.Field {
	return account.Field{Tag: tag, Value: account.Value{Text: s}}
}

func number(tag account.Tag, n uint64) account.Field {
	return account.Field{Tag: tag, Value: account.Value{Number: n, IsNumber: true}}
}

const custom account.Tag = account.CustomPrefix + "Hobby"

// testUpdateFields sets, replaces and clears fields of every kind.
func testUpdateFields(v *env) {
	id := v.create(app, "a")[0]
	later := now.Add(time.Hour)
	for _, tt := range []struct {
		name   string
		fields []account.Field
		want   account.Account
	}{
		{
			"set",
			[]account.Field{
				text(account.TagNick, "nick"), text(custom, "chess"), number(account.TagLevel, 0),
				text(account.TagImage, "url"), text(account.TagGender, "Gender_Type_Male"), number(account.TagBirthDay, 19900101),
			},
			account.Account{Nick: "nick", FaceURL: "url", Profile: []account.Field{
				text(custom, "chess"), number(account.TagBirthDay, 19900101),
				text(account.TagGender, "Gender_Type_Male"), number(account.TagLevel, 0),
			}},
		},
		{
			"replace, clear, keep",
			[]account.Field{text(account.TagNick, ""), text(custom, "go"), text(account.TagGender, ""), text(account.TagLocation, "")},
			account.Account{FaceURL: "url", Profile: []account.Field{
				text(custom, "go"), number(account.TagBirthDay, 19900101), number(account.TagLevel, 0),
			}},
		},
		{
			"the last of a repeated tag counts",
			[]account.Field{number(account.TagLevel, 1), number(account.TagLevel, 1<<64-1), text(custom, "x"), text(custom, "")},
			account.Account{FaceURL: "url", Profile: []account.Field{
				number(account.TagBirthDay, 19900101), number(account.TagLevel, 1<<64-1),
			}},
		},
	} {
		cs := v.update(app, later, account.Patch{ID: "a", Fields: tt.fields})
		v.equal(tt.name, cs, []account.Code{account.OK})
		tt.want.ID, tt.want.InternalID = "a", id
		tt.want.Created, tt.want.Updated = account.Millis(now), account.Millis(later)
		v.equal(tt.name, v.lookup(app, "a"), []account.Account{tt.want})
		v.equal(tt.name+", listed", v.list(app, account.ListQuery{Limit: 1}).Accounts, []account.Account{tt.want})
	}
	v.upsert(app, free, account.Upsert{ID: "a", Nick: "again"})
	if a := v.lookup(app, "a")[0]; a.Nick != "again" || len(a.Profile) != 2 || !a.Updated.Equal(account.Millis(later)) {
		v.Errorf("an import of an earlier time changed more than Nick: %+v", a)
	}
}

func testUpdateMissing(v *env) {
	v.create(app, "a", "gone")
	v.delete(app, now, "gone")
	cs := v.update(app, now,
		account.Patch{ID: "nobody", Fields: []account.Field{text(account.TagNick, "x")}},
		account.Patch{ID: "a", Fields: []account.Field{text(account.TagNick, "x")}},
		account.Patch{ID: "gone", Kicked: 5})
	v.equal("codes", cs, []account.Code{account.NoAccount, account.OK, account.NoAccount})
	v.equal("Status", v.status(app, "nobody", "gone"), []account.Status{{}, {}})
	v.count(app, 1)
}

// testUpdateRepeated patches an id several times in one batch.
func testUpdateRepeated(v *env) {
	v.create(app, "a")
	v.update(app, now,
		account.Patch{ID: "a", Fields: []account.Field{text(account.TagNick, "one"), text(custom, "x")}},
		account.Patch{ID: "a", Kicked: 7},
		account.Patch{ID: "a", Fields: []account.Field{text(account.TagNick, "two")}})
	a := v.lookup(app, "a")[0]
	if a.Nick != "two" || a.Kicked != 7 || len(a.Profile) != 1 {
		v.Errorf("after three patches: %+v", a)
	}
}

// testUpdateConcurrent patches different fields of one account in concurrent calls. No
// field may be lost.
func testUpdateConcurrent(v *env) {
	const callers, each = 8, 10
	v.create(app, "a")
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			tag := account.CustomPrefix + account.Tag(fmt.Sprintf("F%d", c))
			for i := range each {
				patch := account.Patch{ID: "a", Fields: []account.Field{number(tag, uint64(i))}}
				if _, err := v.e.Update(v.Context(), app, []account.Patch{patch}, account.ChangePolicy{Now: now}); err != nil {
					v.Errorf("Update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	profile := v.lookup(app, "a")[0].Profile
	if len(profile) != callers {
		v.Fatalf("%d fields survived, want %d", len(profile), callers)
	}
	for _, f := range profile {
		if f.Value.Number != each-1 {
			v.Errorf("%s = %d, want %d", f.Tag, f.Value.Number, each-1)
		}
	}
}

// testKicked checks that a watermark never decreases.
func testKicked(v *env) {
	v.create(app, "a")
	for _, tt := range []struct{ set, want int64 }{{100, 100}, {50, 100}, {0, 100}, {200, 200}} {
		v.update(app, now, account.Patch{ID: "a", Kicked: tt.set})
		if got := v.status(app, "a")[0].Kicked; got != tt.want {
			v.Errorf("Status after a kick at %d: %d, want %d", tt.set, got, tt.want)
		}
		if got := v.lookup(app, "a")[0].Kicked; got != tt.want {
			v.Errorf("Lookup after a kick at %d: %d, want %d", tt.set, got, tt.want)
		}
	}
}

// testKickedOutlives checks that a watermark survives a deletion and an import.
func testKickedOutlives(v *env) {
	v.create(app, "a")
	v.update(app, now, account.Patch{ID: "a", Kicked: 100})
	v.delete(app, now, "a")
	v.equal("Status of the deleted", v.status(app, "a"), []account.Status{{Kicked: 100}})
	v.equal("Lookup of the deleted", v.lookup(app, "a"), []account.Account{{ID: "a"}})
	id := v.create(app, "a")[0]
	v.equal("Status of the new", v.status(app, "a"), []account.Status{{InternalID: id, Kicked: 100}})
	v.update(app, now, account.Patch{ID: "a", Kicked: 99})
	if a := v.lookup(app, "a")[0]; a.Kicked != 100 {
		v.Errorf("the watermark of the new account is %d, want 100", a.Kicked)
	}
	v.delete(app, now, "a")
	v.equal("Status, deleted twice", v.status(app, "a"), []account.Status{{Kicked: 100}})
}

// testUnkicked clears a watermark. The next kick counts, even with an earlier time. A
// deletion and an import do not restore the old watermark.
func testUnkicked(v *env) {
	v.create(app, "a")
	want := func(kicked int64) {
		v.Helper()
		if s, a := v.status(app, "a")[0], v.lookup(app, "a")[0]; s.Kicked != kicked || a.Kicked != kicked {
			v.Errorf("watermark %d, in the account %d, want %d", s.Kicked, a.Kicked, kicked)
		}
	}
	v.update(app, now, account.Patch{ID: "a", Kicked: 1 << 40}, account.Patch{ID: "a", Kicked: account.Unkicked})
	want(account.Unkicked)
	v.update(app, now, account.Patch{ID: "a", Fields: []account.Field{text(account.TagNick, "x")}})
	want(account.Unkicked)
	v.update(app, now, account.Patch{ID: "a", Kicked: 100}, account.Patch{ID: "a", Kicked: 50})
	want(100)
	v.update(app, now, account.Patch{ID: "a", Kicked: account.Unkicked})
	v.delete(app, now, "a")
	v.equal("Status of the deleted", v.status(app, "a"), []account.Status{{Kicked: account.Unkicked}})
	v.create(app, "a")
	want(account.Unkicked)
	v.equal("codes", v.update(app, now, account.Patch{ID: "nobody", Kicked: account.Unkicked}), []account.Code{account.NoAccount})
}

func testDelete(v *env) {
	v.create(app, "a", "b")
	cs := v.delete(app, now, "a", "nobody", "a", "b")
	v.equal("codes", cs, []account.Code{account.OK, account.NoAccount, account.NoAccount, account.OK})
	v.equal("Lookup", v.lookup(app, "a", "b"), []account.Account{{ID: "a"}, {ID: "b"}})
	v.equal("Status", v.status(app, "a", "b"), []account.Status{{}, {}})
	v.equal("again", v.delete(app, now, "a"), []account.Code{account.NoAccount})
	v.count(app, 0)
}
