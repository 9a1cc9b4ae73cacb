package copying_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/account"
	"rollcall/internal/copying"
	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/open"
)

var now = time.UnixMilli(1_770_000_000_123).UTC()

// createApp creates an app with a secret and two admins.
func createApp(t fatal, e account.Engine, ring *seal.Ring, id account.AppID) {
	a := account.App{
		ID: id, Edition: account.Pro, Created: now, Admins: []account.UserID{"administrator", "boss"},
		Keys: []account.Key{{ID: "k1", Kind: account.HMACKey, Secret: fmt.Sprint("secret of ", id), Created: now}},
	}
	_, err := records.New(e, ring).CreateApp(context.Background(), a, account.AuditEntry{Time: now, Action: "app.create", App: id})
	must(t, err)
}

type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func must(t fatal, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill creates apps, accounts of each kind and a token.
func fill(t fatal, e account.Engine, ring *seal.Ring, n int) {
	ctx := context.Background()
	for _, id := range []account.AppID{7, 1400000001} {
		createApp(t, e, ring, id)
	}
	var us []account.Upsert
	for i := range n {
		us = append(us, account.Upsert{ID: account.UserID(fmt.Sprintf("user-%06d", i)), Nick: fmt.Sprint("Nick ", i)})
	}
	for len(us) > 0 {
		some := us[:min(len(us), account.LoadBatch)]
		us = us[len(some):]
		_, err := e.Upsert(ctx, 1400000001, some, account.UpsertPolicy{Now: now})
		must(t, err)
	}
	patches := []account.Patch{
		{ID: "user-000001", Kicked: 55},
		{ID: "user-000002", Kicked: account.Unkicked},
		{ID: "user-000003", Kicked: 77},
		{ID: "boss", Fields: []account.Field{{Tag: account.TagLevel, Value: account.Value{Number: 9, IsNumber: true}}, {Tag: account.CustomPrefix + "Hobby", Value: account.Value{Text: "chess"}}}},
	}
	_, err := e.Update(ctx, 1400000001, patches, account.ChangePolicy{Now: now.Add(time.Hour)})
	must(t, err)
	_, err = e.Delete(ctx, 1400000001, []account.UserID{"user-000003", "user-000004", account.UserID(fmt.Sprintf("user-%06d", n-1))}, account.ChangePolicy{Now: now})
	must(t, err)
	_, err = e.Commit(ctx, account.Commit{Writes: []account.Write{{Kind: 2, Key: "token", Value: []byte("{}")}, {Kind: 250, Key: "of a later version", Value: []byte{}}}})
	must(t, err)
}

// pebbleAt opens an embedded store.
func pebbleAt(t testing.TB, dir string) account.Engine {
	t.Helper()
	e, err := open.Engine(t.Context(), "pebble:"+dir, open.Options{})
	must(t, err)
	return e
}

func options(from, to account.Engine) copying.Options {
	return copying.Options{From: from, To: to, FromName: "the source", ToName: "the copy"}
}

func TestThereAndBack(t *testing.T) {
	first := new(mem.Store)
	fill(t, first, nil, 20_000)
	disk := pebbleAt(t, filepath.Join(t.TempDir(), "store"))
	defer func() { _ = disk.Close() }()
	there, err := copying.Run(t.Context(), options(first, disk))
	must(t, err)
	if there.Accounts != 20_000+4-3 || there.Rows != 20_000+4 || there.Contents.Accounts != there.Accounts || there.Contents.Deleted != 3 || there.Apps != 2 || there.Resumed {
		t.Errorf("the summary is %+v, contents %+v", there, there.Contents)
	}
	back := new(mem.Store)
	again, err := copying.Run(t.Context(), options(disk, back))
	must(t, err)
	if diff := cmp.Diff(there.Contents, again.Contents, cmp.AllowUnexported(copying.AppContents{})); diff != "" {
		t.Errorf("there and back (-there +back):\n%s", diff)
	}
	c, err := copying.Compare(t.Context(), options(first, back))
	if err != nil || !c.Same() {
		t.Errorf("the last store and the first one: %+v, %v", c, err)
	}
	a, b := numbersOf(t, first), numbersOf(t, back)
	if b.Commit < a.Commit || b.InternalID < a.InternalID {
		t.Errorf("the copy goes on after %+v, the source after %+v", b, a)
	}
	if _, err := records.New(back, nil).App(t.Context(), 7); err != nil {
		t.Error(err)
	}
	codes, err := back.Delete(t.Context(), 7, []account.UserID{"boss"}, account.ChangePolicy{Now: now})
	if err != nil || codes[0] != account.AdminProtected {
		t.Errorf("the deletion of an admin of the copy: %v, %v", codes, err)
	}
}

func numbersOf(t testing.TB, e account.Engine) account.Numbers {
	l, _ := account.Find[account.Loader](e)
	n, err := l.Numbers(t.Context())
	must(t, err)
	return n
}

// TestSessionsStay copies a store with a session, which is not in the copy.
func TestSessionsStay(t *testing.T) {
	from, to := new(mem.Store), new(mem.Store)
	createApp(t, from, nil, 1)
	s := records.Session{Key: records.SessionKey("secret"), Created: now, Expires: now.Add(time.Hour)}
	must(t, records.New(from, nil).CreateSession(t.Context(), s, nil, account.AuditEntry{Time: now, Action: "session.start"}))
	summary, err := copying.Run(t.Context(), options(from, to))
	must(t, err)
	if ss, err := records.New(to, nil).Sessions(t.Context()); err != nil || len(ss) != 0 {
		t.Errorf("the copy has %d sessions, %v", len(ss), err)
	}
	for kind := range summary.Contents.Records {
		if records.KindName(kind) == "sessions" {
			t.Error("the summary counts sessions")
		}
	}
	c, err := copying.Compare(t.Context(), options(from, to))
	if err != nil || !c.Same() {
		t.Errorf("the stores without sessions: %+v, %v", c, err)
	}
}

// TestProperty copies stores with random accounts from package mem to a disk and back.
func TestProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first := new(mem.Store)
		createApp(rt, first, nil, 1)
		id := rapid.StringMatching(`[ -~]{1,6}`)
		for range rapid.IntRange(0, 30).Draw(rt, "changes") {
			user := account.UserID("u" + id.Draw(rt, "id"))
			at := now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(rt, "ms")) * time.Millisecond)
			_, err := first.Upsert(t.Context(), 1, []account.Upsert{{ID: user, Nick: rapid.String().Draw(rt, "nick")}}, account.UpsertPolicy{Now: at, TombstoneBefore: account.AnyTombstone})
			must(rt, err)
			p := account.Patch{ID: user, Kicked: rapid.Int64Range(account.Unkicked, 3).Draw(rt, "kicked")}
			if rapid.Bool().Draw(rt, "profile") {
				p.Fields = []account.Field{{Tag: account.TagRole, Value: account.Value{Number: rapid.Uint64().Draw(rt, "role"), IsNumber: true}}, {Tag: account.TagLocation, Value: account.Value{Text: "x"}}}
			}
			_, err = first.Update(t.Context(), 1, []account.Patch{p}, account.ChangePolicy{Now: at})
			must(rt, err)
			if rapid.IntRange(0, 2).Draw(rt, "delete") == 0 {
				_, err = first.Delete(t.Context(), 1, []account.UserID{user}, account.ChangePolicy{Now: at})
				must(rt, err)
			}
		}
		disk := pebbleAt(t, filepath.Join(t.TempDir(), "store"))
		defer func() { _ = disk.Close() }()
		o := options(first, disk)
		o.Lanes = rapid.IntRange(1, 5).Draw(rt, "lanes")
		_, err := copying.Run(t.Context(), o)
		must(rt, err)
		back := new(mem.Store)
		_, err = copying.Run(t.Context(), options(disk, back))
		must(rt, err)
		c, err := copying.Compare(t.Context(), options(first, back))
		must(rt, err)
		if !c.Same() {
			rt.Fatalf("the copy of the copy differs: %s", c.First)
		}
	})
}

