package session

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A world has the login sessions of one account, whose devices have the IDs 1, 2, 3, …
type world struct {
	t      *testing.T
	app    account.App
	now    time.Time
	p      *records.Presence
	lastID uint64
	kicked int64 // watermark of the account
	events []account.StateChange
}

func newWorld(t *testing.T, settings account.Settings) *world {
	return &world{t: t, now: began, app: account.App{ID: 7, Settings: settings}}
}

func (w *world) moment() moment { return moment{app: &w.app, now: w.now} }

// do applies op to the stored login sessions, as Sessions does.
func (w *world) do(op func(*turn) error) error {
	w.t.Helper()
	t := newTurn(w.moment(), w.p, 1)
	t.kick(w.kicked)
	if err := op(t); err != nil {
		return err
	}
	w.events = append(w.events, t.events...)
	w.p, _ = t.next()
	return nil
}

func (w *world) must(op func(*turn) error) {
	w.t.Helper()
	if err := w.do(op); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) login(p account.Platform) uint64 { return w.loginWith(Login{Platform: p}).Device.ID }

func (w *world) loginWith(l Login) (got LoggedIn) {
	w.t.Helper()
	w.must(func(t *turn) error {
		got = t.login(l, func() uint64 { w.lastID++; return w.lastID })
		return nil
	})
	return got
}

// state returns the state of the account and of its devices as a read sees them.
func (w *world) state() string {
	if w.p == nil {
		return Offline
	}
	d := at(w.moment(), w.p, account.Status{InternalID: 1})
	parts := []string{d.State()}
	for i := range d.Devices {
		parts = append(parts, fmt.Sprintf("%s=%s", d.Devices[i].Platform, StateOf(&d.Devices[i])))
	}
	return strings.Join(parts, " ")
}

// report returns the events since the last report, with their seconds since the beginning.
func (w *world) report() string {
	var texts []string
	for _, e := range w.events {
		text := fmt.Sprintf("%d:%s/%s", (e.At-began.UnixMilli())/1000, e.Action, e.Reason)
		if len(e.Replaced) > 0 {
			text += fmt.Sprint(e.Replaced)
		}
		texts = append(texts, text)
	}
	w.events = nil
	return strings.Join(texts, " ")
}

// after lets time pass and stores what has come due.
func (w *world) after(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	w.must(func(*turn) error { return nil })
}

