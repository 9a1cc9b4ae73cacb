package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

// newTestBench returns a bench whose app is a test app of a paid edition, on a server that
// allows test apps.
func newTestBench(t *testing.T, engine account.Engine) *bench {
	b := &bench{T: t, registry: records.New(engine, nil), now: time.Date(2026, 5, 6, 7, 8, 9, 123_456_789, time.UTC)}
	b.dir = b.directory(engine, true)
	const key = "a secret key of the app"
	testutil.Secret(t, key)
	var err error
	b.app, err = b.dir.CreateApp(t.Context(), "test", account.App{
		ID: appID, Edition: account.Standard, Test: true, Settings: account.Settings{AllowDelete: true},
		Keys: []account.Key{{Kind: account.HMACKey, Secret: key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) directory(engine account.Engine, testApps bool) *directory.Directory {
	return directory.New(directory.Options{
		Engine: engine, Records: b.registry, AllowTestApps: testApps, Logger: testutil.Logger(b.T),
		Clock: func(account.AppID) time.Time { return b.now },
	})
}

func (b *bench) changeClock(c directory.ClockChange) {
	b.Helper()
	if _, err := b.dir.ChangeClock(b.Context(), "test", appID, c); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) shows(want time.Time) {
	b.Helper()
	if got := b.dir.Now(appID); !got.Equal(want) {
		b.Errorf("the clock shows %v, want %v", got, want)
	}
}

func (b *bench) internalID(id account.UserID) uint64 {
	b.Helper()
	a, err := b.dir.Account(b.Context(), appID, id)
	if err != nil {
		b.Fatal(err)
	}
	return a.InternalID
}

// TestClock sets, advances, freezes and resets the clock of an app.
func TestClock(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	real := b.now
	b.changeClock(directory.ClockChange{Advance: 90 * 24 * time.Hour})
	b.shows(real.Add(90 * 24 * time.Hour))
	b.now = b.now.Add(time.Minute)
	b.shows(real.Add(90*24*time.Hour + time.Minute))

	at := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	b.changeClock(directory.ClockChange{Set: at, Advance: time.Hour, Frozen: new(true)})
	b.now = b.now.Add(time.Hour)
	b.shows(at.Add(time.Hour))
	b.changeClock(directory.ClockChange{Advance: -2 * time.Hour})
	b.now = b.now.Add(time.Hour)
	b.shows(at.Add(-time.Hour))
	b.changeClock(directory.ClockChange{Frozen: new(false)})
	b.now = b.now.Add(time.Second)
	b.shows(at.Add(-time.Hour + time.Second))

	if got := b.dir.Now(0); !got.Equal(b.now) {
		t.Errorf("the time of no app is %v, want %v", got, b.now)
	}
	if _, err := b.dir.ResetClock(t.Context(), "test", appID); err != nil {
		t.Fatal(err)
	}
	b.shows(b.now)
	trail, err := b.dir.Audit(t.Context(), account.AuditQuery{App: appID, Limit: 3})
	if err != nil || trail[0].Action != "clock.reset" || !trail[0].Time.Equal(account.Millis(b.now)) ||
		trail[1].Detail != "running" || trail[2].Detail != "advanced by -2h0m0s" {
		t.Errorf("audit trail %+v, %v", trail, err)
	}
}

// TestClockLimits changes the clock to times outside its limits.
func TestClockLimits(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	for _, c := range []directory.ClockChange{
		{Set: account.MaxAppTime.Add(time.Second)},
		{Set: account.MinAppTime.Add(-time.Second)},
		{Set: account.MaxAppTime, Advance: time.Second, Frozen: new(true)},
		{Advance: 200 * 365 * 24 * time.Hour},
		{Advance: -1 << 63},
	} {
		if _, err := b.dir.ChangeClock(t.Context(), "test", appID, c); account.CodeOf(err) != account.BadParameter {
			t.Errorf("%+v: %v, want Code bad parameter", c, err)
		}
	}
	b.shows(b.now)
	for _, at := range []time.Time{account.MinAppTime, account.MaxAppTime} {
		b.changeClock(directory.ClockChange{Set: at})
		b.shows(at)
	}
}

// TestThreeMonths checks that the ban of a deleted id ends with the app's own time.
func TestThreeMonths(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	const ban = account.DefaultTombstoneDays * 24 * time.Hour
	alice := account.Upsert{ID: "alice"}
	wantCodes(t, b.imports(alice), account.OK)
	first := b.internalID("alice")
	wantCodes(t, b.deletes("alice"), account.OK)
	wantCodes(t, b.imports(alice), account.Tombstoned)
	b.changeClock(directory.ClockChange{Advance: ban - time.Second})
	wantCodes(t, b.imports(alice), account.Tombstoned)
	b.changeClock(directory.ClockChange{Advance: time.Second})
	wantCodes(t, b.imports(alice), account.OK)
	if again := b.internalID("alice"); again <= first {
		t.Errorf("the new account has the internal id %d, the old one had %d", again, first)
	}
}

// TestOnlyTestApps uses the kit on an app that is no test app, and on a server that allows
// none.
func TestOnlyTestApps(t *testing.T) {
	engine := checked.New(new(mem.Store))
	b := newTestBench(t, engine)
	b.changeClock(directory.ClockChange{Advance: time.Hour})
	calls := map[string]func(*directory.Directory) error{
		"clock": func(d *directory.Directory) error {
			_, err := d.ChangeClock(t.Context(), "test", appID, directory.ClockChange{Advance: 1})
			return err
		},
		"clock reset": func(d *directory.Directory) error { _, err := d.ResetClock(t.Context(), "test", appID); return err },
		"reset":       func(d *directory.Directory) error { _, err := d.Reset(t.Context(), "test", appID); return err },
		"snapshot": func(d *directory.Directory) error {
			_, err := d.TakeSnapshot(t.Context(), "test", appID, "s")
			return err
		},
		"snapshots": func(d *directory.Directory) error { _, err := d.Snapshots(t.Context(), appID); return err },
	}
	refused := func(d *directory.Directory, remedy string) {
		t.Helper()
		for name, call := range calls {
			if err := call(d); account.CodeOf(err) != account.InvalidApp || !strings.Contains(account.DetailOf(err), remedy) {
				t.Errorf("%s: %v, want Code invalid app and %q", name, err, remedy)
			}
		}
	}
	other := b.directory(engine, false)
	refused(other, "--allow-test-apps")
	if got := other.Now(appID); !got.Equal(b.now) {
		t.Errorf("a server without test apps shows %v, want real time", got)
	}
	end := directory.AppChange{App: appID, Action: "app.change", Apply: func(a *account.App) error { a.EndTest(); return nil }}
	if _, err := b.dir.ChangeApp(t.Context(), "test", end); err != nil {
		t.Fatal(err)
	}
	b.shows(b.now)
	refused(b.dir, "create another app")
	set := directory.AppChange{App: appID, Action: "app.change", Apply: func(a *account.App) error { a.Clock.Offset = 1; return nil }}
	if _, err := b.dir.ChangeApp(t.Context(), "test", set); account.CodeOf(err) != account.InvalidApp {
		t.Errorf("a clock on a usual app: %v", err)
	}
}

// TestReset removes everything but the record of the app.
func TestReset(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	wantCodes(t, b.imports(account.Upsert{ID: "alice"}, account.Upsert{ID: "bob"}), account.OK, account.OK)
	if err := b.dir.Kick(t.Context(), b.app, "bob"); err != nil {
		t.Fatal(err)
	}
	wantCodes(t, b.deletes("alice"), account.OK)
	b.changeClock(directory.ClockChange{Advance: time.Hour})
	app, err := b.dir.Reset(t.Context(), "test", appID)
	if err != nil {
		t.Fatal(err)
	}
	b.shows(b.now)
	if len(app.Keys) != 1 || !app.Settings.AllowDelete {
		t.Errorf("the app after the reset: %+v", app)
	}
	if n, err := b.dir.Count(t.Context(), appID); err != nil || n != 1 {
		t.Errorf("%d accounts, %v; want that of the admin", n, err)
	}
	wantCodes(t, b.imports(account.Upsert{ID: "alice"}, account.Upsert{ID: "bob"}), account.OK, account.OK)
	if kicked, err := b.dir.Watermark(t.Context(), b.app, "bob"); err != nil || kicked != 0 {
		t.Errorf("watermark %d, %v; want none", kicked, err)
	}
}

// A crowd is an engine that reports more accounts than a commit can replace, until some
// are deleted.
type crowd struct {
	account.Engine
	deleted int
}

func (c *crowd) Unwrap() account.Engine { return c.Engine }

func (c *crowd) Count(ctx context.Context, app account.AppID) (int64, error) {
	n, err := c.Engine.Count(ctx, app)
	if n > 3 {
		n += account.MaxReplaced
	}
	return n, err
}

func (c *crowd) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	c.deleted += len(ids)
	return c.Engine.Delete(ctx, app, ids, p)
}

// TestResetLarge resets an app with more accounts than a commit can replace.
func TestResetLarge(t *testing.T) {
	c := &crowd{Engine: new(mem.Store)}
	b := newTestBench(t, c)
	for i := range 2 * account.MaxListLimit {
		wantCodes(t, b.imports(account.Upsert{ID: account.UserID(fmt.Sprint("u", i))}), account.OK)
	}
	if _, err := b.dir.Reset(t.Context(), "test", appID); err != nil {
		t.Fatal(err)
	}
	if n, err := b.dir.Count(t.Context(), appID); err != nil || n != 1 || c.deleted < 2*account.MaxListLimit-3 {
		t.Errorf("%d accounts, %v, after %d deletions", n, err, c.deleted)
	}
}

// TestSnapshot returns an app to an earlier state, record included.
func TestSnapshot(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	wantCodes(t, b.imports(account.Upsert{ID: "alice", Nick: "Alice"}, account.Upsert{ID: "bob"}), account.OK, account.OK)
	wantCodes(t, b.deletes("bob"), account.OK)
	b.changeClock(directory.ClockChange{Advance: time.Hour})
	s, err := b.dir.TakeSnapshot(t.Context(), "test", appID, "base")
	if err != nil || s.Name != "base" || s.Accounts != 2 || !s.Created.Equal(account.Millis(b.now)) || s.Bytes == 0 {
		t.Fatalf("TakeSnapshot = %+v, %v", s, err)
	}
	alice := b.internalID("alice")

	if _, err := b.dir.Reset(t.Context(), "test", appID); err != nil {
		t.Fatal(err)
	}
	change := directory.AppChange{App: appID, Action: "app.change", Apply: func(a *account.App) error {
		a.Name, a.Disabled, a.Settings.AllowDelete = "changed", true, false
		return nil
	}}
	changed, err := b.dir.ChangeApp(t.Context(), "test", change)
	if err != nil {
		t.Fatal(err)
	}
	app, err := b.dir.RestoreSnapshot(t.Context(), "test", appID, "base")
	if err != nil {
		t.Fatal(err)
	}
	if app.Name != "" || app.Disabled || !app.Settings.AllowDelete || app.Version != changed.Version+1 {
		t.Errorf("the restored app: %+v", app)
	}
	b.shows(b.now.Add(time.Hour))
	if got := b.internalID("alice"); got != alice {
		t.Errorf("the restored account has the internal id %d, want %d", got, alice)
	}
	wantCodes(t, b.imports(account.Upsert{ID: "bob"}), account.Tombstoned)
	if all, err := b.dir.Snapshots(t.Context(), appID); err != nil || !cmp.Equal(all, []directory.Snapshot{s}) {
		t.Errorf("Snapshots = %+v, %v", all, err)
	}
	if err := b.dir.DeleteSnapshot(t.Context(), "test", appID, "base"); err != nil {
		t.Error(err)
	}
	if err := b.dir.DeleteSnapshot(t.Context(), "test", appID, "base"); account.CodeOf(err) != account.NoSnapshot {
		t.Errorf("deleting it again: %v", err)
	}
	if _, err := b.dir.RestoreSnapshot(t.Context(), "test", appID, "base"); account.CodeOf(err) != account.NoSnapshot {
		t.Errorf("restoring it: %v", err)
	}
}

// TestSnapshotLimits takes as many snapshots as an app may have, and gives wrong names.
func TestSnapshotLimits(t *testing.T) {
	b := newTestBench(t, checked.New(new(mem.Store)))
	take := func(name string) error {
		_, err := b.dir.TakeSnapshot(t.Context(), "test", appID, name)
		return err
	}
	for _, name := range []string{"", "a b", "a/b", "..", ".", "ä", strings.Repeat("x", account.MaxSnapshotName+1)} {
		if err := take(name); account.CodeOf(err) != account.BadParameter {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	for i := range directory.MaxSnapshots {
		if err := take(fmt.Sprint("s", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := take("one-more"); account.CodeOf(err) != account.Conflict || !strings.Contains(err.Error(), fmt.Sprint(directory.MaxSnapshots)) {
		t.Errorf("one more: %v", err)
	}
	if err := take("s3"); err != nil {
		t.Errorf("the same name again: %v", err)
	}
	if err := b.dir.DeleteSnapshot(t.Context(), "test", appID, "s3"); err != nil {
		t.Error(err)
	}
	if err := take("one-more"); err != nil {
		t.Error(err)
	}
}

// A many is an engine whose dumps are too large.
type many struct{ account.Engine }

func (*many) Dump(_ context.Context, _ account.AppID, limit int) (*account.Dump, error) {
	if limit < account.MaxReplaced {
		return nil, &account.Error{Code: account.Conflict}
	}
	return new(account.Dump), nil
}

func TestSnapshotTooLarge(t *testing.T) {
	b := newTestBench(t, &many{new(mem.Store)})
	_, err := b.dir.TakeSnapshot(t.Context(), "test", appID, "s")
	if account.CodeOf(err) != account.Conflict || !strings.Contains(err.Error(), fmt.Sprint(directory.MaxSnapshotIDs)) {
		t.Errorf("a snapshot of too many ids: %v", err)
	}
}

// TestSnapshotOfOldApp deletes an app with a snapshot and creates it again. The new app
// has no snapshot.
func TestSnapshotOfOldApp(t *testing.T) {
	engine := checked.New(new(mem.Store))
	b := newTestBench(t, engine)
	if _, err := b.dir.TakeSnapshot(t.Context(), "test", appID, "s"); err != nil {
		t.Fatal(err)
	}
	other := b.directory(engine, true) // another node, which b.dir hears nothing from
	if err := other.DeleteApp(t.Context(), "test", appID); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Second)
	if _, err := other.CreateApp(t.Context(), "test", account.App{ID: appID, Edition: account.Development, Test: true}); err != nil {
		t.Fatal(err)
	}
	if all, err := b.dir.Snapshots(t.Context(), appID); err != nil || len(all) > 0 {
		t.Errorf("Snapshots = %+v, %v; want none", all, err)
	}
	if _, err := b.dir.RestoreSnapshot(t.Context(), "test", appID, "s"); account.CodeOf(err) != account.NoSnapshot {
		t.Errorf("RestoreSnapshot: %v", err)
	}
}

// TestExpire removes apps whose time has come, with their accounts.
func TestExpire(t *testing.T) {
	engine := checked.New(new(mem.Store))
	b := newTestBench(t, engine)
	create := func(id account.AppID, test bool, after time.Duration) error {
		_, err := b.dir.CreateApp(t.Context(), "test", account.App{ID: id, Edition: account.Development, Test: test, Expires: b.now.Add(after)})
		return err
	}
	if err := errors.Join(create(5, true, time.Hour), create(6, true, 2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"a usual app": create(7, false, time.Hour), "in the past": create(8, true, -time.Second)} {
		if account.CodeOf(err) != account.InvalidApp {
			t.Errorf("%s: %v", name, err)
		}
	}
	app, _ := b.dir.App(t.Context(), 5)
	if _, err := b.dir.Import(t.Context(), app, []account.Upsert{{ID: "alice"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.dir.ChangeClock(t.Context(), "test", 6, directory.ClockChange{Advance: 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	expire := func(d *directory.Directory, want ...account.AppID) {
		t.Helper()
		got, err := d.RemoveExpired(t.Context())
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("RemoveExpired = %v, %v; want %v", got, err, want)
		}
	}
	b.now = b.now.Add(time.Hour - time.Second)
	expire(b.dir)
	b.now = b.now.Add(time.Second)
	expire(b.directory(engine, false))
	expire(b.dir, 5)
	expire(b.dir)
	if _, err := b.dir.App(t.Context(), 5); account.CodeOf(err) != account.NoApp {
		t.Errorf("the app is still there: %v", err)
	}
	if n, err := engine.Count(t.Context(), 5); err != nil || n != 0 {
		t.Errorf("%d accounts are left, %v", n, err)
	}
	trail, err := b.dir.Audit(t.Context(), account.AuditQuery{App: 5, Limit: 1})
	if err != nil || trail[0].Action != "app.expire" || trail[0].Actor != directory.ServerActor {
		t.Errorf("audit trail %+v, %v", trail, err)
	}
}
