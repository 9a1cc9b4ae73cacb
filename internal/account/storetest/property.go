package storetest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
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
// checks that the results are the same. Internal ids may differ, but must identify
// the same accounts.
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
		m.actions["reopen"] = func(rt *rapid.T) {
			if err := m.engine.Close(); err != nil {
				rt.Fatalf("Close: %v", err)
			}
			m.engine = checked.New(openAt(t, dir))
		}
		m.run()
	})
}

// A machine contains the engine under test and the model.
type machine struct {
	*rapid.T
	ctx    context.Context
	engine account.Engine
	model  account.Engine

	changes map[string]func(*rapid.T) drawnCall // draw a call
	actions map[string]func(*rapid.T)           // "" runs after every other action

	// These map internal ids of the engine and of the model that identify one account.
	toModel, toEngine map[uint64]uint64

	numbers map[uint64]uint64 // from the engine's number of a commit to the model's

	dumps map[account.AppID][]dumps // earlier states of each app

	loaded uint64 // accounts that were loaded as they are
}

// A dumps contains the state of an app in the engine and in the model at the same moment.
type dumps struct{ engine, model *account.Dump }

func newMachine(rt *rapid.T, e account.Engine) *machine {
	m := &machine{
		T: rt, ctx: context.Background(), engine: checked.New(e), model: new(mem.Store),
		toModel: map[uint64]uint64{0: 0}, toEngine: map[uint64]uint64{0: 0}, numbers: map[uint64]uint64{0: 0},
		dumps: map[account.AppID][]dumps{},
	}
	m.changes = map[string]func(*rapid.T) drawnCall{
		"spaces":  m.spaces,
		"records": m.records,
		"upsert":  m.upsert,
		"update":  m.update,
		"delete":  m.delete,
	}
	m.actions = map[string]func(*rapid.T){
		"read":        m.readSome,
		"readRecords": m.readRecords,
		"list":        m.list,
		"":            m.count,
	}
	if _, ok := account.Find[account.Dumper](m.engine); ok {
		m.changes["replace"], m.actions["dump"] = m.replace, m.dump
	}
	if _, ok := account.Find[account.Exporter](m.engine); ok {
		m.actions["export"] = m.export
	}
	if _, ok := account.Find[account.Loader](m.engine); ok {
		m.changes["load"] = m.load
	}
	for name, draw := range m.changes {
		m.actions[name] = func(t *rapid.T) {
			c := draw(t)
			c.call()
			m.check(c)
		}
	}
	return m
}

func (m *machine) run() {
	defer func() {
		if err := m.engine.Close(); err != nil {
			m.Errorf("Close: %v", err)
		}
	}()
	m.Repeat(m.actions)
}

// same records that the internal id e of the engine and w of the model identify one
// account. It returns the id that the engine should have returned in place of w.
func (m *machine) same(e, w uint64) uint64 {
	_, seen := m.toModel[e]
	if known, ok := m.toEngine[w]; ok || seen {
		return known
	}
	m.toModel[e], m.toEngine[w] = w, e
	return e
}

// equal fails the test unless both results are equal. Errors are compared by Code.
func (m *machine) equal(what string, got, want any, gotErr, wantErr error) {
	m.Helper()
	if account.CodeOf(gotErr) != account.CodeOf(wantErr) {
		m.Fatalf("%s: engine %v, model %v", what, gotErr, wantErr)
	}
	if reflect.DeepEqual(got, want) { // much faster
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		m.Fatalf("%s (-model +engine):\n%s", what, diff)
	}
}

var (
	allApps = []account.AppID{app, otherApp}
	allIDs  = []account.UserID{"a", "aa", "ab", "b", "B", " ", "~"}

	anyApp = rapid.SampledFrom(allApps)
	anyID  = rapid.SampledFrom(allIDs)
	anyIDs = rapid.SliceOfN(anyID, 0, 6)
	admins = rapid.SliceOfNDistinct(anyID, 0, 3, rapid.ID)
	anyTxt = rapid.SampledFrom([]string{"", "x", "y", "中文"})
	anyTag = rapid.SampledFrom([]account.Tag{account.TagNick, account.TagImage, account.TagGender, account.TagLocation, custom})
	anyNum = rapid.SampledFrom([]account.Tag{account.TagLevel, account.TagRole, account.CustomPrefix + "Num"})
)