// TestChanges is the table of protocol-sessions.md §1.2. Each row begins with one device that
// has logged in.
func TestChanges(t *testing.T) {
	const (
		week = 7 * 24 * time.Hour
		no   = ""
	)
	logout := func(t *turn) error { return t.logout(1) }
	drop := func(t *turn) error { return t.drop(1) }
	silence := func(why Silence) func(*turn) error { return func(t *turn) error { return t.silence(1, why) } }
	reconnect := func(t *turn) error { return reconnect(t, 1) }
	kick := func(t *turn) error { t.endAll(Kicked); return nil }
	status := func(t *turn) error { return t.setStatus("busy") }
	for _, tt := range []struct {
		name     string
		platform account.Platform
		do       func(*turn) error
		after    time.Duration // to the change
		before   string        // state a millisecond before it
		state    string        // state then
		events   string        // all of them, after the login
	}{
		{"logout", account.Android, logout, 0, no, "Offline", "0:Logout/Unregister"},
		{"destroy of the SDK object", account.Web, logout, 0, no, "Offline", "0:Logout/Unregister"},
		{"process killed", account.Android, drop, 0, no, "PushOnline Android=PushOnline", "0:Disconnect/LinkClose"},
		{"process killed", account.IPhone, drop, 0, no, "PushOnline iPhone=PushOnline", "0:Disconnect/LinkClose"},
		{"process killed", account.IPad, drop, 0, no, "PushOnline iPad=PushOnline", "0:Disconnect/LinkClose"},
		{"process killed", account.Windows, drop, 0, no, "Offline", "0:Disconnect/LinkClose"},
		{"process killed", account.Mac, drop, 0, no, "Offline", "0:Disconnect/LinkClose"},
		{"process killed", account.Linux, drop, 0, no, "Offline", "0:Disconnect/LinkClose"},
		{"network gone, nothing seen", account.Android, silence(Unreachable), 400 * time.Second, "Online Android=Online", "PushOnline Android=PushOnline", "400:Disconnect/TimeOut"},
		{"network gone, nothing seen", account.Windows, silence(Unreachable), 400 * time.Second, "Online Windows=Online", "Offline", "400:Disconnect/TimeOut"},
		{"in the background", account.Android, silence(Background), week, "Online Android=Online", "Online Android=Online", ""},
		{"page closed", account.Web, silence(Left), 0, no, "Offline", "0:Disconnect/LinkClose"},
		{"network gone, page open", account.Web, silence(Unreachable), time.Minute, "Online Web=Online", "Offline", "60:Disconnect/LinkClose"},
		{"left by the corner button", account.MiniProgram, silence(Left), 5 * time.Second, "Online MiniProgram=Online", "Offline", "5:Disconnect/LinkClose"},
		{"network gone", account.MiniProgram, silence(Unreachable), time.Minute, "Online MiniProgram=Online", "Offline", "60:Disconnect/LinkClose"},
		{"WeChat in the background", account.MiniProgram, silence(Background), 30 * time.Second, "Online MiniProgram=Online", "Offline", "30:Disconnect/LinkClose"},
		{"WeChat killed", account.MiniProgram, drop, 0, no, "Offline", "0:Disconnect/LinkClose"},
		{"login or reconnect before a Disconnect", account.Android, both(silence(Unreachable), reconnect), 400 * time.Second, "Online Android=Online", "Online Android=Online", "0:Login/Register"},
		{"reconnect after a Disconnect", account.Android, both(drop, reconnect), 0, no, "Online Android=Online", "0:Disconnect/LinkClose 0:Login/Register"},
		{"PushOnline for 7 days", account.Android, drop, week, "PushOnline Android=PushOnline", "Offline", "0:Disconnect/LinkClose"},
		{"kick", account.Android, kick, 0, no, "Offline", "0:Logout/Unregister"},
		{"kick of a device without a link", account.Android, both(drop, kick), 0, no, "Offline", "0:Disconnect/LinkClose"},
		{"custom status", account.Web, status, 0, no, "Online Web=Online", "0:CustomStatusChange/SetCustomStatus"},
		{"the same custom status", account.Web, both(status, status), 0, no, "Online Web=Online", "0:CustomStatusChange/SetCustomStatus"},
	} {
		t.Run(tt.name+" "+string(tt.platform), func(t *testing.T) {
			w := newWorld(t, account.Settings{})
			w.login(tt.platform)
			if got := w.report(); got != "0:Login/Register" {
				t.Errorf("the login reports %q", got)
			}
			w.must(tt.do)
			if tt.after > 0 {
				w.now = w.now.Add(tt.after - time.Millisecond)
				if got := w.state(); got != tt.before {
					t.Errorf("a millisecond before, the state is %q, want %q", got, tt.before)
				}
				w.now = w.now.Add(time.Millisecond)
			}
			if got := w.state(); got != tt.state {
				t.Errorf("the state is %q, want %q", got, tt.state)
			}
			w.after(0)
			if got := w.state(); got != tt.state {
				t.Errorf("after it is stored, the state is %q, want %q", got, tt.state)
			}
			if got := w.report(); got != tt.events {
				t.Errorf("events are %q, want %q", got, tt.events)
			}
		})
	}
}

func both(a, b func(*turn) error) func(*turn) error {
	return func(t *turn) error {
		if err := a(t); err != nil {
			return err
		}
		return b(t)
	}
}

// reconnect reconnects a device, which must not need a new ID.
func reconnect(t *turn, id uint64) error {
	_, err := t.reconnect(id, nil, nil)
	return err
}

