package directory_test

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
)

// kinds contains all kinds of events.
var kinds = []account.EventKind{
	account.EventImported, account.EventChanged, account.EventDeleted, account.EventKicked, account.EventUnkicked, account.EventState,
	account.EventAppCreated, account.EventAppChanged, account.EventAppDeleted,
}

var addrs = cmpopts.EquateComparable(netip.Addr{})

// A listener is a directory and the events that its sinks have received.
type listener struct {
	*bench
	heard []account.Event
}

// newListener returns a directory whose outbox keeps the events of appID.
func newListener(t *testing.T) *listener {
	engine := checked.New(new(mem.Store))
	e := &listener{bench: &bench{T: t, now: time.Date(2026, 5, 6, 7, 8, 9, 123_456_789, time.UTC), registry: records.New(engine, nil)}}
	e.dir = directory.New(directory.Options{
		Engine: engine, Records: e.registry, AllowTestApps: true,
		Clock:  func(account.AppID) time.Time { return e.now },
		Outbox: func(app account.AppID, _ account.EventKind) bool { return app == appID },
	})
	for _, kind := range kinds {
		e.dir.Listen(kind, func(ev account.Event) { e.heard = append(e.heard, ev) })
	}
	return e
}

// news returns the events since the last call, and checks that the outbox contains the
// same events.
func (e *listener) news() []account.Event {
	e.Helper()
	heard := e.heard
	e.heard = nil
	pending, err := e.registry.Pending(e.Context(), appID, account.MaxListLimit)
	if err != nil {
		e.Fatal(err)
	}
	var kept []account.Event
	for _, p := range pending {
		kept = append(kept, p.Event)
		if err := e.registry.RemovePending(e.Context(), p.Key); err != nil {
			e.Fatal(err)
		}
	}
	if diff := cmp.Diff(heard, kept, addrs); diff != "" {
		e.Errorf("events of the sinks (-) and of the outbox (+) differ:\n%s", diff)
	}
	return heard
}

func text(tag account.Tag, text string) account.Field {
	return account.Field{Tag: tag, Value: account.Value{Text: text}}
}

// silent contains the methods of a Directory that change no account and no app.
var silent = strings.Fields(`Account App Apps Audit Authenticate CanReplace Check CheckInto CheckProfile Commands Copyable Count DeleteSnapshot Devices Entry Export
	KeepSessions List ListDevices Listen ListenIn MayFalsify Mute Now Presence PresenceInto Profiles Ready Record Reports Reseal Robots RunSessions SetMute Snapshot Snapshots StatesInto SweepMutes
	Watermark
	EndNodes KickedNow Node RunNode
	CreateToken DeleteToken DropToken AdoptToken Tokens StartSession Session EndSession Tombstone`)

