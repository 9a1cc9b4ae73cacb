package session_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil/anystore"
	"rollcall/internal/testutil/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const appID, otherID account.AppID = 1400000001, 1400000002

// An env has login sessions in a store, and collects their events.
type env struct {
	*testing.T
	kind, dir string
	memory    bool // the registry keeps login sessions in memory
	e         account.Engine
	r         *records.Registry
	s         *session.Sessions
	keep      bool

	mu     sync.Mutex
	offset time.Duration
	start  time.Time
	events []account.Event
}

// each runs a test on every engine.
func each(t *testing.T, fn func(*env)) {
	t.Helper()
	for _, kind := range anystore.Kinds(t, anystore.Mem, anystore.Pebble, anystore.Postgres) {
		t.Run(kind, func(t *testing.T) { run(t, kind, false, fn) })
		if kind == anystore.Mem || kind == anystore.Pebble {
			t.Run(kind+" with memory", func(t *testing.T) { run(t, kind, true, fn) })
		}
	}
}

func run(t *testing.T, kind string, memory bool, fn func(*env)) {
	v := &env{T: t, kind: kind, memory: memory, dir: t.TempDir(), start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	v.open()
	defer func() { v.e.Close() }()
	for _, id := range []account.AppID{appID, otherID} {
		if _, err := v.r.CreateApp(t.Context(), account.App{ID: id, Edition: account.Development, Admins: []account.UserID{"administrator"}}, account.AuditEntry{Time: v.start}); err != nil {
			t.Fatal(err)
		}
	}
	fn(v)
}

func (v *env) open() {
	v.Helper()
	v.e = checked.New(anystore.OpenDir(v.T, v.kind, v.dir))
	v.r = records.New(v.e, nil)
	if v.memory {
		if err := v.r.KeepPresences(v.Context()); err != nil {
			v.Fatal(err)
		}
	}
	v.s = v.sessions()
}

// sessions returns Sessions of a server on the store of v.
func (v *env) sessions() *session.Sessions {
	return session.New(session.Options{
		Records: v.r, Now: func(*account.App) time.Time { return v.now() }, Real: v.now,
		Keeps: func(account.AppID) bool { return v.keep },
		Announce: func(e account.Event) {
			runtime.Gosched() // another event may overtake this one only if it is of another account
			v.mu.Lock()
			defer v.mu.Unlock()
			v.events = append(v.events, e)
		},
	})
}

// reopen restarts the server, if the store survives that.
func (v *env) reopen() {
	v.Helper()
	if v.kind == anystore.Mem {
		return
	}
	if err := v.e.Close(); err != nil {
		v.Fatal(err)
	}
	v.open()
}

func (v *env) now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.start.Add(v.offset)
}

func (v *env) advance(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.offset += d
}

func (v *env) app(id account.AppID) *account.App {
	v.Helper()
	a, err := v.r.App(v.Context(), id)
	if err != nil {
		v.Fatal(err)
	}
	return a
}

func (v *env) at(user account.UserID) session.Target {
	return session.Target{App: v.app(appID), User: user, InternalID: internalID(user)}
}

func (v *env) login(user account.UserID, l session.Login) session.LoggedIn {
	v.Helper()
	in, err := v.s.Login(v.Context(), v.at(user), l)
	if err != nil {
		v.Fatal(err)
	}
	return in
}

func (v *env) sweep() {
	v.Helper()
	if err := v.s.Sweep(v.Context()); err != nil {
		v.Fatal(err)
	}
}

// internalID returns the InternalID of an account.
func internalID(user account.UserID) uint64 { return 1 + uint64(crc32.ChecksumIEEE([]byte(user))) }

// state returns the state of an account as a read sees it, with its devices and without.
func (v *env) state(user account.UserID) string { v.Helper(); return v.stateAfter(user, 0) }

