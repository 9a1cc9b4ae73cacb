package auth

import (
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// TestLockout sends bad UserSigs from one address. After the limit even a
// genuine one is refused, but only for this app and this address.
func TestLockout(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp, Settings: account.Settings{LockoutAfter: 2}}, account.App{ID: secondApp, Settings: account.Settings{LockoutAfter: 2}})
	now := f.time.Unix()
	good := sign(t, testKey, firstApp, "administrator", now)
	kicked := sign(t, testKey, firstApp, "administrator", now-1)
	f.kick(t, firstApp, "administrator", f.time)
	other := peer.Next()
	for _, step := range []struct {
		name string
		got  string
		want string
	}{
		{"a first mistake", f.ask(t, firstApp, "administrator", "x"), "malformed"},
		{"kicked, which is none", f.ask(t, firstApp, "administrator", kicked), "kicked"},
		{"good", f.ask(t, firstApp, "administrator", good), "admin"},
		{"a second mistake", f.ask(t, firstApp, "administrator", sign(t, "other", firstApp, "administrator", now)), "bad signature"},
		{"good, but late", f.ask(t, firstApp, "administrator", good), "locked out"},
		{"another app", f.ask(t, secondApp, "administrator", sign(t, testKey, secondApp, "administrator", now)), "admin"},
		{"another address", f.askFrom(t, other, firstApp, "administrator", good), "admin"},
	} {
		if step.got != step.want {
			t.Errorf("%s: %s, want %s", step.name, step.got, step.want)
		}
	}
	f.time = f.time.Add(lockoutWindow)
	if got := f.ask(t, firstApp, "administrator", good); got != "admin" {
		t.Errorf("after a minute: %s", got)
	}
}

func TestLockoutForgets(t *testing.T) {
	l, now, who := newLockout(), time.Unix(1700000000, 0), suspect{firstApp, peer}
	l.strike(who, now)
	if l.locked(who, 2, now) {
		t.Error("locked after one mistake of two")
	}
	l.strike(who, now)
	if !l.locked(who, 2, now.Add(lockoutWindow-1)) {
		t.Error("not locked within the minute")
	}
	if l.locked(who, 2, now.Add(lockoutWindow)) {
		t.Error("still locked after the minute")
	}
	l.strike(who, now.Add(lockoutWindow))
	if l.locked(who, 2, now.Add(lockoutWindow)) {
		t.Error("mistakes of before the pause still count")
	}
}

// TestLockoutLasts checks that the minute of a lockout begins with the last bad
// UserSig, not with the first.
func TestLockoutLasts(t *testing.T) {
	l, now, who := newLockout(), time.Unix(1700000000, 0), suspect{firstApp, peer}
	l.strike(who, now)
	last := now.Add(lockoutWindow / 2)
	l.strike(who, last)
	if !l.locked(who, 2, last.Add(lockoutWindow-1)) {
		t.Error("not locked for a minute after the last mistake")
	}
	if l.locked(who, 2, last.Add(lockoutWindow)) {
		t.Error("locked for longer than a minute after the last mistake")
	}
}

// TestLockoutOutOfBounds stores a limit that no version accepts. It locks
// nobody out.
func TestLockoutOutOfBounds(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp})
	_, err := records.New(f.store, nil).UpdateApp(t.Context(), firstApp, func(a account.App) (account.App, error) {
		a.Settings.LockoutAfter = -1
		return a, nil
	}, account.AuditEntry{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := f.ask(t, firstApp, "administrator", "x"); got != "malformed" {
			t.Error(got)
		}
	}
}