// TestEvents calls each method that changes accounts or an app. Items that fail are not in
// the event.
func TestEvents(t *testing.T) {
	e := newListener(t)
	ctx := t.Context()
	var err error
	at := func(kind account.EventKind, items ...account.EventItem) []account.Event {
		ev := account.Event{App: appID, Time: account.Millis(e.now), Kind: kind, Items: items}
		if kind == account.EventImported || kind == account.EventChanged {
			ev.Operator = account.Administrator
		}
		return []account.Event{ev}
	}
	of := func(kind account.EventKind, action string) []account.Event {
		return []account.Event{{App: appID, Time: account.Millis(e.now), Kind: kind, Action: action}}
	}
	ids := func(ids ...account.UserID) (items []account.EventItem) {
		for _, id := range ids {
			items = append(items, account.EventItem{ID: id})
		}
		return items
	}
	// Login sessions. The times of the events of an account rise.
	var in session.LoggedIn
	change := func(after int64, action account.StateAction, reason account.StateReason, status string) account.StateChange {
		return account.StateChange{At: e.now.UnixMilli() + after, Action: action, Reason: reason, Platform: account.Web, Status: status}
	}
	login := func(after int64) account.StateChange {
		return change(after, account.StateLogin, account.ReasonRegister, "")
	}
	logout := func(after int64) account.StateChange {
		return change(after, account.StateLogout, account.ReasonUnregister, "")
	}
	android, newLogout := login(0), logout(1)
	android.Platform, newLogout.Platform = account.Android, account.Android
	state := func(id account.UserID, c account.StateChange) account.EventItem {
		return account.EventItem{ID: id, State: &c}
	}

	secret := account.Key{Kind: account.HMACKey, Secret: "first"}
	later := account.Key{Kind: account.HMACKey, Secret: "second"}
	called := map[string]bool{}
	for _, step := range []struct {
		method string
		call   func()
		want   []account.Event
	}{
		{"CreateApp", func() {
			e.app, err = e.dir.CreateApp(ctx, "test", account.App{ID: appID, Edition: account.Development})
		}, of(account.EventAppCreated, "app.create")},
		{"CreateApp", func() {
			_, _ = e.dir.CreateApp(ctx, "test", account.App{ID: appID, Edition: account.Development})
		}, nil},
		{"Import", func() {
			e.imports(account.Upsert{ID: "a", Nick: "A", FaceURL: "u"}, account.Upsert{ID: "@bad"}, account.Upsert{ID: "b"}, account.Upsert{ID: "a"})
		}, at(account.EventImported,
			account.EventItem{ID: "a", Created: true, Fields: []account.Field{text(account.TagNick, "A"), text(account.TagImage, "u")}},
			account.EventItem{ID: "b", Created: true}, account.EventItem{ID: "a"})},
		{"ImportInto", func() {
			_, err = e.dir.ImportInto(ctx, e.app, []account.Upsert{{ID: "c"}}, nil)
		}, at(account.EventImported, account.EventItem{ID: "c", Created: true})},
		{"Import", func() { e.imports(account.Upsert{ID: "@bad"}) }, nil},
		{"Load", func() {
			_, err = e.dir.Load(ctx, e.app, []account.Upsert{{ID: "@bad"}, {ID: "c"}}, func([]directory.LoadResult) []account.Write { return nil })
		}, at(account.EventImported, account.EventItem{ID: "c"})},
		{"LoadProfiles", func() {
			level := []account.Field{{Tag: account.TagLevel, Value: account.Value{Number: 7, IsNumber: true}}}
			_, err = e.dir.LoadProfiles(ctx, e.app, []account.Patch{{ID: "c", Fields: level}, {ID: "nobody", Fields: level}}, func([]account.Code) []account.Write { return nil })
		}, at(account.EventImported, account.EventItem{ID: "c", Fields: []account.Field{{Tag: account.TagLevel, Value: account.Value{Number: 7, IsNumber: true}}}})},
		{"ImportDeleted", func() {
			_, err = e.dir.ImportDeleted(ctx, e.app, []account.Upsert{{ID: "c", Nick: "C"}})
		}, at(account.EventImported, account.EventItem{ID: "c", Fields: []account.Field{text(account.TagNick, "C")}})},
		{"SetProfile", func() {
			err = e.dir.SetProfile(ctx, e.app, "a", []directory.Change{{Tag: account.TagNick}, {Tag: account.TagLevel, Value: account.Value{Number: 7, IsNumber: true}}})
		}, at(account.EventChanged, account.EventItem{ID: "a", Fields: []account.Field{
			{Tag: account.TagNick}, {Tag: account.TagLevel, Value: account.Value{Number: 7, IsNumber: true}},
		}})},
		{"SetProfile", func() { _ = e.dir.SetProfile(ctx, e.app, "nobody", []directory.Change{{Tag: account.TagNick}}) }, nil},
		{"Kick", func() { err = e.dir.Kick(ctx, e.app, "a") }, at(account.EventKicked, ids("a")...)},
		{"Kick", func() { _ = e.dir.Kick(ctx, e.app, "nobody") }, nil},
		{"Unkick", func() { err = e.dir.Unkick(ctx, "test", appID, "a") }, at(account.EventUnkicked, ids("a")...)},
		{"AddAccount", func() {
			err = e.dir.AddAccount(ctx, "test", appID, "d", []directory.Change{{Tag: account.TagNick, Value: account.Value{Text: "D"}}})
		}, append(at(account.EventImported, account.EventItem{ID: "d", Created: true}),
			at(account.EventChanged, account.EventItem{ID: "d", Fields: []account.Field{text(account.TagNick, "D")}})...)},
		{"AddAccount", func() { _ = e.dir.AddAccount(ctx, "test", appID, "@bad", nil) }, nil},
		{"ChangeAccount", func() {
			err = e.dir.ChangeAccount(ctx, "test", appID, "d", []directory.Change{{Tag: account.TagLevel, Clear: true}})
		}, at(account.EventChanged, account.EventItem{ID: "d", Fields: []account.Field{{Tag: account.TagLevel}}})},
		{"KickAccount", func() { err = e.dir.KickAccount(ctx, "test", appID, "d") }, at(account.EventKicked, ids("d")...)},
		{"Login", func() {
			in, err = e.dir.Login(ctx, appID, "d", session.Login{Platform: account.Web})
		}, at(account.EventState, state("d", login(0)))},
		{"Login", func() { // registers the account
			_, err = e.dir.Login(ctx, appID, "new", session.Login{Platform: account.Android})
		}, append(at(account.EventImported, account.EventItem{ID: "new", Created: true}), at(account.EventState, state("new", android))...)},
		{"ChangeDevices", func() {
			err = e.dir.ChangeDevices(ctx, appID, "d", func(ctx context.Context, s *session.Sessions, at session.Target) error {
				return s.SetStatus(ctx, at, "busy")
			})
		}, at(account.EventState, state("d", change(1, account.StateCustom, account.ReasonCustom, "busy")))},
		{"ReportDevices", func() {
			_, err = e.dir.ReportDevices(ctx, appID, []session.Report{{User: "d", Login: session.Login{Platform: account.Web, Instance: "x"}}})
		}, nil}, // the end of a link that is not known
		{"EndDevice", func() { _ = e.dir.EndDevice(ctx, "test", appID, "d", 1) }, nil},
		{"EndDevice", func() { err = e.dir.EndDevice(ctx, "test", appID, "d", in.Device.ID) }, at(account.EventState, state("d", logout(2)))},
		{"Login", func() { _, err = e.dir.Login(ctx, appID, "d", session.Login{Platform: account.Web}) }, at(account.EventState, state("d", login(3)))},
		{"Kick", func() { err = e.dir.Kick(ctx, e.app, "d") }, append(at(account.EventKicked, ids("d")...), at(account.EventState, state("d", logout(4)))...)},
		{"Relogin", func() { _, err = e.dir.Relogin(ctx, appID, "d", 9, session.Login{Platform: account.Web}) }, at(account.EventState, state("d", login(5)))},
		{"DeleteAccounts", func() {
			_, err = e.dir.DeleteAccounts(ctx, "test", appID, []account.UserID{"d", "nobody"})
		}, append(at(account.EventDeleted, ids("d")...), at(account.EventState, state("d", logout(6)))...)},
		{"DeleteAccounts", func() {
			_, err = e.dir.DeleteAccounts(ctx, "test", appID, []account.UserID{"new"})
		}, append(at(account.EventDeleted, ids("new")...), at(account.EventState, state("new", newLogout))...)},
		{"Import", func() { e.imports(account.Upsert{ID: "d"}) }, at(account.EventImported, account.EventItem{ID: "d", Created: true})},
		{"DeleteAccounts", func() {
			_, err = e.dir.DeleteAccounts(ctx, "test", appID, []account.UserID{"d", "nobody"})
		}, at(account.EventDeleted, ids("d")...)},
		{"Delete", func() { e.deletes("a", "nobody", "administrator", "b", "c") }, at(account.EventDeleted, ids("a", "b", "c")...)},
		{"Delete", func() { e.deletes("a", "administrator") }, nil},
		{"CreateRobot", func() {
			err = e.dir.CreateRobot(ctx, e.app, "@RBT#1", []directory.Change{{Tag: account.TagNick, Value: account.Value{Text: "R"}}})
		}, at(account.EventImported, account.EventItem{ID: "@RBT#1", Created: true, Fields: []account.Field{text(account.TagNick, "R")}})},
		{"CreateRobot", func() { err = e.dir.CreateRobot(ctx, e.app, "@RBT#1", nil) }, at(account.EventImported, ids("@RBT#1")...)},
		{"CreateRobot", func() { _ = e.dir.CreateRobot(ctx, e.app, "bad", nil) }, nil},
		{"SetProfile", func() {
			err = e.dir.SetProfile(ctx, e.app, "@RBT#1", []directory.Change{{Tag: account.TagNick}})
		}, at(account.EventChanged, account.EventItem{ID: "@RBT#1", Fields: []account.Field{{Tag: account.TagNick}}})},
		{"DeleteRobot", func() { err = e.dir.DeleteRobot(ctx, e.app, "@RBT#1") }, at(account.EventDeleted, ids("@RBT#1")...)},
		{"DeleteRobot", func() { _ = e.dir.DeleteRobot(ctx, e.app, "@RBT#1") }, nil},
		{"AddKey", func() { _, err = e.dir.AddKey(ctx, "test", appID, secret) }, of(account.EventAppChanged, "key.add")},
		{"AddKey", func() { _, _ = e.dir.AddKey(ctx, "test", appID, secret) }, nil},
		{"AddConfiguredKey", func() { _, err = e.dir.AddConfiguredKey(ctx, "test", appID, later, "file-") }, of(account.EventAppChanged, "key.add")},
		{"AddConfiguredKey", func() { _, err = e.dir.AddConfiguredKey(ctx, "test", appID, later, "file-") }, nil},
		{"EnsureApp", func() { _, err = e.dir.EnsureApp(ctx, "test", account.App{ID: appID, Edition: account.Development}) }, nil},
		{"RetireKey", func() { _, err = e.dir.RetireKey(ctx, "test", appID, "1", time.Time{}) }, of(account.EventAppChanged, "key.retire")},
		{"AddAdmin", func() { _, err = e.dir.AddAdmin(ctx, "test", appID, "boss") }, of(account.EventAppChanged, "admin.add")},
		{"RemoveAdmin", func() { _, err = e.dir.RemoveAdmin(ctx, "test", appID, account.Administrator) }, of(account.EventAppChanged, "admin.remove")},
		{"ChangeApp", func() {
			_, err = e.dir.ChangeApp(ctx, "test", directory.AppChange{App: appID, Action: "app.change", Apply: func(*account.App) error { return nil }})
		}, of(account.EventAppChanged, "app.change")},
		{"DeleteApp", func() { _ = e.dir.DeleteApp(ctx, "test", appID) }, nil}, // administrator is no longer an admin
		{"Delete", func() { e.deletes(account.Administrator) }, at(account.EventDeleted, ids(account.Administrator)...)},
		{"DeleteApp", func() { err = e.dir.DeleteApp(ctx, "test", appID) }, of(account.EventAppDeleted, "app.delete")},
		{"CreateApp", func() {
			_, err = e.dir.CreateApp(ctx, "test", account.App{ID: appID, Edition: account.Development, Test: true, Expires: e.now.Add(time.Millisecond)})
		}, of(account.EventAppCreated, "app.create")},
		{"ChangeClock", func() {
			_, err = e.dir.ChangeClock(ctx, "test", appID, directory.ClockChange{Advance: time.Hour})
		}, of(account.EventAppChanged, "clock.change")},
		{"ResetClock", func() { _, err = e.dir.ResetClock(ctx, "test", appID) }, of(account.EventAppChanged, "clock.reset")},
		{"TakeSnapshot", func() { _, err = e.dir.TakeSnapshot(ctx, "test", appID, "s") }, nil}, // changes no account
		{"Reset", func() { _, err = e.dir.Reset(ctx, "test", appID) }, of(account.EventAppChanged, "app.reset")},
		{"RestoreSnapshot", func() { _, err = e.dir.RestoreSnapshot(ctx, "test", appID, "s") }, of(account.EventAppChanged, "snapshot.restore")},
		{"RestoreSnapshot", func() { _, _ = e.dir.RestoreSnapshot(ctx, "test", appID, "t") }, nil},
		{"RemoveExpired", func() { _, err = e.dir.RemoveExpired(ctx) }, nil},
		{"RemoveExpired", func() {
			e.now = e.now.Add(time.Millisecond)
			_, err = e.dir.RemoveExpired(ctx)
		}, []account.Event{{App: appID, Time: account.Millis(e.now.Add(time.Millisecond)), Kind: account.EventAppDeleted, Action: "app.expire"}}},
	} {
		called[step.method] = true
		if step.call(); err != nil {
			t.Fatalf("%s: %v", step.method, err)
		}
		if diff := cmp.Diff(step.want, e.news(), addrs); diff != "" {
			t.Errorf("%s: events (-want +got):\n%s", step.method, diff)
		}
	}
	for m := range reflect.TypeFor[*directory.Directory]().Methods() {
		if called[m.Name] == slices.Contains(silent, m.Name) {
			t.Errorf("%s: add it to the steps if it changes accounts or an app, otherwise to silent", m.Name)
		}
	}
}

