package auth

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/testutil"
	"rollcall/usersig"
)

// TestSigCacheChecksEveryCall uses one UserSig repeatedly, while the app, the
// keys and the time change. Each result must be the same as without a cache.
func TestSigCacheChecksEveryCall(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp}, account.App{ID: secondApp})
	start := f.time
	sig := sign(t, testKey, firstApp, "administrator", start.Unix())
	addKey := func(k account.Key) func() {
		return func() { f.change(t, func(a *account.App) error { a.Keys = append(a.Keys, k); return nil }) }
	}
	retire := func(at time.Time) func() {
		return func() { f.change(t, func(a *account.App) error { a.Keys[0].Retired = at; return nil }) }
	}
	const day = 24 * time.Hour
	app, user := firstApp, account.UserID("administrator")
	for _, step := range []struct {
		name   string
		change func()
		want   string
	}{
		{"first", func() {}, "admin"},
		{"again", func() {}, "admin"},
		{"other user", func() { user = "nobody" }, "other user"},
		{"other app with the same key", func() { app, user = secondApp, "administrator" }, "other app"},
		{"itself again", func() { app = firstApp }, "admin"},
		{"in its last second", func() { f.time = start.Add(day + time.Second - 1) }, "admin"},
		{"a moment later", func() { f.time = start.Add(day + time.Second) }, "expired"},
		{"before its issue", func() { f.time = start.Add(-day) }, "admin"},
		{"kicked", func() { f.time = start; f.kick(t, firstApp, "administrator", start.Add(time.Second)) }, "kicked"},
		{"a UserSig from after the kick", func() { sig = sign(t, testKey, firstApp, string(user), start.Add(time.Second).Unix()) }, "admin"},
		{"a second key", addKey(account.Key{ID: "2", Kind: account.HMACKey, Secret: "another"}), "admin"},
		{"the first key retires in an hour", retire(start.Add(time.Hour)), "admin"},
		{"a moment before", func() { f.time = start.Add(time.Hour - 1) }, "admin"},
		{"again a moment before", func() {}, "admin"},
		{"then", func() { f.time = start.Add(time.Hour) }, "bad signature"},
		{"the clock set back", func() { f.time = start }, "admin"},
		{"the first key retired", retire(start), "bad signature"},
		{"signed with the second", func() { sig = sign(t, "another", firstApp, string(user), start.Add(time.Second).Unix()) }, "admin"},
		{"and again", func() {}, "admin"},
		{"without any key", func() { f.change(t, func(a *account.App) error { a.Keys = nil; return nil }) }, "bad signature"},
	} {
		step.change()
		for range 2 {
			if got := f.ask(t, app, user, sig); got != step.want {
				t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}
	}
}

// TestSigCacheAdmin takes the role of admin from a user whose UserSig is
// cached.
func TestSigCacheAdmin(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp, Admins: []account.UserID{"boss"}})
	sig := sign(t, testKey, firstApp, "boss", f.time.Unix())
	for range 2 {
		if got := f.ask(t, firstApp, "boss", sig); got != "admin" {
			t.Errorf("an admin: %s", got)
		}
	}
	f.change(t, func(a *account.App) error { a.Admins = []account.UserID{account.Administrator}; return nil })
	if got := f.ask(t, firstApp, "boss", sig); got != "user" {
		t.Errorf("no longer an admin: %s, want user", got)
	}
}

// TestSigCacheRemembers counts the cached entries: genuine UserSigs up to the
// bounds, and none that was refused.
func TestSigCacheRemembers(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp})
	now := f.time.Unix()
	good := sign(t, testKey, firstApp, "administrator", now)
	for _, bad := range []string{"x", sign(t, "other", firstApp, "administrator", now), sign(t, testKey, secondApp, "administrator", now), sign(t, testKey, firstApp, "x", now), good[:len(good)-4]} {
		f.ask(t, firstApp, "administrator", bad)
	}
	if n := f.sigs.len(); n != 0 {
		t.Errorf("%d refused UserSigs are cached", n)
	}
	for range 3 {
		f.ask(t, firstApp, "administrator", good)
	}
	if n := f.sigs.len(); n != 1 {
		t.Errorf("one UserSig is cached %d times", n)
	}
	ring := f.keys.Of(f.app(t, firstApp))
	got := f.sigs.find(ring, good, f.time)
	want := usersig.Sig{Version: 2, SDKAppID: uint32(firstApp), Identifier: "administrator", IssuedAt: now, Expire: 24 * 60 * 60}
	if got == nil || fmt.Sprint(*got) != fmt.Sprint(want) {
		t.Errorf("cached as %+v, want %+v", got, want)
	}
	if f.sigs.find(new(keyring), good, f.time) != nil {
		t.Error("another keyring finds it too")
	}
	f.sigs.add(ring, string(make([]byte, maxCachedText+1)), &want, time.Time{})
	f.sigs.add(ring, "an id over the limit", &usersig.Sig{Identifier: string(make([]byte, account.MaxUserIDBytes+1))}, time.Time{})
	if n := f.sigs.len(); n != 1 {
		t.Errorf("an identifier over the limit is cached: %d entries", n)
	}
}

// TestSigCacheIsBounded adds far more than fits and checks that the remaining
// entries are right.
func TestSigCacheIsBounded(t *testing.T) {
	c, ring, now := newSigCache(), new(keyring), time.Unix(1700000000, 0)
	const n = 4 * sigSets * sigWays
	for i := range n {
		c.add(ring, fmt.Sprint(i), &usersig.Sig{IssuedAt: int64(i)}, time.Time{})
	}
	if got, least := c.len(), sigSets*sigWays*9/10; got > sigSets*sigWays || got < least {
		t.Errorf("%d of %d are cached, want %d to %d", got, n, least, sigSets*sigWays)
	}
	for i := range n {
		if sig := c.find(ring, fmt.Sprint(i), now); sig != nil && sig.IssuedAt != int64(i) {
			t.Errorf("%d was found as %d", i, sig.IssuedAt)
		}
	}
}

// len returns the number of entries.
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

// sigBench returns a function that verifies a UserSig as a request does. If
// fresh is true, the UserSig is never cached.
func sigBench(tb testing.TB, fresh bool) func() {
	tb.Helper()
	f := newFixture(tb, account.App{ID: firstApp})
	c := Credentials{App: f.app(tb, firstApp), Identifier: "administrator", UserSig: sign(tb, testKey, firstApp, "administrator", f.time.Unix())}
	return func() {
		if fresh {
			f.sigs.forget(c.UserSig)
		}
		if _, err := f.verifyCached(tb.Context(), c, f.time); err != nil {
			tb.Fatal(err)
		}
	}
}

func (c *sigCache) forget(text string) { c.slot(&cachedSig{hash: c.hash(text), text: text}).Store(nil) }

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

func TestUserSigAllocs(t *testing.T) {
	if testutil.Race {
		t.Skip("pools drop objects under the race detector")
	}
	if got := testing.AllocsPerRun(200, sigBench(t, false)); got > 0 {
		t.Errorf("a cached UserSig: %v allocations, want none", got)
	}
	if got := testing.AllocsPerRun(200, sigBench(t, true)); got > 6 {
		t.Errorf("a new UserSig: %v allocations, want at most 6", got)
	}
}
