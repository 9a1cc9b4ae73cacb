package api

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/usersig"
)

const checkPath = "/v4/im_open_login_svc/account_check"

// ask calls account_check with a UserSig and returns the code of the answer.
func (f *fixture) ask(tb testing.TB, app account.AppID, identifier, sig string) int {
	tb.Helper()
	return *f.post(tb, request("POST", checkPath, params(app, identifier, sig), `{"CheckItem":[{"UserID":"x"}]}`)).ErrorCode
}

func (f *fixture) change(tb testing.TB, fn func(*account.App) error) {
	tb.Helper()
	if _, err := f.dir.ChangeApp(tb.Context(), "test", directory.AppChange{App: plainApp, Action: "test", Apply: fn}); err != nil {
		tb.Fatal(err)
	}
}

// TestSigCacheJudgesEveryCall asks with one UserSig again and again, while what
// it is held against changes. Each answer must be what a server without memory
// would give.
func TestSigCacheJudgesEveryCall(t *testing.T) {
	open := account.Settings{RateMode: account.RateOff}
	f := newFixture(t, account.App{ID: plainApp, Settings: open}, account.App{ID: listedApp, Settings: open})
	start := f.time
	sig := sign(t, testKey, plainApp, "administrator", start.Unix())
	addKey := func(k account.Key) func() {
		return func() { f.change(t, func(a *account.App) error { a.Keys = append(a.Keys, k); return nil }) }
	}
	retire := func(at time.Time) func() {
		return func() { f.change(t, func(a *account.App) error { a.Keys[0].Retired = at; return nil }) }
	}
	const day = 24 * time.Hour
	app, user := plainApp, "administrator"
	for _, step := range []struct {
		name   string
		change func()
		want   int
	}{
		{"first", func() {}, 0},
		{"again", func() {}, 0},
		{"other user", func() { user = "nobody" }, 70013},
		{"other app with the same key", func() { app, user = listedApp, "administrator" }, 70014},
		{"itself again", func() { app = plainApp }, 0},
		{"in its last second", func() { f.time = start.Add(day + time.Second - 1) }, 0},
		{"a moment later", func() { f.time = start.Add(day + time.Second) }, 70001},
		{"before its issue", func() { f.time = start.Add(-day) }, 0},
		{"kicked", func() { f.time = start; kick(t, f, "administrator", start.Add(time.Second)) }, 70052},
		{"kicked, as expired", func() {
			f.change(t, func(a *account.App) error { a.Settings.KickedAsExpired = true; return nil })
		}, 70001},
		{"a UserSig from after the kick", func() { sig = sign(t, testKey, plainApp, user, start.Add(time.Second).Unix()) }, 0},
		{"a second key", addKey(account.Key{ID: "2", Kind: account.HMACKey, Secret: "another"}), 0},
		{"the first key retires in an hour", retire(start.Add(time.Hour)), 0},
		{"a moment before", func() { f.time = start.Add(time.Hour - 1) }, 0},
		{"again a moment before", func() {}, 0},
		{"then", func() { f.time = start.Add(time.Hour) }, 70009},
		{"the clock set back", func() { f.time = start }, 0},
		{"the first key retired", retire(start), 70009},
		{"signed with the second", func() { sig = sign(t, "another", plainApp, user, start.Add(time.Second).Unix()) }, 0},
		{"and again", func() {}, 0},
		{"without any key", func() { f.change(t, func(a *account.App) error { a.Keys = nil; return nil }) }, 70009},
	} {
		step.change()
		for range 2 {
			if got := f.ask(t, app, user, sig); got != step.want {
				t.Errorf("%s: code = %d, want %d", step.name, got, step.want)
			}
		}
	}
}

// TestSigCacheAdmin takes the role of an admin away whose UserSig is remembered.
func TestSigCacheAdmin(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp, Admins: []account.UserID{"boss"}, Settings: account.Settings{RateMode: account.RateOff}})
	sig := sign(t, testKey, plainApp, "boss", f.time.Unix())
	for range 2 {
		if got := f.ask(t, plainApp, "boss", sig); got != 0 {
			t.Errorf("an admin: code = %d", got)
		}
	}
	f.change(t, func(a *account.App) error { a.Admins = []account.UserID{account.Administrator}; return nil })
	if got, want := f.ask(t, plainApp, "boss", sig), 70403; got != want {
		t.Errorf("no longer an admin: code = %d, want %d", got, want)
	}
}