// TestUserSigExpires lets the UserSig of a device run out, with a link that is in order and
// with one that is silent until later. The second of the expiry belongs to its validity.
func TestUserSigExpires(t *testing.T) {
	for _, silent := range []bool{false, true} {
		w := newWorld(t, account.Settings{})
		w.loginWith(Login{Platform: account.Windows, Expires: w.now.Add(time.Minute)})
		if silent {
			w.must(func(t *turn) error { return t.silence(1, Unreachable) })
		}
		w.report()
		w.now = w.now.Add(time.Minute + time.Second - time.Millisecond)
		if got := w.state(); got != "Online Windows=Online" {
			t.Errorf("before the expiry: %s", got)
		}
		w.after(time.Millisecond)
		if got, events := w.state(), w.report(); got != Offline || events != "61:Disconnect/LinkClose" {
			t.Errorf("after the expiry: %s, %s", got, events)
		}
	}
}

// TestReconnectExpired lets devices reconnect whose UserSig has expired: one whose link is
// gone, and one that gave way to another one. Each must log in with a new UserSig.
func TestReconnectExpired(t *testing.T) {
	w := newWorld(t, account.Settings{})
	l := Login{Platform: account.Android, Instance: "a", Expires: w.now.Add(time.Minute)}
	w.loginWith(l)
	l.Instance = "b"
	w.loginWith(l)
	w.after(2 * time.Minute)
	w.report()
	for id := range uint64(2) {
		if err := w.do(func(t *turn) error { return reconnect(t, id+1) }); account.CodeOf(err) != account.BadParameter {
			t.Errorf("device %d: %v", id+1, err)
		}
	}
	l.Expires = w.now.Add(time.Minute)
	w.loginWith(l)
	if got := w.report(); got != "120:Login/Register" {
		t.Errorf("events are %s", got)
	}
}

// TestJump lets a clock pass several ends at once. They are reported in the order of time.
func TestJump(t *testing.T) {
	w := newWorld(t, account.Settings{DevicesPerPlatform: 3})
	w.login(account.Android)
	w.loginWith(Login{Platform: account.Windows, Expires: w.now.Add(time.Hour)})
	w.login(account.Web)
	for id := range uint64(3) {
		if id != 1 {
			w.must(func(t *turn) error { return t.silence(id+1, Unreachable) })
		}
	}
	w.report()
	w.after(30 * 24 * time.Hour)
	const want = "60:Disconnect/LinkClose 400:Disconnect/TimeOut 3601:Disconnect/LinkClose"
	if got := w.report(); got != want {
		t.Errorf("events are %q, want %q", got, want)
	}
	if w.p != nil {
		t.Errorf("%+v is left", w.p)
	}
}

// TestEventTime checks that the times of events rise, even if they happen at one moment or a
// clock is set back.
func TestEventTime(t *testing.T) {
	w := newWorld(t, account.Settings{})
	w.login(account.Android)
	w.now = w.now.Add(-time.Second)
	w.must(func(t *turn) error { return t.drop(1) })
	w.must(func(t *turn) error { return reconnect(t, 1) })
	w.must(func(t *turn) error { return t.logout(1) })
	if w.p == nil {
		t.Fatal("the time of the newest event is gone")
	}
	w.login(account.Web)
	for i, e := range w.events {
		if want := began.UnixMilli() + int64(i); e.At != want {
			t.Errorf("event %d is at %d, want %d", i, e.At, want)
		}
	}
	w.must(func(t *turn) error { return t.logout(2) })
	w.after(2 * time.Minute)
	if w.p != nil {
		t.Errorf("%+v is left of an account without devices", w.p)
	}
}