// stateAfter is state if the watermark of the account is kicked.
func (v *env) stateAfter(user account.UserID, kicked int64) string {
	v.Helper()
	users, status := []account.UserID{user, "nobody"}, []account.Status{{InternalID: internalID(user), Kicked: kicked}, {}}
	ds, err := v.s.Devices(v.Context(), v.app(appID), users, status)
	if err != nil {
		v.Fatal(err)
	}
	states, err := v.s.States(v.Context(), v.app(appID), users, status)
	if err != nil {
		v.Fatal(err)
	}
	for i := range ds {
		if ds[i].State() != states[i] {
			v.Errorf("%s is %s by its devices, and %s without them", users[i], ds[i].State(), states[i])
		}
	}
	if states[1] != session.Offline {
		v.Errorf("an account that does not exist is %s", states[1])
	}
	return states[0]
}

// heard returns the events since the last call, and compares them with the outbox.
func (v *env) heard() (texts []string) {
	v.Helper()
	v.mu.Lock()
	events := v.events
	v.events = nil
	v.mu.Unlock()
	if v.keep {
		pending, err := v.r.Pending(v.Context(), appID, 1000)
		if err != nil {
			v.Fatal(err)
		}
		var kept []account.Event
		for _, p := range pending {
			kept = append(kept, p.Event)
			if err := v.r.RemovePending(v.Context(), p.Key); err != nil {
				v.Fatal(err)
			}
		}
		if diff := gocmp.Diff(events, kept, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			v.Errorf("events that were announced (-) and those in the outbox (+):\n%s", diff)
		}
	}
	for _, e := range events {
		for _, item := range e.Items {
			texts = append(texts, fmt.Sprintf("%s %s/%s", item.ID, item.State.Action, item.State.Reason))
		}
	}
	return texts
}

func (v *env) mustHear(want ...string) {
	v.Helper()
	if got := v.heard(); !slices.Equal(got, want) {
		v.Errorf("events are %q, want %q", got, want)
	}
}

// TestRestart restarts the server between all changes of a device.
func TestRestart(t *testing.T) {
	each(t, func(v *env) {
		v.keep = true
		in := v.login("alice", session.Login{Platform: account.Android})
		v.mustHear("alice Login/Register")
		v.reopen()
		if got := v.state("alice"); got != session.Online {
			v.Errorf("after a login: %s", got)
		}
		if err := v.s.Silence(v.Context(), v.at("alice"), in.Device.ID, session.Unreachable); err != nil {
			v.Fatal(err)
		}
		v.reopen()
		v.advance(400 * time.Second)
		if got := v.state("alice"); got != session.PushOnline {
			v.Errorf("after 400 seconds: %s", got)
		}
		v.mustHear()
		v.sweep()
		v.mustHear("alice Disconnect/TimeOut")
		v.reopen()
		if got := v.state("alice"); got != session.PushOnline {
			v.Errorf("after the time-out is stored: %s", got)
		}
		v.advance(session.PushKept)
		if got := v.state("alice"); got != session.Offline {
			v.Errorf("after 7 days: %s", got)
		}
		v.sweep()
		v.mustHear()
		if page := v.list(); len(page) > 0 {
			v.Errorf("%+v is left", page)
		}
	})
}

func (v *env) list() []records.UserPresence {
	v.Helper()
	page, _, err := v.r.ListPresences(v.Context(), appID, "", 1000)
	if err != nil {
		v.Fatal(err)
	}
	return page
}

// TestCalls calls every method once.
func TestCalls(t *testing.T) {
	each(t, func(v *env) {
		ctx, at := v.Context(), v.at("alice")
		id := v.login("alice", session.Login{Platform: account.Android}).Device.ID
		for _, step := range []struct {
			name string
			do   func() error
			want string // event
			then string // state
		}{
			{"Drop", func() error { return v.s.Drop(ctx, at, id) }, "Disconnect/LinkClose", session.PushOnline},
			{"Reconnect", func() error { _, err := v.s.Reconnect(ctx, at, id); return err }, "Login/Register", session.Online},
			{"SetStatus", func() error { return v.s.SetStatus(ctx, at, "busy") }, "CustomStatusChange/SetCustomStatus", session.Online},
			{"Logout", func() error { return v.s.Logout(ctx, at, id) }, "Logout/Unregister", session.Offline},
		} {
			v.heard()
			if err := step.do(); err != nil {
				v.Fatalf("%s: %v", step.name, err)
			}
			v.mustHear("alice " + step.want)
			if got := v.state("alice"); got != step.then {
				v.Errorf("%s: the state is %s, want %s", step.name, got, step.then)
			}
		}
		if err := v.s.Logout(ctx, at, id); account.CodeOf(err) != account.NoDevice {
			v.Errorf("a second logout: %v", err)
		}
	})
}

