package figures_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/figures"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
)

// A service is a store and the servers that use it. Its time passes only if a test says so.
type service struct {
	*testing.T
	kind, dir string
	shared    bool // several servers use the store
	e         account.Engine
	now       time.Time
	at        map[string]*serverOf // by the name of the node
}

// A serverOf is a server of a service.
type serverOf struct {
	*service
	dir *directory.Directory
	f   *figures.Figures
}

// newService returns a service with an app with settings, and servers.
func newService(t *testing.T, kind string, settings account.Settings, nodes ...string) *service {
	s := &service{T: t, kind: kind, dir: t.TempDir(), shared: len(nodes) > 1, now: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC), at: map[string]*serverOf{}}
	s.open()
	t.Cleanup(func() { _ = s.e.Close() })
	for _, name := range nodes {
		s.start(name)
	}
	_, err := s.at[nodes[0]].dir.CreateApp(t.Context(), "test", account.App{ID: app, Edition: account.Development, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *service) open() { s.e = checked.New(anystore.OpenDir(s.T, s.kind, s.dir)) }

// start starts a server, or again after it has stopped.
func (s *service) start(name string) {
	s.Helper()
	r, v := records.New(s.e, nil), &serverOf{service: s}
	v.dir = directory.New(directory.Options{
		Engine: s.e, Records: r, Clock: func(account.AppID) time.Time { return s.now },
		Tally:  func(app account.AppID, created, deleted int) { v.f.Accounts(app, created, deleted) },
		Logins: func(app account.AppID, c session.Count) { v.f.Logins(app, c) },
	})
	v.f = figures.New(figures.Options{
		Records: r, Apps: v.dir, Node: name, Shared: s.shared, Logger: testutil.Logger(s), Now: func() time.Time { return s.now },
	})
	if !s.shared {
		if err := v.dir.KeepSessions(s.Context()); err != nil {
			s.Fatal(err)
		}
	}
	s.at[name] = v
}

// restart stops all servers and starts them again.
func (s *service) restart() {
	s.Helper()
	for _, v := range s.at {
		if err := v.f.FlushLast(s.Context()); err != nil {
			s.Fatal(err)
		}
	}
	if s.kind != anystore.Mem {
		if err := s.e.Close(); err != nil {
			s.Fatal(err)
		}
		s.open()
	}
	for name := range s.at {
		s.start(name)
	}
}

func (v *serverOf) flush() {
	v.Helper()
	if err := v.f.Flush(v.Context()); err != nil {
		v.Fatal(err)
	}
}

func (v *serverOf) store() {
	v.Helper()
	if err := v.f.Store(v.Context()); err != nil {
		v.Fatal(err)
	}
}

func (v *serverOf) app() *account.App {
	v.Helper()
	a, err := v.dir.App(v.Context(), app)
	if err != nil {
		v.Fatal(err)
	}
	return a
}

func (v *serverOf) create(ids ...account.UserID) {
	v.Helper()
	items := make([]account.Upsert, len(ids))
	for i, id := range ids {
		items[i].ID = id
	}
	if _, err := v.dir.Import(v.Context(), v.app(), items); err != nil {
		v.Fatal(err)
	}
}

// login logs in the device of an account on a platform, and creates the account if
// necessary.
func (v *serverOf) login(id account.UserID, p account.Platform) {
	v.Helper()
	_, err := v.dir.Login(v.Context(), app, id, session.Login{Platform: p, Instance: "one"})
	if err != nil {
		v.Fatal(err)
	}
}

// kick logs out all devices of an account. A login in the same second would be before it.
func (v *serverOf) kick(id account.UserID) {
	v.Helper()
	if err := v.dir.Kick(v.Context(), v.app(), id); err != nil {
		v.Fatal(err)
	}
	v.now = v.now.Add(time.Second)
}

// days returns the days on which something happened, by their dates.
func (v *serverOf) days() map[string]figures.Day {
	v.Helper()
	list, err := v.f.ReadDays(v.Context(), v.app())
	if err != nil {
		v.Fatal(err)
	}
	if len(list) != figures.Days {
		v.Fatalf("%d days", len(list))
	}
	by := map[string]figures.Day{}
	today, err := time.Parse(time.DateOnly, v.now.In(v.app().Zone()).Format(time.DateOnly))
	if err != nil {
		v.Fatal(err)
	}
	for i, d := range list {
		date := d.Date.Format(time.DateOnly)
		if want := today.AddDate(0, 0, i-figures.Days+1).Format(time.DateOnly); date != want {
			v.Errorf("day %d is %s, want %s", i, date, want)
		}
		if before := d.Date.Add(-time.Nanosecond).Format(time.DateOnly); before == date {
			v.Errorf("day %s has begun before %v", date, d.Date)
		}
		if d.Date = (time.Time{}); d != (figures.Day{Accounts: d.Accounts}) {
			by[date] = d
		}
	}
	return by
}

// want compares figures with the days on which something happened. It ignores the numbers
// of accounts.
func (v *serverOf) want(what string, want map[string]figures.Day) {
	v.Helper()
	got := v.days()
	for date, d := range got {
		d.Accounts = 0
		got[date] = d
	}
	if diff := cmp.Diff(want, got); diff != "" {
		v.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// A model is what a service should have counted.
type model struct {
	created, deleted, logins map[string]int64
	users                    map[string]map[string]bool // incarnations of accounts
	life                     map[account.UserID]int     // incarnation of an account; odd while it exists
}

func (m *model) days() map[string]figures.Day {
	days := map[string]figures.Day{}
	for date := range maps.Keys(m.created) {
		days[date] = figures.Day{Created: m.created[date], Deleted: m.deleted[date], Logins: m.logins[date], Users: int64(len(m.users[date]))}
	}
	maps.DeleteFunc(days, func(_ string, d figures.Day) bool { return d == figures.Day{} })
	return days
}

// random does something at random with an account.
func (m *model) random(v *serverOf, rnd *rand.Rand) {
	v.Helper()
	date := v.now.In(v.app().Zone()).Format(time.DateOnly)
	m.created[date] += 0
	id := account.UserID(fmt.Sprint("u", rnd.IntN(6)))
	exists := m.life[id]%2 == 1
	switch n := rnd.IntN(10); {
	case n < 6:
		v.login(id, account.Android)
		if !exists {
			m.life[id]++
			m.created[date]++
		}
		m.logins[date]++
		if m.users[date] == nil {
			m.users[date] = map[string]bool{}
		}
		m.users[date][fmt.Sprint(id, m.life[id])] = true
	case n < 8 && exists:
		if _, err := v.dir.Delete(v.Context(), v.app(), []account.UserID{id}); err != nil {
			v.Fatal(err)
		}
		m.life[id]++
		m.deleted[date]++
	case n == 8 && exists:
		v.kick(id)
	}
}

// TestDays does things at random on two servers, which restart now and then, and compares the
// figures with a model.
func TestDays(t *testing.T) {
	for kind, rounds := range map[string]int{anystore.Mem: 20, anystore.Pebble: 4, anystore.Postgres: 2} {
		t.Run(kind, func(t *testing.T) {
			for seed := range uint64(rounds) {
				testDays(t, kind, seed)
			}
		})
	}
}

func testDays(t *testing.T, kind string, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := newService(t, kind, account.Settings{}, "a", "b")
	m := &model{map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]map[string]bool{}, map[account.UserID]int{}}
	for step := range 150 {
		one, other := "a", "b"
		if rnd.IntN(2) == 0 {
			one, other = other, one
		}
		switch rnd.IntN(12) {
		case 0:
			s.restart()
		case 1, 2:
			s.now = s.now.Add(time.Duration(rnd.IntN(300)) * time.Minute)
		case 3:
			s.at[one].flush()
		case 4: // one has what is not stored, and knows of the other one what is stored
			s.at[other].flush()
			s.at[one].want(fmt.Sprintf("%s: seed %d, step %d", kind, seed, step), m.days())
		default:
			m.random(s.at[one], rnd)
		}
	}
	s.restart()
	s.at["a"].want(fmt.Sprintf("%s: seed %d, at the end", kind, seed), m.days())
}

// TestZones checks when a day begins. In the last zones it begins at 1 o'clock, because
// daylight saving begins at midnight.
func TestZones(t *testing.T) {
	for zone, begin := range map[string]string{
		"":                 "2026-05-06T16:00:00Z",
		"Asia/Shanghai":    "2026-05-06T16:00:00Z",
		"UTC":              "2026-05-07T00:00:00Z",
		"Asia/Kolkata":     "2026-05-06T18:30:00Z",
		"Europe/Berlin":    "2026-05-06T22:00:00Z",
		"America/Toronto":  "2026-05-07T04:00:00Z",
		"America/Santiago": "2026-09-06T04:00:00Z",
		"America/Havana":   "2026-03-08T05:00:00Z",
		"Africa/Cairo":     "2026-04-23T22:00:00Z",
		"Asia/Beirut":      "2026-03-28T22:00:00Z",
	} {
		at, err := time.Parse(time.RFC3339, begin)
		if err != nil {
			t.Fatal(err)
		}
		testZone(t, zone, at)
	}
}

// testZone checks the days before and after a midnight of a zone.
func testZone(t *testing.T, zone string, midnight time.Time) {
	s := newService(t, anystore.Mem, account.Settings{FiguresZone: zone}, "a")
	v := s.at["a"]
	s.now = midnight.Add(-time.Nanosecond)
	before := s.now.In(v.app().Zone()).Format(time.DateOnly)
	v.login("a", account.Android)
	s.now = midnight
	after := s.now.In(v.app().Zone()).Format(time.DateOnly)
	v.login("a", account.Android)
	v.login("b", account.Android)
	want := map[string]figures.Day{before: {Created: 1, Logins: 1, Users: 1, Online: 1}, after: {Created: 1, Logins: 2, Users: 2, Online: 2}}
	v.want("counted in zone "+zone, want)
	v.flush()
	v.want("stored in zone "+zone, want)
	s.now = midnight.Add(25 * 24 * time.Hour)
	v.login("a", account.Android)
	want[s.now.In(v.app().Zone()).Format(time.DateOnly)] = figures.Day{Logins: 1, Users: 1, Online: 2}
	v.want("weeks later in zone "+zone, want)
}

// TestOldDays checks that days are read for 30 days and then removed.
func TestOldDays(t *testing.T) {
	s := newService(t, anystore.Mem, account.Settings{}, "a", "b")
	v := s.at["a"]
	v.login("a", account.Android)
	v.store()
	for range 29 {
		s.now = s.now.Add(24 * time.Hour)
	}
	v.store()
	v.want("after 29 days", map[string]figures.Day{"2026-05-06": {Created: 1, Logins: 1, Users: 1}})
	s.now = s.now.Add(24 * time.Hour)
	v.store()
	v.want("after 30 days", map[string]figures.Day{})
	s.now = s.now.Add(48 * time.Hour)
	v.store()
	page, err := s.e.Records(t.Context(), account.RecordQuery{Kind: 13, Prefix: fmt.Sprintf("%010d/u/", app), Limit: 10})
	if err != nil || len(page.Records) != 0 {
		t.Errorf("%d sets of accounts remain, %v", len(page.Records), err)
	}
}

// TestOnline checks the largest number of accounts that are online at once, on a store of one
// server, over a midnight and a restart.
func TestOnline(t *testing.T) {
	s := newService(t, anystore.Pebble, account.Settings{FiguresZone: "UTC"}, "a")
	online := func(what string, want ...int64) {
		t.Helper()
		days := s.at["a"].days()
		for i, n := range want {
			if date := fmt.Sprintf("2026-05-%02d", 6+i); days[date].Online != n {
				t.Errorf("%s: %d on %s, want %d", what, days[date].Online, date, n)
			}
		}
	}
	v := s.at["a"]
	v.login("a", account.Android)
	v.login("a", account.Web)
	v.login("b", account.Android)
	online("two accounts", 2)
	v.login("c", account.Web)
	v.kick("a")
	v.login("a", account.Web)
	online("one comes and goes", 3)
	s.restart()
	v = s.at["a"]
	v.login("d", account.Web)
	online("after a restart", 4)
	v.kick("a")
	s.now = time.Date(2026, 5, 7, 0, 0, 0, 0, time.UTC)
	v.store()
	online("who is online at midnight", 4, 3)
	v.kick("b")
	v.login("a", account.Web)
	s.restart()
	online("at the end", 4, 3)
}

// TestOnlineShared checks that one of several servers counts the accounts that are online,
// every few minutes.
func TestOnlineShared(t *testing.T) {
	for _, kind := range []string{anystore.Mem, anystore.Postgres} {
		t.Run(kind, func(t *testing.T) {
			s := newService(t, kind, account.Settings{FiguresZone: "UTC"}, "a", "b")
			count := func(want int64) {
				t.Helper()
				for _, name := range []string{"a", "b"} {
					if err := s.at[name].f.CountOnline(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				s.at["a"].flush()
				if d := s.at["b"].days()["2026-05-06"]; d.Online != want {
					t.Errorf("%d are online, want %d", d.Online, want)
				}
			}
			s.at["a"].login("a", account.Android)
			s.at["b"].login("b", account.Web)
			s.at["b"].flush()
			count(2)
			s.at["b"].login("c", account.Web)
			s.now = s.now.Add(4 * time.Minute)
			count(2)
			s.now = s.now.Add(time.Minute)
			count(3)
		})
	}
}

// TestManyUsers lets more accounts log in between two flushes than one commit can hold.
func TestManyUsers(t *testing.T) {
	s := newService(t, anystore.Mem, account.Settings{}, "a")
	v := s.at["a"]
	const n = 3 * records.MaxFigureUsers / 2
	ids := make([]uint64, n)
	for i := range ids {
		ids[i] = uint64(i) << 20
	}
	for round := range 3 {
		for i := range ids {
			ids[i] += uint64(round % 2) // the last round has those of the second one
		}
		v.f.Logins(app, session.Count{Logins: n, Users: ids})
		v.flush()
	}
	v.want("stored", map[string]figures.Day{"2026-05-06": {Logins: 3 * n, Users: 2 * n}})
}

// A hanging engine does not end its commits before their context.
type hanging struct {
	account.Engine
	commits chan struct{} // gets each commit
}

func (h hanging) Commit(ctx context.Context, _ account.Commit) (uint64, error) {
	h.commits <- struct{}{}
	<-ctx.Done()
	return 0, account.Ended(ctx)
}

// TestReaderDoesNotHang reads days while the store does not finish a flush.
func TestReaderDoesNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		h := hanging{b.e, make(chan struct{})}
		f := b.nodeOn("a", h)
		call(f, app, 0)
		ended := make(chan error)
		go func() { ended <- f.Flush(t.Context()) }()
		<-h.commits
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := f.ReadDays(ctx, &account.App{ID: app}); account.CodeOf(err) != account.Unavailable || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if err := <-ended; err == nil {
			t.Error("the flush has not failed")
		}
		if _, err := f.ReadDays(t.Context(), &account.App{ID: app}); err != nil {
			t.Error(err)
		}
	})
}

// TestWebhooks counts webhooks.
func TestWebhooks(t *testing.T) {
	s := newService(t, anystore.Mem, account.Settings{}, "a")
	v := s.at["a"]
	for _, ok := range []bool{true, false, true} {
		v.f.Webhook(app, ok)
	}
	v.want("of webhooks", map[string]figures.Day{"2026-05-06": {Sent: 3, Answered: 2}})
}

// BenchmarkLogins measures what figures add to a login.
func BenchmarkLogins(b *testing.B) {
	f := figures.New(figures.Options{Records: records.New(new(mem.Store), nil)})
	b.RunParallel(func(pb *testing.PB) {
		id := rand.Uint64N(1_000_000)
		for pb.Next() {
			id = (id + 7919) % 1_000_000
			f.Logins(app, session.Count{Logins: 1, Users: []uint64{id}})
		}
	})
}