// TestCustomStatus checks that the custom status ends with the last device that is online,
// without an event of its own.
func TestCustomStatus(t *testing.T) {
	set := func(t *turn) error { return t.setStatus("busy") }
	for name, end := range map[string]func(*turn) error{
		"logout": func(t *turn) error { return t.logout(1) },
		"drop":   func(t *turn) error { return t.drop(1) },
	} {
		w := newWorld(t, account.Settings{})
		if err := w.do(set); account.CodeOf(err) != account.NoDevice {
			t.Errorf("%s: without a device: %v", name, err)
		}
		w.login(account.Android)
		w.login(account.Web)
		w.must(set)
		if e := w.events[len(w.events)-1]; e.Status != "busy" || e.Platform != account.Android {
			t.Errorf("%s: the event is %+v", name, e)
		}
		w.must(end)
		if w.p.Status != "busy" {
			t.Errorf("%s: the status is gone with the first device", name)
		}
		w.must(func(t *turn) error { return t.logout(2) })
		if w.p.Status != "" {
			t.Errorf("%s: the status is left", name)
		}
		if got := w.report(); strings.Count(got, "CustomStatusChange") != 1 {
			t.Errorf("%s: events are %s", name, got)
		}
	}
}

// TestKickEvent checks the setting.
func TestKickEvent(t *testing.T) {
	for kick, want := range map[account.KickEvent]string{
		account.KickEventLogout:     "0:Logout/Unregister 0:Logout/Unregister",
		account.KickEventDisconnect: "0:Disconnect/LinkClose 0:Disconnect/LinkClose",
		account.KickEventOff:        "",
	} {
		w := newWorld(t, account.Settings{KickEvent: kick})
		w.login(account.Web)
		w.login(account.Android)
		w.report()
		w.must(func(t *turn) error { t.endAll(Kicked); return nil })
		if got := w.report(); got != want || w.state() != Offline {
			t.Errorf("%q: events are %q, want %q; %s", kick, got, want, w.state())
		}
	}
}

// TestSettings checks the platforms with push and the times of links.
func TestSettings(t *testing.T) {
	w := newWorld(t, account.Settings{
		PushPlatforms: []account.Platform{account.Mac},
		LinkTimeouts:  map[account.Platform]int{account.Mac: 7, account.Web: 8},
	})
	for i, p := range []account.Platform{account.Mac, account.Web, account.Android} {
		w.login(p)
		w.must(func(t *turn) error { return t.silence(uint64(i+1), Unreachable) })
	}
	w.report()
	w.after(400 * time.Second)
	if got, want := w.report(), "7:Disconnect/TimeOut 8:Disconnect/LinkClose 400:Disconnect/TimeOut"; got != want {
		t.Errorf("events are %q, want %q", got, want)
	}
	if got, want := w.state(), "PushOnline Mac=PushOnline"; got != want {
		t.Errorf("the state is %q, want %q", got, want)
	}
}

// TestInstance logs in devices that say what they are called.
func TestInstance(t *testing.T) {
	w := newWorld(t, account.Settings{})
	addr := netip.MustParseAddr("192.0.2.7")
	first := w.loginWith(Login{Platform: account.Web, Instance: "tab"})
	again := w.loginWith(Login{Platform: account.Web, Instance: "tab", Address: addr, Expires: w.now.Add(time.Hour)})
	if !again.Again || again.Device.ID != first.Device.ID || again.Device.Address != addr || again.Device.Expires == 0 {
		t.Errorf("the second login of a browser is %+v", again)
	}
	phone := w.loginWith(Login{Platform: account.Android, Instance: "tab"})
	back := w.loginWith(Login{Platform: account.Android, Instance: "tab"})
	if back.Again || back.Device.ID != phone.Device.ID || back.Device.Login != phone.Device.Login {
		t.Errorf("the reconnection of a telephone is %+v", back)
	}
	if got, want := w.report(), "0:Login/Register 0:Login/Register 0:Login/Register"; got != want {
		t.Errorf("events are %q, want %q", got, want)
	}
}