// TestEndAll kicks several accounts, of which some are not logged in and one repeats.
func TestEndAll(t *testing.T) {
	each(t, func(v *env) {
		v.keep = true
		if err := v.s.EndAll(v.Context(), v.app(appID), session.Kicked, "a", "b"); err != nil {
			v.Errorf("nobody is logged in: %v", err)
		}
		v.login("b", session.Login{Platform: account.Web})
		v.login("b", session.Login{Platform: account.Android})
		v.login("d", session.Login{Platform: account.Mac, Expires: v.now().Add(time.Hour)})
		v.heard()
		if err := v.s.EndAll(v.Context(), v.app(appID), session.Kicked, "d", "a", "b", "d"); err != nil {
			v.Fatal(err)
		}
		v.mustHear("b Logout/Unregister", "b Logout/Unregister", "d Logout/Unregister")
		for _, user := range []account.UserID{"b", "d"} {
			if got := v.state(user); got != session.Offline {
				v.Errorf("%s is %s", user, got)
			}
		}
		v.advance(2 * time.Minute)
		v.sweep()
		v.mustHear()
		if page := v.list(); len(page) > 0 {
			v.Errorf("%d accounts are left", len(page))
		}
	})
}

// TestTogether changes the same accounts from many goroutines. No change is lost, and the
// events of each account are announced in the order of their times, which rise.
func TestTogether(t *testing.T) {
	each(t, func(v *env) {
		const callers, rounds = 8, 10
		users := []account.UserID{"a", "b"}
		var logins atomic.Int64
		var wg sync.WaitGroup
		other := v.sessions()
		for i := range callers {
			wg.Go(func() {
				s := v.s
				if i%2 == 1 {
					s = other
				}
				for j := range rounds {
					at := v.at(users[(i+j)%2])
					if _, err := s.Login(v.Context(), at, session.Login{Platform: account.Android}); err != nil {
						v.Error(err)
					}
					logins.Add(1)
				}
			})
		}
		wg.Wait()
		last, replaced, n := map[account.UserID]int64{}, 0, 0
		for _, e := range v.events {
			for _, item := range e.Items {
				if item.State.At <= last[item.ID] {
					v.Errorf("an event of %s at %d comes after one at %d", item.ID, item.State.At, last[item.ID])
				}
				last[item.ID] = item.State.At
				replaced += len(item.State.Replaced)
				n++
			}
		}
		if n != callers*rounds || replaced != n-len(users) {
			v.Errorf("%d logins caused %d events, and %d devices gave way", callers*rounds, n, replaced)
		}
		for _, p := range v.list() {
			if len(p.Devices) != 1 {
				v.Errorf("%s has %d devices", p.User, len(p.Devices))
			}
		}
	})
}

// TestSweepers lets two servers sweep at once. Each event is reported once.
func TestSweepers(t *testing.T) {
	each(t, func(v *env) {
		const n = 300 // more than one commit
		for i := range n {
			user := account.UserID(fmt.Sprint("u", i))
			in := v.login(user, session.Login{Platform: account.Web})
			if err := v.s.Silence(v.Context(), v.at(user), in.Device.ID, session.Unreachable); err != nil {
				v.Fatal(err)
			}
		}
		v.heard()
		v.advance(time.Minute)
		var wg sync.WaitGroup
		for _, s := range []*session.Sessions{v.s, v.sessions()} {
			wg.Go(func() {
				if err := s.Sweep(v.Context()); err != nil {
					v.Error(err)
				}
			})
		}
		wg.Wait()
		got := v.heard()
		slices.Sort(got)
		if n1 := len(slices.Compact(slices.Clone(got))); len(got) != n || n1 != n {
			v.Errorf("%d events of %d accounts", len(got), n1)
		}
	})
}