// moment draws one of a few times, which often makes them equal.
func moment(t *rapid.T, label string) time.Time {
	return now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, label)) * 700 * time.Microsecond)
}

func anyField(t *rapid.T) account.Field {
	if rapid.Bool().Draw(t, "number") {
		return number(anyNum.Draw(t, "tag"), rapid.Uint64().Draw(t, "value"))
	}
	return text(anyTag.Draw(t, "tag"), anyTxt.Draw(t, "value"))
}

// spaces creates, changes or removes a space. It removes only one in four, because most
// calls should find a space.
func (m *machine) spaces(t *rapid.T) drawnCall {
	c := account.Commit{Spaces: []account.Space{{App: anyApp.Draw(t, "app"), Now: now}}}
	sp := &c.Spaces[0]
	if sp.Remove = rapid.IntRange(0, 3).Draw(t, "remove") == 0; !sp.Remove {
		sp.Admins = admins.Draw(t, "admins")
	}
	if rapid.Bool().Draw(t, "records") {
		c.Writes = m.writes(t)
	}
	return m.commit(c, nil)
}

// dump keeps the state of an app, which replace can restore.
func (m *machine) dump(t *rapid.T) {
	id, limit := anyApp.Draw(t, "app"), rapid.SampledFrom([]int{2, account.MaxReplaced}).Draw(t, "limit")
	engine, _ := account.Find[account.Dumper](m.engine)
	got, err := engine.Dump(m.ctx, id, limit)
	want, wantErr := m.model.(account.Dumper).Dump(m.ctx, id, limit)
	if err != nil || wantErr != nil {
		m.equal("Dump", nil, nil, err, wantErr)
		return
	}
	kept := *want
	kept.Accounts = slices.Clone(want.Accounts)
	m.accounts("accounts of Dump", got.Accounts, want.Accounts, err, wantErr)
	m.equal("deleted ids of Dump", got.Gone, want.Gone, err, wantErr)
	m.dumps[id] = append(m.dumps[id], dumps{got, &kept})
}

// replace replaces the accounts of an app by nothing or by an earlier state.
func (m *machine) replace(t *rapid.T) drawnCall {
	sp := account.Space{App: anyApp.Draw(t, "app"), Now: now}
	d := dumps{new(account.Dump), new(account.Dump)}
	if known := m.dumps[sp.App]; len(known) > 0 && rapid.IntRange(0, 2).Draw(t, "restore") > 0 {
		d = rapid.SampledFrom(known).Draw(t, "dump")
	} else {
		sp.Remove = rapid.IntRange(0, 3).Draw(t, "remove") == 0
	}
	if !sp.Remove {
		sp.Admins = admins.Draw(t, "admins")
	}
	c := account.Commit{Spaces: []account.Space{sp}}
	c.Spaces[0].Replace = d.engine
	if rapid.Bool().Draw(t, "records") {
		c.Writes = m.writes(t)
	}
	return m.commit(c, d.model)
}

// records writes records.
func (m *machine) records(t *rapid.T) drawnCall {
	return m.commit(account.Commit{Writes: m.writes(t)}, nil)
}

// commit returns the call that applies c. The conditions of c are versions of the engine.
// dump is the dump of the model that its space restores, or nil.
func (m *machine) commit(c account.Commit, dump *account.Dump) drawnCall {
	model := c
	if dump != nil {
		model.Spaces = slices.Clone(c.Spaces)
		model.Spaces[0].Replace = dump
	}
	model.Writes = slices.Clone(c.Writes)
	for i, w := range model.Writes {
		if w.If != account.AnyVersion && w.If != 0 {
			model.Writes[i].If = m.numbers[w.If]
		}
		model.Writes[i].Key = m.modelKey(w.Key)
	}
	var got uint64
	var err error
	return drawnCall{
		call: func() { got, err = m.engine.Commit(m.ctx, c) },
		check: func() {
			want, wantErr := m.model.Commit(m.ctx, model)
			m.equal("Commit", nil, nil, err, wantErr)
			if err == nil {
				m.numbers[got] = want
			}
		},
	}
}