// TestEventsOfOthers checks that the outbox keeps no events of other apps.
func TestEventsOfOthers(t *testing.T) {
	e := newListener(t)
	app, err := e.dir.CreateApp(t.Context(), "test", account.App{ID: appID + 1, Edition: account.Development})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.dir.Import(t.Context(), app, []account.Upsert{{ID: "a"}}); err != nil {
		t.Fatal(err)
	}
	pending, err := e.registry.Pending(t.Context(), 0, 10)
	if err != nil || len(pending) > 0 || len(e.heard) != 2 {
		t.Errorf("%d events in the outbox, %d heard, %v; want 0 and 2", len(pending), len(e.heard), err)
	}
}

// TestOperator checks that events of profiles name the caller, and copy its id.
func TestOperator(t *testing.T) {
	e := newListener(t)
	app, err := e.dir.CreateApp(t.Context(), "test", account.App{ID: appID, Edition: account.Development})
	if err != nil {
		t.Fatal(err)
	}
	query, from := []byte("boss"), netip.MustParseAddr("192.0.2.7")
	ctx := directory.WithOperator(t.Context(), account.UserID(unsafe.String(&query[0], len(query))), from)
	if _, err := e.dir.Import(ctx, app, []account.Upsert{{ID: "a"}}); err != nil {
		t.Fatal(err)
	}
	if err := e.dir.SetProfile(ctx, app, "a", []directory.Change{{Tag: account.TagNick}}); err != nil {
		t.Fatal(err)
	}
	copy(query, "----")
	if err := e.dir.Kick(ctx, app, "a"); err != nil {
		t.Fatal(err)
	}
	heard := e.heard[1:] // after that of the app
	for i, want := range []account.UserID{"boss", "boss", ""} {
		if heard[i].Operator != want || (want != "") != (heard[i].Address == from) {
			t.Errorf("%s: operator %q at %v, want %q", heard[i].Kind, heard[i].Operator, heard[i].Address, want)
		}
	}
}