// TestAppGone removes an app whose login sessions were not removed with it, with something
// that comes due and with nothing.
func TestAppGone(t *testing.T) {
	for _, lasts := range []time.Duration{time.Hour, 0} {
		each(t, func(v *env) {
			l := session.Login{Platform: account.Web}
			if lasts > 0 {
				l.Expires = v.now().Add(lasts)
			}
			v.login("alice", l)
			if err := v.r.DeleteApp(v.Context(), appID, account.AuditEntry{App: appID, Time: v.start}); err != nil {
				v.Fatal(err)
			}
			v.reopen() // the registry forgets the app at once
			v.sweep()
			if page := v.list(); len(page) > 0 {
				v.Errorf("%d accounts are left", len(page))
			}
			if app, _, err := v.r.NextDue(v.Context(), 0); app != 0 || err != nil {
				v.Errorf("app %d has something due, %v", app, err)
			}
		})
	}
}

// TestAppJustCreated sweeps on a server that has not heard yet of an app that another one has
// created.
func TestAppJustCreated(t *testing.T) {
	store := new(mem.Store)
	here, there := records.New(store, nil), records.New(store.Handle(account.MaxStale), nil)
	if apps, err := there.Apps(t.Context()); err != nil || len(apps) > 0 {
		t.Fatalf("the apps are %v, %v", apps, err)
	}
	app, err := here.CreateApp(t.Context(), account.App{ID: appID, Edition: account.Development}, account.AuditEntry{})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	now := func(*account.App) time.Time { return start }
	s := session.New(session.Options{Records: here, Now: now})
	if _, err := s.Login(t.Context(), session.Target{App: app, User: "alice", InternalID: 1}, session.Login{Platform: account.Web, Expires: start.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := session.New(session.Options{Records: there, Now: now}).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	ds, err := s.Devices(t.Context(), app, []account.UserID{"alice"}, []account.Status{{InternalID: 1}})
	if err != nil || ds[0].State() != session.Online {
		t.Errorf("alice is %+v, %v", ds, err)
	}
}

// TestDue makes random changes, and compares the times at which something is due with what
// is stored.
func TestDue(t *testing.T) {
	each(t, func(v *env) {
		seed := rand.Uint64()
		v.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 0))
		users := []account.UserID{"a", "b", "c"}
		for range 150 {
			v.change(rnd, users[rnd.IntN(len(users))])
			v.checkDue()
			if rnd.IntN(2) == 0 {
				v.advance(time.Duration(rnd.IntN(100)) * time.Second) // without a sweep
			}
			for _, user := range users {
				v.stateAfter(user, v.now().Unix()-rnd.Int64N(1000))
				v.state(user)
			}
		}
		if err := v.s.EndAll(v.Context(), v.app(appID), session.Kicked, users...); err != nil {
			v.Fatal(err)
		}
		v.advance(time.Hour)
		v.sweep()
		v.checkDue()
		if page := v.list(); len(page) > 0 {
			v.Errorf("%d accounts are left", len(page))
		}
	})
}

// change makes a random change.
func (v *env) change(rnd *rand.Rand, user account.UserID) {
	v.Helper()
	at, ctx := v.at(user), v.Context()
	var id uint64
	for _, p := range v.list() {
		if p.User == user && len(p.Devices) > 0 {
			id = p.Devices[rnd.IntN(len(p.Devices))].ID
		}
	}
	platforms := account.Platforms()
	var err error
	switch rnd.IntN(9) {
	case 0, 1:
		_, err = v.s.Login(ctx, at, session.Login{Platform: platforms[rnd.IntN(len(platforms))]})
	case 2:
		_, err = v.s.Login(ctx, at, session.Login{Platform: account.Web, Expires: v.now().Add(time.Duration(rnd.IntN(1000)) * time.Second)})
	case 3:
		err = v.s.Drop(ctx, at, id)
	case 4:
		err = v.s.Silence(ctx, at, id, session.Unreachable)
	case 5:
		_, err = v.s.Reconnect(ctx, at, id)
	case 6:
		err = v.s.Logout(ctx, at, id)
	case 7:
		v.advance(time.Duration(rnd.IntN(500)) * time.Second)
		v.sweep()
	case 8:
		err = v.s.EndAll(ctx, at.App, session.Kicked, user)
	}
	if err != nil && account.CodeOf(err) != account.NoDevice {
		v.Fatal(err)
	}
}