// TestSigCacheRemembers counts what is remembered: good ones, in bounds, and
// nothing that was refused.
func TestSigCacheRemembers(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp, Settings: account.Settings{RateMode: account.RateOff}})
	now := f.time.Unix()
	good := sign(t, testKey, plainApp, "administrator", now)
	for _, bad := range []string{"x", sign(t, "other", plainApp, "administrator", now), sign(t, testKey, listedApp, "administrator", now), sign(t, testKey, plainApp, "x", now), good[:len(good)-4]} {
		f.ask(t, plainApp, "administrator", bad)
	}
	if n := f.sigs.len(); n != 0 {
		t.Errorf("%d UserSigs are remembered that were refused", n)
	}
	for range 3 {
		f.ask(t, plainApp, "administrator", good)
	}
	if n := f.sigs.len(); n != 1 {
		t.Errorf("one UserSig is remembered %d times", n)
	}
	ring := f.keys.Of(mustApp(t, f))
	got := f.sigs.find(ring, good, f.time)
	want := usersig.Sig{Version: 2, SDKAppID: uint32(plainApp), Identifier: "administrator", IssuedAt: now, Expire: 24 * 60 * 60}
	if got == nil || fmt.Sprint(*got) != fmt.Sprint(want) {
		t.Errorf("remembered as %+v, want %+v", got, want)
	}
	if f.sigs.find(new(keyring), good, f.time) != nil {
		t.Error("another keyring finds it too")
	}
	f.sigs.add(ring, string(make([]byte, maxCachedText+1)), &want, time.Time{})
	f.sigs.add(ring, "an id over the limit", &usersig.Sig{Identifier: string(make([]byte, account.MaxUserIDBytes+1))}, time.Time{})
	if n := f.sigs.len(); n != 1 {
		t.Errorf("something too long is remembered: %d entries", n)
	}
}

// TestSigCacheIsBounded adds far more than fits, and checks that what is there
// is the right thing.
func TestSigCacheIsBounded(t *testing.T) {
	c, ring, now := newSigCache(), new(keyring), time.Unix(1700000000, 0)
	const n = 4 * sigSets * sigWays
	for i := range n {
		c.add(ring, fmt.Sprint(i), &usersig.Sig{IssuedAt: int64(i)}, time.Time{})
	}
	if got, least := c.len(), sigSets*sigWays*9/10; got > sigSets*sigWays || got < least {
		t.Errorf("%d of %d are remembered, want %d to %d", got, n, least, sigSets*sigWays)
	}
	for i := range n {
		if sig := c.find(ring, fmt.Sprint(i), now); sig != nil && sig.IssuedAt != int64(i) {
			t.Errorf("%d was found as %d", i, sig.IssuedAt)
		}
	}
}

// len counts the entries.
func (c *sigCache) len() int {
	n := 0
	for i := range c.sets {
		for k := range c.sets[i] {
			if c.sets[i][k].Load() != nil {
				n++
			}
		}
	}
	return n
}

func mustApp(tb testing.TB, f *fixture) *account.App {
	tb.Helper()
	app, err := f.dir.App(tb.Context(), plainApp)
	if err != nil {
		tb.Fatal(err)
	}
	return app
}

// sigBench returns a function that verifies a UserSig as a request does. If
// fresh is true it is never remembered.
func sigBench(tb testing.TB, fresh bool) func() {
	tb.Helper()
	s := newRepeater(tb, "account_check", checkBody).server
	app, err := s.dir.App(tb.Context(), plainApp)
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Now()
	text := sign(tb, testKey, plainApp, "administrator", now.Unix())
	c := &call{app: app, admin: "administrator"}
	return func() {
		if fresh {
			s.sigs.forget(text)
		}
		if _, err := s.genuine(tb.Context(), c, text, now); err != nil {
			tb.Fatal(err)
		}
	}
}

func (c *sigCache) forget(text string) { c.place(&genuine{hash: c.hash(text), text: text}).Store(nil) }

func BenchmarkUserSigHit(b *testing.B) {
	verify := sigBench(b, false)
	b.ReportAllocs()
	for b.Loop() {
		verify()
	}
}

func BenchmarkUserSigMiss(b *testing.B) {
	verify := sigBench(b, true)
	b.ReportAllocs()
	for b.Loop() {
		verify()
	}
}
