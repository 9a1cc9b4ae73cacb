package directory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/session"
	"rollcall/internal/store/mem"
)

func (b *bench) login(user account.UserID) error {
	_, err := b.dir.Login(b.Context(), appID, user, session.Login{Platform: account.Android})
	return err
}

// mustBe checks the state of an account that exists.
func (b *bench) mustBe(user account.UserID, want string) {
	b.Helper()
	d, err := b.dir.Devices(b.Context(), appID, user)
	if err != nil || d.State() != want {
		b.Errorf("%s is %s, %v; want %s", user, d.State(), err, want)
	}
}

// TestFirstLogin logs in accounts that do not exist. The rules of an import decide.
func TestFirstLogin(t *testing.T) {
	b := newTestBench(t, new(mem.Store))
	if err := b.login("alice"); err != nil {
		t.Fatal(err)
	}
	b.mustBe("alice", session.Online)
	for user, want := range map[account.UserID]account.Code{"@TLS#x": account.InvalidID, "": account.InvalidID} {
		if err := b.login(user); account.CodeOf(err) != want {
			t.Errorf("%q: %v, want %v", user, err, want)
		}
	}
	if _, err := b.dir.Delete(t.Context(), b.app, []account.UserID{"alice"}); err != nil {
		t.Fatal(err)
	}
	if err := b.login("alice"); account.CodeOf(err) != account.Tombstoned {
		t.Errorf("a deleted account: %v", err)
	}
	if _, err := b.dir.Devices(t.Context(), appID, "alice"); account.CodeOf(err) != account.NoAccount {
		t.Errorf("devices of a deleted account: %v", err)
	}
	var err error
	b.app, err = b.dir.ChangeApp(t.Context(), "test", directory.AppChange{App: appID, Action: "app.change", Apply: func(a *account.App) error {
		a.Settings.Quota, a.Settings.TombstoneDays = 1, -1 // administrator
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.login("bob"); account.CodeOf(err) != account.QuotaFull {
		t.Errorf("a full app: %v", err)
	}
	if _, err := b.dir.Login(t.Context(), appID+1, "bob", session.Login{Platform: account.Web}); account.CodeOf(err) != account.NoApp {
		t.Errorf("no app: %v", err)
	}
	if _, err := b.dir.Login(t.Context(), appID, "carol", session.Login{}); account.CodeOf(err) != account.BadParameter {
		t.Errorf("no platform: %v", err)
	}
	if r, err := b.dir.Check(t.Context(), b.app, []account.UserID{"carol"}); err != nil || r[0].Exists {
		t.Errorf("a login without a platform has registered the account: %+v, %v", r, err)
	}
}

// TestLoginAgain imports an account again that was deleted while it was online. The new one
// is offline.
func TestLoginAgain(t *testing.T) {
	b := newTestBench(t, new(mem.Store))
	b.app.Settings.TombstoneDays = -1
	if err := b.login("alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.dir.Delete(t.Context(), b.app, []account.UserID{"alice"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.dir.ImportDeleted(t.Context(), b.app, []account.Upsert{{ID: "alice"}}); err != nil {
		t.Fatal(err)
	}
	b.mustBe("alice", session.Offline)
}

// TestReplacedAccounts resets an app and restores a snapshot. Nobody is online afterwards,
// although the accounts of the snapshot have their internal ids again.
func TestReplacedAccounts(t *testing.T) {
	b := newTestBench(t, new(mem.Store))
	for name, replace := range map[string]func() (*account.App, error){
		"restore": func() (*account.App, error) { return b.dir.RestoreSnapshot(t.Context(), "test", appID, "s") },
		"reset":   func() (*account.App, error) { return b.dir.Reset(t.Context(), "test", appID) },
	} {
		if err := b.login(account.Administrator); err != nil {
			t.Fatal(err)
		}
		if _, err := b.dir.TakeSnapshot(t.Context(), "test", appID, "s"); err != nil {
			t.Fatal(err)
		}
		if _, err := replace(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b.mustBe(account.Administrator, session.Offline)
	}
}

// TestClockOfSessions lets 7 days pass on the clock of a test app.
func TestClockOfSessions(t *testing.T) {
	b := newTestBench(t, new(mem.Store))
	if err := b.login("alice"); err != nil {
		t.Fatal(err)
	}
	err := b.dir.ChangeDevices(t.Context(), appID, "alice", func(ctx context.Context, s *session.Sessions, at session.Target) error {
		d, err := b.dir.Devices(ctx, appID, "alice")
		if err != nil {
			return err
		}
		return s.Silence(ctx, at, d.Devices[0].ID, session.Unreachable)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		d    time.Duration
		want string
	}{{399 * time.Second, session.Online}, {time.Second, session.PushOnline}, {session.PushKept, session.Offline}} {
		b.changeClock(directory.ClockChange{Advance: step.d})
		b.mustBe("alice", step.want)
	}
}

// TestListDevices reads pages of the accounts that have devices.
func TestListDevices(t *testing.T) {
	b := newTestBench(t, new(mem.Store))
	for i := range 5 {
		if err := b.login(account.UserID(fmt.Sprint("u", i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.dir.Delete(t.Context(), b.app, []account.UserID{"u3"}); err != nil {
		t.Fatal(err)
	}
	var got []account.UserID
	for after := account.UserID(""); ; {
		page, next, err := b.dir.ListDevices(t.Context(), appID, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page {
			got = append(got, a.User)
		}
		if after = next; next == "" {
			break
		}
	}
	if fmt.Sprint(got) != "[u0 u1 u2 u4]" {
		t.Errorf("%v have devices", got)
	}
	if _, _, err := b.dir.ListDevices(t.Context(), appID+1, "", 2); account.CodeOf(err) != account.NoApp {
		t.Errorf("no app: %v", err)
	}
}

// A stuck engine cannot commit records while it is set.
type stuck struct {
	account.Engine
	set bool
}

func (s *stuck) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if s.set {
		return 0, &account.Error{Code: account.Unavailable}
	}
	return s.Engine.Commit(ctx, c)
}

// TestKickHalfDone kicks an account whose login sessions cannot be ended. The caller learns
// that the outcome is unknown, and a repeated call ends them.
func TestKickHalfDone(t *testing.T) {
	engine := &stuck{Engine: new(mem.Store)}
	b := newTestBench(t, engine)
	if err := b.login("alice"); err != nil {
		t.Fatal(err)
	}
	engine.set = true
	if err := b.dir.Kick(t.Context(), b.app, "alice"); account.CodeOf(err) != account.Unknown {
		t.Errorf("Kick: %v, want an unknown outcome", err)
	}
	engine.set = false
	if err := b.dir.Kick(t.Context(), b.app, "alice"); err != nil {
		t.Error(err)
	}
	b.mustBe("alice", session.Offline)
}

// An impatient engine ends the context of a call after a change of accounts.
type impatient struct {
	account.Engine
	hangUp context.CancelFunc
}

func (e *impatient) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	defer e.hangUp()
	return e.Engine.Delete(ctx, app, ids, p)
}

func (e *impatient) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	defer e.hangUp()
	return e.Engine.Update(ctx, app, patches, p)
}

// TestHangUp kicks and deletes accounts for callers that hang up after the change of the
// account. Their devices are logged out all the same.
func TestHangUp(t *testing.T) {
	engine := &impatient{Engine: new(mem.Store)}
	b := newTestBench(t, engine)
	var events []string
	b.dir.Listen(account.EventState, func(e account.Event) {
		events = append(events, fmt.Sprint(e.Items[0].ID, " ", e.Items[0].State.Action))
	})
	for _, call := range []func(context.Context) error{
		func(ctx context.Context) error { return b.dir.Kick(ctx, b.app, "alice") },
		func(ctx context.Context) error {
			_, err := b.dir.Delete(ctx, b.app, []account.UserID{"alice"})
			return err
		},
	} {
		engine.hangUp = func() {}
		if err := b.login("alice"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		engine.hangUp = cancel
		if err := call(ctx); err != nil {
			t.Error(err)
		}
	}
	if want := "[alice Login alice Logout alice Login alice Logout]"; fmt.Sprint(events) != want {
		t.Errorf("events are %v, want %s", events, want)
	}
}

// TestRobotLogin checks that a robot cannot log in, whether it exists or not.
func TestRobotLogin(t *testing.T) {
	b := newTestBench(t, new(mem.Store))
	const robot account.UserID = "@RBT#1"
	for range 2 {
		if err := b.login(robot); account.CodeOf(err) != account.InvalidID {
			t.Errorf("Login: %v", err)
		}
		reports := []session.Report{{User: robot, Login: session.Login{Platform: account.Web, Instance: "i"}, Vouched: time.Minute}}
		if r, err := b.dir.ReportDevices(t.Context(), appID, reports); err != nil || r[0].Code != account.InvalidID {
			t.Errorf("ReportDevices: %+v, %v", r, err)
		}
		if err := b.dir.CreateRobot(t.Context(), b.app, robot, nil); err != nil {
			t.Fatal(err)
		}
	}
	b.mustBe(robot, session.Offline)
}