var errNothing = errors.New("nothing changes")

// checkDue compares the records of what is due with the login sessions.
func (v *env) checkDue() {
	v.Helper()
	due, err := v.r.DueBy(v.Context(), appID, 1<<62, 1000)
	if err != nil {
		v.Fatal(err)
	}
	var want []records.Due
	for _, p := range v.list() {
		err := v.r.ChangePresences(v.Context(), appID, []account.UserID{p.User}, func(cs []records.PresenceChange) ([]account.Write, error) {
			if cs[0].Due != 0 {
				want = append(want, records.Due{User: p.User, At: cs[0].Due})
			}
			return nil, errNothing
		}, func() {})
		if !errors.Is(err, errNothing) {
			v.Fatal(err)
		}
	}
	order := func(a, b records.Due) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.User, b.User)) }
	slices.SortFunc(due, order)
	slices.SortFunc(want, order)
	if !slices.Equal(due, want) {
		v.Fatalf("%v is due, want %v", due, want)
	}
}

// TestRun lets a server report what comes due by real time, and at once after Wake. It looks
// again after a failure.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &env{T: t, kind: anystore.Mem}
		v.e = checked.New(anystore.OpenDir(t, v.kind, ""))
		v.r = records.New(v.e, nil)
		if _, err := v.r.CreateApp(t.Context(), account.App{ID: appID, Edition: account.Development, Admins: []account.UserID{"a"}}, account.AuditEntry{Time: time.Now()}); err != nil {
			t.Fatal(err)
		}
		var offset atomic.Int64
		var events atomic.Int64
		v.s = session.New(session.Options{
			Records: v.r, Now: func(*account.App) time.Time { return time.Now().Add(time.Duration(offset.Load())) },
			Announce: func(account.Event) { events.Add(1) },
		})
		ctx, stop := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- v.s.Run(ctx, func(err error) { t.Error(err) }) }()
		in := v.login("alice", session.Login{Platform: account.Web})
		if err := v.s.Silence(t.Context(), v.at("alice"), in.Device.ID, session.Unreachable); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if n := events.Load(); n != 1 {
			t.Errorf("%d events before the minute", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := events.Load(); n != 2 {
			t.Errorf("%d events after the minute", n)
		}
		v.login("alice", session.Login{Platform: account.Web, Expires: time.Now().Add(time.Hour)})
		time.Sleep(1500 * time.Millisecond) // the time of the login is known
		offset.Store(int64(time.Hour))
		v.s.Wake()
		synctest.Wait()
		if n := events.Load(); n != 4 {
			t.Errorf("%d events after the clock was advanced", n)
		}
		stop(errors.New("the test ends"))
		if err := <-done; err != nil {
			t.Error(err)
		}
		v.e.Close()
	})
}

// TestBadLogin checks what a device may say.
func TestBadLogin(t *testing.T) {
	each(t, func(v *env) {
		for want, l := range map[string]session.Login{
			"the platform is missing":      {},
			`the platform "tv" is unknown`: {Platform: "tv"},
			"the instance has 65 bytes":    {Platform: account.Web, Instance: fmt.Sprintf("%065d", 0)},
			"has other characters":         {Platform: account.Web, Instance: "a\n"},
		} {
			_, err := v.s.Login(v.Context(), v.at("alice"), l)
			checkDetail(v, err, want)
		}
		id := v.login("alice", session.Login{Platform: account.Web}).Device.ID
		checkDetail(v, v.s.SetStatus(v.Context(), v.at("alice"), fmt.Sprintf("%0101d", 0)), "has 101 bytes")
		checkDetail(v, v.s.SetStatus(v.Context(), v.at("alice"), "\xff"), "no UTF-8")
		checkDetail(v, v.s.Silence(v.Context(), v.at("alice"), id, "rain"), `the reason "rain"`)
	})
}

func checkDetail(v *env, err error, want string) {
	v.Helper()
	if account.CodeOf(err) != account.BadParameter || !strings.Contains(account.DetailOf(err), want) {
		v.Errorf("%v, want an error with %q", err, want)
	}
}