var (
	anyKind   = rapid.SampledFrom([]account.Kind{kind, otherKind})
	anyKey    = rapid.SampledFrom([]string{"a", "a/", "a/b", "b", "\xff"})
	anyPrefix = rapid.SampledFrom([]string{"", "a", "a/", "\xff", "x"})
)

// writes draws the writes of a commit.
func (m *machine) writes(t *rapid.T) (ws []account.Write) {
	for _, key := range rapid.SliceOfNDistinct(anyKey, 0, 4, rapid.ID).Draw(t, "keys") {
		w := account.Write{Kind: anyKind.Draw(t, "kind"), Key: key}
		w.Append = rapid.IntRange(0, 3).Draw(t, "append") == 0
		if w.Append || rapid.Bool().Draw(t, "set") {
			w.Value = []byte(anyTxt.Draw(t, "value"))
		}
		if !w.Append {
			have, _ := m.engine.Record(m.ctx, w.Kind, key)
			known := []uint64{0, have.Version, have.Version, account.AnyVersion, slices.Max(slices.Collect(maps.Keys(m.numbers)))}
			w.If = rapid.SampledFrom(known).Draw(t, "if")
		}
		ws = append(ws, w)
	}
	return ws
}

// modelKey returns the key in the model for a key of the engine. They differ for an
// appended record, whose key ends with the number of its commit.
func (m *machine) modelKey(key string) string {
	const digits = 16
	if len(key) < digits {
		return key
	}
	prefix, number := key[:len(key)-digits], uint64(0)
	if _, err := fmt.Sscanf(key[len(key)-digits:], "%x", &number); err != nil {
		return key
	}
	return account.AppendedKey(prefix, m.numbers[number])
}

// readRecords lists records, and reads one and several.
func (m *machine) readRecords(t *rapid.T) {
	q := account.RecordQuery{Kind: anyKind.Draw(t, "kind"), Prefix: anyPrefix.Draw(t, "prefix"), Limit: rapid.IntRange(1, 6).Draw(t, "limit")}
	q.Reverse = rapid.Bool().Draw(t, "reverse")
	q.After = anyPrefix.Draw(t, "after")
	got, err := m.engine.Records(m.ctx, q)
	want, wantErr := m.model.Records(m.ctx, q)
	got.Next = m.modelKey(got.Next)
	for i, r := range got.Records {
		m.sameRecord(&got.Records[i])
		one, err := m.engine.Record(m.ctx, q.Kind, r.Key)
		m.sameRecord(&one)
		m.equal("Record", one, got.Records[i], err, nil)
	}
	m.equal("Records", got, want, err, wantErr)
	key := anyKey.Draw(t, "key")
	one, err := m.engine.Record(m.ctx, q.Kind, key)
	wantOne, wantErr := m.model.Record(m.ctx, q.Kind, key)
	m.sameRecord(&one)
	m.equal("Record", one, wantOne, err, wantErr)
	keys := rapid.SliceOfN(anyKey, 0, 8).Draw(t, "keys")
	several, err := m.engine.RecordsAt(m.ctx, q.Kind, keys)
	wantSeveral, wantErr := m.model.RecordsAt(m.ctx, q.Kind, keys)
	for i := range several {
		m.sameRecord(&several[i])
	}
	m.equal("RecordsAt", several, wantSeveral, err, wantErr)
}

// sameRecord turns a record of the engine into the one that the model should have.
func (m *machine) sameRecord(r *account.Record) {
	r.Key, r.Version = m.modelKey(r.Key), m.numbers[r.Version]
}

// anyOutbox draws an outbox, which is nil most of the time.
func anyOutbox[R any](t *rapid.T) func([]R) []account.Write {
	w := put("o", "event", account.AnyVersion)
	switch rapid.IntRange(0, 5).Draw(t, "outbox") {
	case 0:
	case 1:
		w = add("o/", "event")
	default:
		return nil
	}
	return func([]R) []account.Write { return []account.Write{w} }
}