// TestListenIn checks that a sink receives the events of its apps alone.
func TestListenIn(t *testing.T) {
	e := newListener(t)
	var heard []account.AppID
	in := func(app account.AppID) bool { return app == appID }
	quiet := directory.New(directory.Options{Engine: checked.New(new(mem.Store))})
	quiet.ListenIn(account.EventImported, in, func(ev account.Event) { heard = append(heard, ev.App) })
	for _, id := range []account.AppID{appID, appID + 1} {
		app, err := quiet.CreateApp(t.Context(), "test", account.App{ID: id, Edition: account.Development})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := quiet.Import(t.Context(), app, []account.Upsert{{ID: "a"}}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(heard, []account.AppID{appID}) {
		t.Errorf("heard %v", heard)
	}
	if !quiet.Reports(appID, account.EventImported) || quiet.Reports(appID+1, account.EventImported) || quiet.Reports(appID, account.EventKicked) {
		t.Error("Reports does not tell who hears what")
	}
	if !e.dir.Reports(appID, account.EventKicked) {
		t.Error("Reports does not tell of the outbox")
	}
}

// TestEventsOwnTheirMemory overwrites the arguments of an import after it has returned.
func TestEventsOwnTheirMemory(t *testing.T) {
	e := newListener(t)
	app, err := e.dir.CreateApp(t.Context(), "test", account.App{ID: appID, Edition: account.Development})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("anick")
	item := account.Upsert{ID: account.UserID(unsafe.String(&body[0], 1)), Nick: unsafe.String(&body[1], 4)}
	if _, err := e.dir.Import(t.Context(), app, []account.Upsert{item}); err != nil {
		t.Fatal(err)
	}
	copy(body, "-----")
	if got := e.heard[1].Items[0]; got.ID != "a" || got.Fields[0].Value.Text != "nick" {
		t.Errorf("the event contains %+v", got)
	}
}

// A mute engine changes nothing and allocates nothing.
type mute struct {
	account.Engine
	upserted []account.UpsertResult
	codes    []account.Code
}

func (m mute) Upsert(context.Context, account.AppID, []account.Upsert, account.UpsertPolicy) ([]account.UpsertResult, error) {
	return m.upserted, nil
}

func (m mute) Update(context.Context, account.AppID, []account.Patch, account.ChangePolicy) ([]account.Code, error) {
	return m.codes[:1], nil
}

func (m mute) Delete(context.Context, account.AppID, []account.UserID, account.ChangePolicy) ([]account.Code, error) {
	return m.codes, nil
}

// TestEventsCostNothing counts the allocations of calls whose events have no listener.
func TestEventsCostNothing(t *testing.T) {
	const n = 100
	e := mute{new(mem.Store), slices.Repeat([]account.UpsertResult{{Code: account.OK, InternalID: 1}}, n), slices.Repeat([]account.Code{account.OK}, n)}
	items, ids := make([]account.Upsert, n), make([]account.UserID, n)
	for i := range n {
		ids[i] = account.UserID(fmt.Sprint("u", i))
		items[i].ID = ids[i]
	}
	results := make([]directory.Result, n)
	app := &account.App{ID: appID, Edition: account.Development}
	quiet := directory.New(directory.Options{Engine: e, Outbox: func(account.AppID, account.EventKind) bool { return false }})
	for name, tt := range map[string]struct {
		call func() error
		most float64
	}{
		"import": {func() error {
			_, err := quiet.ImportInto(t.Context(), app, items, results)
			return err
		}, 0},
		"kick":   {func() error { return quiet.Kick(t.Context(), app, "a") }, 1},                  // the patches
		"delete": {func() error { _, err := quiet.Delete(t.Context(), app, ids); return err }, 9}, // results, and the ids that may be deleted
	} {
		got := testing.AllocsPerRun(100, func() {
			if err := tt.call(); err != nil {
				t.Error(err)
			}
		})
		if got > tt.most {
			t.Errorf("%s: %v allocations, want %v", name, got, tt.most)
		}
	}
}