// TestOtherAccount checks that an account has no login sessions of an earlier one with the
// same UserID, and that the times of its events still rise.
func TestOtherAccount(t *testing.T) {
	w := newWorld(t, account.Settings{})
	w.login(account.Android)
	next := newTurn(w.moment(), w.p, 2)
	if len(next.p.Devices) != 0 || next.p.Account != 2 || next.p.LastEvent != w.p.LastEvent {
		t.Errorf("the next account has %+v", next.p)
	}
	if d := at(w.moment(), w.p, account.Status{InternalID: 2}); d.State() != Offline {
		t.Errorf("the next account is %s", d.State())
	}
}

// TestKickedBefore checks that a read sees no login session from before a kick. One of the
// same second is ended by the kick itself.
func TestKickedBefore(t *testing.T) {
	w := newWorld(t, account.Settings{})
	w.login(account.Android)
	for kicked, want := range map[int64]string{0: Online, account.Unkicked: Online, began.Unix(): Online, began.Unix() + 1: Offline} {
		if d := at(w.moment(), w.p, account.Status{InternalID: 1, Kicked: kicked}); d.State() != want {
			t.Errorf("after a kick at %d: %s, want %s", kicked, d.State(), want)
		}
	}
}

// TestKickInTheFuture logs in on a test app whose clock was set back behind a kick. The device
// is online, also when the clock passes the kick again.
func TestKickInTheFuture(t *testing.T) {
	w := newWorld(t, account.Settings{})
	w.kicked = began.Unix() + 100
	w.login(account.Android)
	for range 2 {
		if d := at(w.moment(), w.p, account.Status{InternalID: 1, Kicked: w.kicked}); d.State() != Online {
			t.Errorf("at %v: %s, want Online", w.now, d.State())
		}
		w.now = w.now.Add(time.Hour)
	}
}

// TestKickHalfDone logs in after a crash came between a kick and the end of the login
// sessions. The change reports their end, and neither a device from before nor one that had
// given way before can come back.
func TestKickHalfDone(t *testing.T) {
	w := newWorld(t, account.Settings{})
	w.loginWith(Login{Platform: account.Android, Instance: "a"})
	w.loginWith(Login{Platform: account.Android, Instance: "b"})
	w.login(account.Windows)
	w.report()
	w.now = w.now.Add(2 * time.Second)
	w.kicked = w.now.Unix()
	for id := range uint64(2) {
		if err := w.do(func(t *turn) error { return reconnect(t, id+1) }); account.CodeOf(err) != account.NoDevice {
			t.Errorf("device %d: %v", id+1, err)
		}
	}
	w.loginWith(Login{Platform: account.Android, Instance: "b"})
	if got, want := w.report(), "2:Logout/Unregister 2:Logout/Unregister 2:Login/Register"; got != want {
		t.Errorf("events are %s, want %s", got, want)
	}
	if got := w.state(); got != "Online Android=Online" {
		t.Errorf("the state is %s", got)
	}
}

// TestNoDevice names devices that are not logged in.
func TestNoDevice(t *testing.T) {
	for name, op := range map[string]func(*turn) error{
		"logout":    func(t *turn) error { return t.logout(9) },
		"drop":      func(t *turn) error { return t.drop(9) },
		"silence":   func(t *turn) error { return t.silence(9, Unreachable) },
		"reconnect": func(t *turn) error { return reconnect(t, 9) },
	} {
		w := newWorld(t, account.Settings{})
		w.login(account.Android)
		if err := w.do(op); account.CodeOf(err) != account.NoDevice {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRead checks that a read changes nothing of what it reads.
func TestRead(t *testing.T) {
	w := newWorld(t, account.Settings{})
	w.login(account.Web)
	w.must(func(t *turn) error { return t.silence(1, Unreachable) })
	before := w.p.Clone()
	w.now = w.now.Add(time.Hour)
	if got := w.state(); got != Offline {
		t.Errorf("the state is %s", got)
	}
	if !slices.Equal(before.Devices, w.p.Devices) || before.LastEvent != w.p.LastEvent {
		t.Errorf("the read has changed %+v to %+v", before, w.p)
	}
}