// learn records the numbers of the commits in which outboxes have written.
func (m *machine) learn() {
	q := account.RecordQuery{Kind: kind, Prefix: "o", Limit: account.MaxListLimit}
	got, err := m.engine.Records(m.ctx, q)
	want, wantErr := m.model.Records(m.ctx, q)
	m.equal("records of outboxes", len(got.Records), len(want.Records), err, wantErr)
	for i, r := range got.Records {
		if _, ok := m.numbers[r.Version]; !ok {
			m.numbers[r.Version] = want.Records[i].Version
		}
	}
}

func anyChange(t *rapid.T) account.ChangePolicy {
	return account.ChangePolicy{Now: moment(t, "now"), Outbox: anyOutbox[account.Code](t)}
}

func (m *machine) upsert(t *rapid.T) drawnCall {
	id := anyApp.Draw(t, "app")
	p := account.UpsertPolicy{Now: moment(t, "now"), Limit: rapid.Int64Range(0, 5).Draw(t, "limit")}
	if rapid.Bool().Draw(t, "banned") {
		p.TombstoneBefore = moment(t, "before")
	} else {
		p.TombstoneBefore = account.AnyTombstone
	}
	p.Outbox = anyOutbox[account.UpsertResult](t)
	us := items(anyIDs.Draw(t, "ids")...)
	for i := range us {
		us[i].Nick, us[i].FaceURL = anyTxt.Draw(t, "nick"), anyTxt.Draw(t, "url")
	}
	var got []account.UpsertResult
	var err error
	return drawnCall{
		call: func() { got, err = m.engine.Upsert(m.ctx, id, us, p) },
		check: func() {
			want, wantErr := m.model.Upsert(m.ctx, id, us, p)
			for i := range min(len(got), len(want)) {
				want[i].InternalID = m.same(got[i].InternalID, want[i].InternalID)
			}
			m.equal("Upsert", got, want, err, wantErr)
		},
	}
}

func (m *machine) update(t *rapid.T) drawnCall {
	id, p := anyApp.Draw(t, "app"), anyChange(t)
	var ps []account.Patch
	for _, user := range anyIDs.Draw(t, "ids") {
		ps = append(ps, account.Patch{
			ID:     user,
			Fields: rapid.SliceOfN(rapid.Custom(anyField), 0, 4).Draw(t, "fields"),
			Kicked: rapid.Int64Range(account.Unkicked, 3).Draw(t, "kicked"),
		})
	}
	return m.coded("Update", func(e account.Engine) ([]account.Code, error) { return e.Update(m.ctx, id, ps, p) })
}

func (m *machine) delete(t *rapid.T) drawnCall {
	return m.deletion(anyApp.Draw(t, "app"), anyIDs.Draw(t, "ids"), anyChange(t))
}

func (m *machine) deletion(id account.AppID, us []account.UserID, p account.ChangePolicy) drawnCall {
	return m.coded("Delete", func(e account.Engine) ([]account.Code, error) { return e.Delete(m.ctx, id, us, p) })
}

func (m *machine) readSome(t *rapid.T) { m.read(anyApp.Draw(t, "app"), anyIDs.Draw(t, "ids")) }

func (m *machine) read(id account.AppID, us []account.UserID) {
	as, err := m.engine.Lookup(m.ctx, id, us)
	wantAs, wantErr := m.model.Lookup(m.ctx, id, us)
	m.accounts("Lookup", as, wantAs, err, wantErr)
	for _, user := range us {
		got, err := m.engine.Watermark(m.ctx, id, user)
		want, wantErr := m.model.Watermark(m.ctx, id, user)
		m.equal("Watermark", got, want, err, wantErr)
	}
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
	for _, id := range allApps {
		got, err := m.engine.Count(m.ctx, id)
		want, wantErr := m.model.Count(m.ctx, id)
		m.equal("Count", got, want, err, wantErr)
	}
}