// A failing is a store whose writes fail from some write on, before or after it happens.
type failing struct {
	account.Engine
	account.Loader
	left    atomic.Int64
	written bool
	err     error
	then    func() // if it is not nil, it runs after the last of these writes, and none fails
	before  bool   // then runs before that write instead, as if the write arrived late
}

// Unwrap lets [account.Find] find the other optional contracts.
func (f *failing) Unwrap() account.Engine { return f.Engine }

func (f *failing) fail(write func() error) error {
	left := f.left.Add(-1)
	if f.then != nil && left == 0 {
		if f.before {
			f.then()
		} else {
			defer f.then()
		}
	}
	if f.then != nil || left >= 0 {
		return write()
	}
	if f.written {
		if err := write(); err != nil {
			return err
		}
	}
	return f.err
}

func (f *failing) LoadAccounts(ctx context.Context, app account.AppID, rows []account.Exported, ws []account.Write) error {
	return f.fail(func() error { return f.Loader.LoadAccounts(ctx, app, rows, ws) })
}

func (f *failing) LoadRecords(ctx context.Context, ws []account.Write, above account.Numbers) error {
	return f.fail(func() error { return f.Loader.LoadRecords(ctx, ws, above) })
}

func (f *failing) Commit(ctx context.Context, c account.Commit) (n uint64, err error) {
	err = f.fail(func() error {
		n, err = f.Engine.Commit(ctx, c)
		return err
	})
	return n, err
}

