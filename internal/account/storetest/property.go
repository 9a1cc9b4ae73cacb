package storetest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/internal/account"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
)

// Property runs random operations on an engine of open and on package mem, and
// demands the same answers. Internal ids may differ, but must name the same
// accounts.
func Property(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) { newMachine(rt, open(t)).run() })
}

// PropertyReopen is [Property] with restarts in between.
func PropertyReopen(t *testing.T, openAt OpenAt) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		m := newMachine(rt, openAt(t, dir))
		m.reopen = func() account.Engine { return openAt(t, dir) }
		m.run()
	})
}

// A machine holds the engine under test and the model.
type machine struct {
	*rapid.T
	ctx    context.Context
	engine account.Engine
	model  account.Engine
	reopen func() account.Engine // nil: the engine does not persist

	// Internal ids of the engine and of the model that name the same account.
	toModel, toEngine map[uint64]uint64
}

func newMachine(rt *rapid.T, e account.Engine) *machine {
	return &machine{
		T: rt, ctx: context.Background(), engine: checked.New(e), model: new(mem.Store),
		toModel: map[uint64]uint64{0: 0}, toEngine: map[uint64]uint64{0: 0},
	}
}

func (m *machine) run() {
	defer func() {
		if err := m.engine.Close(); err != nil {
			m.Errorf("Close: %v", err)
		}
	}()
	actions := map[string]func(*rapid.T){
		"apps":   m.apps,
		"upsert": m.upsert,
		"update": m.update,
		"delete": m.delete,
		"read":   m.read,
		"list":   m.list,
		"":       m.count,
	}
	if m.reopen != nil {
		actions["reopen"] = m.restart
	}
	m.Repeat(actions)
}

// same notes that the internal ids e and w name one account, and returns what
// the engine should have answered where the model answered w.
func (m *machine) same(e, w uint64) uint64 {
	_, seen := m.toModel[e]
	if known, ok := m.toEngine[w]; ok || seen {
		return known
	}
	m.toModel[e], m.toEngine[w] = w, e
	return e
}

// equal fails the test unless the two answers agree. Errors agree in their Code.
func (m *machine) equal(what string, got, want any, gotErr, wantErr error) {
	m.Helper()
	if account.CodeOf(gotErr) != account.CodeOf(wantErr) {
		m.Fatalf("%s: engine %v, model %v", what, gotErr, wantErr)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		m.Fatalf("%s (-model +engine):\n%s", what, diff)
	}
}

var (
	anyApp = rapid.SampledFrom([]account.AppID{app, otherApp})
	anyID  = rapid.SampledFrom([]account.UserID{"a", "aa", "ab", "b", "B", " ", "~"})
	anyIDs = rapid.SliceOfN(anyID, 0, 6)
	anyTxt = rapid.SampledFrom([]string{"", "x", "y", "中文"})
	anyTag = rapid.SampledFrom([]account.Tag{account.TagNick, account.TagImage, account.TagGender, account.TagLocation, custom})
	anyNum = rapid.SampledFrom([]account.Tag{account.TagLevel, account.TagRole, account.CustomPrefix + "Num"})
)

// moment draws one of few times, so that they collide.
func moment(t *rapid.T, label string) time.Time {
	return now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, label)) * 700 * time.Microsecond)
}

func anyField(t *rapid.T) account.Field {
	if rapid.Bool().Draw(t, "number") {
		return number(anyNum.Draw(t, "tag"), rapid.Uint64().Draw(t, "value"))
	}
	return text(anyTag.Draw(t, "tag"), anyTxt.Draw(t, "value"))
}

// apps creates, changes or deletes an app. Half of the time it only creates, so that
// most calls find one.
func (m *machine) apps(t *rapid.T) {
	id := anyApp.Draw(t, "app")
	admins := rapid.SliceOfNDistinct(anyID, 0, 3, rapid.ID).Draw(t, "admins")
	change := func(e account.Engine) error {
		_, err := e.CreateApp(m.ctx, account.App{ID: id, Created: account.Millis(now), Admins: admins}, by("app.create"))
		return err
	}
	switch rapid.IntRange(0, 3).Draw(t, "change") {
	case 0:
		change = func(e account.Engine) error { return e.DeleteApp(m.ctx, id, by("app.delete")) }
	case 1:
		change = func(e account.Engine) error {
			_, err := e.UpdateApp(m.ctx, id, func(a account.App) (account.App, error) {
				a.Admins = admins
				return a, nil
			}, by("admin.set"))
			return err
		}
	}
	m.equal("change of an app", nil, nil, change(m.engine), change(m.model))
}