func failingOf(e account.Engine) *failing {
	l, _ := account.Find[account.Loader](e)
	return &failing{Engine: e, Loader: l, err: errors.New("injected")}
}

// TestResumed fails at every write of a copy, before or after it, and goes on each time with
// another number of lanes.
func TestResumed(t *testing.T) {
	first := new(mem.Store)
	const rows, batch = 600, 50
	fill(t, first, nil, rows)
	for _, written := range []bool{false, true} {
		to := new(mem.Store)
		resumed, runs := 0, 0
		for ; ; runs++ {
			f := failingOf(to)
			f.written = written
			f.left.Store(int64(2 + runs%5)) // the first write the mark and the name of the run
			o := options(first, f).InBatches(batch)
			o.Lanes = 1 + runs%4
			s, err := copying.Run(t.Context(), o)
			if s != nil && s.Resumed {
				resumed++
			}
			if err == nil {
				break
			}
			if runs > 1000 {
				t.Fatalf("the copy makes no progress: %v", err)
			}
			mark, markErr := records.UnfinishedCopy(t.Context(), to)
			if mark == nil && written && runs > 2 {
				break // the last write has happened
			}
			if markErr != nil || mark == nil {
				t.Fatalf("after run %d: the mark is %+v, %v", runs, mark, markErr)
			}
			if _, err := records.Open(t.Context(), to, filepath.Join(t.TempDir(), "keys")); err == nil || !strings.Contains(err.Error(), "unfinished copy of the source") {
				t.Fatalf("a server would serve the unfinished copy: %v", err)
			}
		}
		c, err := copying.Compare(t.Context(), options(first, to))
		if err != nil || !c.Same() || resumed < 5 {
			t.Errorf("after %d runs, %d of them resumed: %+v, %v", runs, resumed, c, err)
		}
		if _, err := records.Open(t.Context(), to, filepath.Join(t.TempDir(), "keys")); err != nil {
			t.Error(err)
		}
		page, err := to.Records(t.Context(), account.RecordQuery{Kind: 10, Limit: 5})
		if err != nil || len(page.Records) > 0 {
			t.Errorf("the copy leaves the records %+v, %v", page.Records, err)
		}
	}
}

// TestOtherKeys copies a shared store and seals its secrets with other keys. A server with
// these keys then starts on the copy.
func TestOtherKeys(t *testing.T) {
	dir := t.TempDir()
	first, to := new(mem.Store), new(mem.Store)
	from, err := records.OpenShared(t.Context(), first, filepath.Join(dir, "from.keys"))
	must(t, err)
	_, err = from.CreateApp(t.Context(), account.App{
		ID: 7, Edition: account.Pro, Created: now, Keys: []account.Key{{ID: "k1", Kind: account.HMACKey, Secret: "the secret", Created: now}},
	}, account.AuditEntry{Time: now, Action: "app.create", App: 7})
	must(t, err)
	o := options(first, to)
	o.FromKeys, err = seal.ReadRing(filepath.Join(dir, "from.keys"))
	must(t, err)
	o.ToKeys, err = seal.CreateRing(filepath.Join(dir, "to.keys"))
	must(t, err)
	_, err = copying.Run(t.Context(), o)
	must(t, err)
	if c, err := copying.Compare(t.Context(), o); err != nil || !c.Same() {
		t.Errorf("the copy differs: %+v, %v", c, err)
	}
	r, err := records.OpenShared(t.Context(), to, filepath.Join(dir, "to.keys"))
	must(t, err)
	o.FromKeys, o.ToKeys, o.To = o.ToKeys, nil, new(mem.Store)
	if _, err := copying.Run(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), `the secret of key "k1" of app 7 cannot be opened`) {
		t.Errorf("with other keys than those of the source: %v", err)
	}
	app, err := r.App(t.Context(), 7)
	if err != nil || app.Keys[0].Secret != "the secret" {
		t.Errorf("the app of the copy is %+v, %v", app, err)
	}
	if _, err := records.OpenShared(t.Context(), to, filepath.Join(dir, "from.keys")); err == nil {
		t.Error("a server with the keys of the source starts on the copy")
	}
}

// TestUsedDestination checks that a store which a server has used is not empty, even without
// an app.
func TestUsedDestination(t *testing.T) {
	to := new(mem.Store)
	_, err := records.OpenShared(t.Context(), to, filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	if _, err := copying.Run(t.Context(), options(new(mem.Store), to)); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("Run = %v", err)
	}
}

// TestOvertaken runs the same copy as a whole, and then a server, after each write of a run or
// before the write arrives. The earlier run then writes nothing more.
func TestOvertaken(t *testing.T) {
	const enough = 1 << 20
	first := new(mem.Store)
	fill(t, first, nil, 600)
	run := func(f *failing, lanes int) error {
		o := options(first, f).InBatches(150)
		o.Lanes = lanes
		_, err := copying.Run(t.Context(), o)
		return err
	}
	for before, lanes := range map[bool]int{false: 1, true: 3} {
		count := failingOf(new(mem.Store))
		count.left.Store(enough)
		must(t, run(count, lanes))
		writes := enough - count.left.Load()
		for at := int64(1); at < writes; at++ {
			to := new(mem.Store)
			f := failingOf(to)
			f.left.Store(at)
			f.before = before
			f.then = func() { overtake(t, first, to) }
			err := run(f, lanes)
			if _, ok := errors.AsType[*copying.Refusal](err); !ok || !strings.Contains(err.Error(), "has begun after this one") && !(before && at == 1) {
				t.Errorf("before %v: the earlier run, from write %d of %d on: %v", before, at, writes, err)
			}
			checkServed(t, to, fmt.Sprintf("before %v, from write %d on", before, at))
		}
	}
}

// served is the app that overtake changes.
const served account.AppID = 1400000001

// overtake copies a store, and then changes the copy as a server does.
func overtake(t *testing.T, first, to account.Engine) {
	_, err := copying.Run(t.Context(), options(first, to))
	must(t, err)
	for _, id := range []account.UserID{"user-000001", "user-000500"} {
		codes, err := to.Update(t.Context(), served, []account.Patch{{ID: id, Kicked: 99}}, account.ChangePolicy{Now: now})
		if must(t, err); codes[0] != account.OK {
			t.Errorf("the kick of %s: %v", id, codes)
		}
	}
	codes, err := to.Delete(t.Context(), served, []account.UserID{"user-000010"}, account.ChangePolicy{Now: now})
	if must(t, err); codes[0] != account.OK {
		t.Errorf("the deletion: %v", codes)
	}
	_, err = to.Commit(t.Context(), account.Commit{Writes: []account.Write{{Kind: 2, Key: "token", If: account.AnyVersion}}})
	must(t, err)
	_, err = records.New(to, nil).UpdateApp(t.Context(), served, func(a account.App) (account.App, error) {
		a.Admins = []account.UserID{"user-000020"}
		return a, nil
	}, account.AuditEntry{Time: now, Action: "app.update", App: served})
	must(t, err)
}

// checkServed checks that a store contains the changes of overtake.
func checkServed(t *testing.T, to account.Engine, when string) {
	t.Helper()
	status, err := to.Status(t.Context(), served, []account.UserID{"user-000001", "user-000500", "user-000010"})
	must(t, err)
	if status[0].Kicked != 99 || status[1].Kicked != 99 || status[2].InternalID != 0 {
		t.Errorf("%s: the accounts are %+v", when, status)
	}
	if _, err := to.Record(t.Context(), 2, "token"); account.CodeOf(err) != account.NoRecord {
		t.Errorf("%s: the token that was removed: %v", when, err)
	}
	if a, err := records.New(to, nil).App(t.Context(), served); err != nil || len(a.Admins) != 1 {
		t.Errorf("%s: the app is %+v, %v", when, a, err)
	}
	codes, err := to.Delete(t.Context(), served, []account.UserID{"user-000020", "boss"}, account.ChangePolicy{Now: now})
	if must(t, err); codes[0] != account.AdminProtected || codes[1] != account.OK {
		t.Errorf("%s: the deletion of the admins of the server and of the copy: %v", when, codes)
	}
	page, err := to.Records(t.Context(), account.RecordQuery{Kind: 10, Limit: 5})
	if err != nil || len(page.Records) > 0 {
		t.Errorf("%s: the copy leaves the records %+v, %v", when, page.Records, err)
	}
}

// An away is a store that is unavailable at every hundredth read.
type away struct {
	account.Engine
	reads atomic.Int64
}

func (a *away) Unwrap() account.Engine { return a.Engine }

func (a *away) err() error {
	if n := a.reads.Add(1); n > 0 && n%100 == 0 {
		return &account.Error{Code: account.Unavailable}
	}
	return nil
}

func (a *away) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	if err := a.err(); err != nil {
		return account.RecordPage{}, err
	}
	return a.Engine.Records(ctx, q)
}

func (a *away) Count(ctx context.Context, app account.AppID) (int64, error) {
	if err := a.err(); err != nil {
		return 0, err
	}
	return a.Engine.Count(ctx, app)
}

// TestAway copies between stores that are away for moments, also while they are compared.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := new(mem.Store)
		fill(t, first, nil, 600)
		from, to := &away{Engine: first}, &away{Engine: new(mem.Store)}
		to.reads.Store(-2 * 256) // after it was found empty, twice
		if _, err := copying.Run(t.Context(), options(from, to)); err != nil {
			t.Fatal(err)
		}
		if from.reads.Load() < 300 || to.reads.Load() < 200 {
			t.Errorf("%d and %d reads are too few for a test", from.reads.Load(), to.reads.Load())
		}
	})
}