func (m *machine) upsert(t *rapid.T) {
	id := anyApp.Draw(t, "app")
	p := account.UpsertPolicy{Now: moment(t, "now"), Limit: rapid.Int64Range(0, 5).Draw(t, "limit")}
	if rapid.Bool().Draw(t, "banned") {
		p.TombstoneBefore = moment(t, "before")
	} else {
		p.TombstoneBefore = account.AnyTombstone
	}
	us := items(anyIDs.Draw(t, "ids")...)
	for i := range us {
		us[i].Nick, us[i].FaceURL = anyTxt.Draw(t, "nick"), anyTxt.Draw(t, "url")
	}
	got, err := m.engine.Upsert(m.ctx, id, us, p)
	want, wantErr := m.model.Upsert(m.ctx, id, us, p)
	for i := range min(len(got), len(want)) {
		want[i].InternalID = m.same(got[i].InternalID, want[i].InternalID)
	}
	m.equal("Upsert", got, want, err, wantErr)
}

func (m *machine) update(t *rapid.T) {
	id, at := anyApp.Draw(t, "app"), moment(t, "now")
	var ps []account.Patch
	for _, user := range anyIDs.Draw(t, "ids") {
		ps = append(ps, account.Patch{
			ID:     user,
			Fields: rapid.SliceOfN(rapid.Custom(anyField), 0, 4).Draw(t, "fields"),
			Kicked: rapid.Int64Range(account.Unkicked, 3).Draw(t, "kicked"),
		})
	}
	got, err := m.engine.Update(m.ctx, id, ps, at)
	want, wantErr := m.model.Update(m.ctx, id, ps, at)
	m.equal("Update", got, want, err, wantErr)
}

func (m *machine) delete(t *rapid.T) {
	id, at, us := anyApp.Draw(t, "app"), moment(t, "now"), anyIDs.Draw(t, "ids")
	got, err := m.engine.Delete(m.ctx, id, us, at)
	want, wantErr := m.model.Delete(m.ctx, id, us, at)
	m.equal("Delete", got, want, err, wantErr)
}

func (m *machine) read(t *rapid.T) {
	id, us := anyApp.Draw(t, "app"), anyIDs.Draw(t, "ids")
	as, err := m.engine.Lookup(m.ctx, id, us)
	wantAs, wantErr := m.model.Lookup(m.ctx, id, us)
	m.accounts("Lookup", as, wantAs, err, wantErr)
	ss, err := m.engine.Status(m.ctx, id, us)
	wantSs, wantErr := m.model.Status(m.ctx, id, us)
	for i := range min(len(ss), len(wantSs)) {
		wantSs[i].InternalID = m.same(ss[i].InternalID, wantSs[i].InternalID)
	}
	m.equal("Status", ss, wantSs, err, wantErr)
}

func (m *machine) list(t *rapid.T) {
	id := anyApp.Draw(t, "app")
	q := account.ListQuery{Limit: rapid.IntRange(1, 8).Draw(t, "limit")}
	q.Prefix = rapid.SampledFrom([]account.UserID{"", "a", "~"}).Draw(t, "prefix")
	q.After = rapid.SampledFrom([]account.UserID{"", "a", "aa", "aaa"}).Draw(t, "after")
	got, err := m.engine.List(m.ctx, id, q)
	want, wantErr := m.model.List(m.ctx, id, q)
	m.accounts("List", got.Accounts, want.Accounts, err, wantErr)
	m.equal("Next", got.Next, want.Next, nil, nil)
}

func (m *machine) accounts(what string, got, want []account.Account, err, wantErr error) {
	m.Helper()
	for i := range min(len(got), len(want)) {
		want[i].InternalID = m.same(got[i].InternalID, want[i].InternalID)
	}
	m.equal(what, got, want, err, wantErr)
}

// count runs after every other action.
func (m *machine) count(*rapid.T) {
	for _, id := range []account.AppID{app, otherApp} {
		got, err := m.engine.Count(m.ctx, id)
		want, wantErr := m.model.Count(m.ctx, id)
		m.equal("Count", got, want, err, wantErr)
	}
}

func (m *machine) restart(t *rapid.T) {
	if err := m.engine.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	m.engine = checked.New(m.reopen())
}
