package postgres

import (
	"context"
	"math"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/testutil/pgtest"
)

const (
	watchApp   account.AppID = 1400000001
	watchOther account.AppID = 1400000002
)

var watchTime = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// openStill opens a store without a poll of its own.
func openStill(tb testing.TB, url string) *Store {
	tb.Helper()
	s := open(tb, Options{URL: url})
	tb.Cleanup(func() { _ = s.Close() })
	s.stop()
	s.polls.Wait()
	return s
}

// poll polls once.
func (s *Store) pollOnce(tb testing.TB) {
	tb.Helper()
	if err := s.watch.poll(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.watch.disconnect)
}

// watches fails the test unless the watermark of an id in memory is want.
func (s *Store) watches(tb testing.TB, id account.UserID, want int64) {
	tb.Helper()
	s.watch.mu.RLock()
	defer s.watch.mu.RUnlock()
	if got := s.watch.kicks[watchApp][id].seconds; got != want {
		tb.Errorf("the watermark of %s is %d, want %d", id, got, want)
	}
}

func openSpace(tb testing.TB, s *Store, sp account.Space) {
	tb.Helper()
	sp.Now = watchTime
	if _, err := s.Commit(tb.Context(), account.Commit{Spaces: []account.Space{sp}}); err != nil {
		tb.Fatal(err)
	}
}

func kickID(tb testing.TB, s *Store, id account.UserID, at int64) {
	tb.Helper()
	codes, err := s.Update(tb.Context(), watchApp, []account.Patch{{ID: id, Kicked: at}}, account.ChangePolicy{Now: watchTime})
	if err != nil || codes[0] != account.OK {
		tb.Fatal(codes, err)
	}
}

// TestWatchSlowReplace replaces the accounts of a space in a transaction that is longer than
// a poll of another handle looks back.
func TestWatchSlowReplace(t *testing.T) {
	if citusURL != "" {
		t.Skip("Citus has no triggers on these tables")
	}
	url := database(t)
	s := open(t, Options{URL: url})
	defer s.Close()
	openSpace(t, s, account.Space{App: watchApp, Admins: []account.UserID{"boss"}})
	openSpace(t, s, account.Space{App: watchOther})
	kickID(t, s, "boss", 7)
	dump, err := s.Dump(t.Context(), watchApp, 10)
	if err != nil {
		t.Fatal(err)
	}
	other := openStill(t, url)
	other.watches(t, "boss", 7)
	const earlier = `CREATE FUNCTION earlier() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.kicked_us := NEW.kicked_us - 3600000000; RETURN NEW; END';
		CREATE TRIGGER earlier BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION earlier()`
	run(t, connect(t, url), earlier)
	dump.Accounts[0].Kicked = 9
	openSpace(t, s, account.Space{App: watchApp, Replace: dump})
	s.watches(t, "boss", 9)
	other.pollOnce(t)
	other.watches(t, "boss", 9)
}

// TestWatchOwnSpaces changes a space while a poll is under way. The poll counts, but not for
// that space.
func TestWatchOwnSpaces(t *testing.T) {
	url := database(t)
	s, other := openStill(t, url), openStill(t, url)
	openSpace(t, s, account.Space{App: watchApp, Admins: []account.UserID{"a", "b"}})
	openSpace(t, s, account.Space{App: watchOther})
	s.pollOnce(t)
	kickID(t, other, "a", 7)
	before, err := s.watch.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := before.readKicks(t.Context(), s.watch.conn, s.watch.lookBack(before)); err != nil {
		t.Fatal(err)
	}
	openSpace(t, s, account.Space{App: watchApp, Admins: []account.UserID{"a", "b"}, Replace: new(account.Dump)})
	s.watch.apply(before)
	if !s.watch.fresh.Equal(before.began) {
		t.Error("a poll does not count because a space changed meanwhile")
	}
	s.watches(t, "a", 0)
	kickID(t, other, "b", 8)
	s.pollOnce(t)
	s.watches(t, "a", 0)
	s.watches(t, "b", 8)
}

// TestWatchLateRenewal learns of an own change of a space after a later one of another
// handle.
func TestWatchLateRenewal(t *testing.T) {
	url := database(t)
	s, other := openStill(t, url), openStill(t, url)
	openSpace(t, other, account.Space{App: watchOther})
	openSpace(t, other, account.Space{App: watchApp, Admins: []account.UserID{"a"}})
	kickID(t, other, "a", 7)
	s.pollOnce(t)
	s.watch.since += time.Hour.Microseconds()                 // so that the next poll does not find the kick by its time
	later := map[account.AppID]int64{watchApp: math.MaxInt64} // so that the renewal forgets it
	s.watch.renew(&renewal{number: 1, spaces: map[account.AppID]bool{watchApp: true}, clocks: later})
	s.watches(t, "a", 0)
	s.watch.fresh = s.watch.fresh.Add(time.Hour)
	s.pollOnce(t)
	s.watches(t, "a", 7)
}

// TestWatchClock kicks an id after the clock of the database was set back by an hour and no
// poll has succeeded for a minute.
func TestWatchClock(t *testing.T) {
	url := database(t)
	s, other := openStill(t, url), openStill(t, url)
	openSpace(t, other, account.Space{App: watchApp, Admins: []account.UserID{"a"}})
	s.pollOnce(t)
	kickID(t, other, "a", 7)
	s.watch.since += time.Hour.Microseconds()
	s.watch.fresh = s.watch.fresh.Add(-time.Minute)
	s.pollOnce(t)
	s.watches(t, "a", 7)
}

// TestWatchBlind replaces the key of an app on another handle while the polls of a handle
// hang. The handle then reads the database, or fails if that hangs too.
func TestWatchBlind(t *testing.T) {
	direct := database(t)
	p := pgtest.StartProxy(t, direct)
	t.Cleanup(p.Pass)
	s, other := openStill(t, p.URL(direct)), openStill(t, direct)
	one, two := records.New(s, nil), records.New(other, nil)
	by := account.AuditEntry{Time: watchTime, Action: "app.update", App: watchApp}
	key := func(id string) []account.Key {
		return []account.Key{{ID: id, Kind: account.HMACKey, Secret: "secret", Created: watchTime}}
	}
	if _, err := two.CreateApp(t.Context(), account.App{ID: watchApp, Edition: account.Pro, Created: watchTime, Keys: key("k1")}, by); err != nil {
		t.Fatal(err)
	}
	blind := func() { s.watch.fresh = time.Now().Add(-account.MaxStale) }
	now := func() { s.watch.fresh = time.Now().Add(time.Hour) } // however slow the machine is
	check := func(want string) {
		t.Helper()
		if a, err := one.App(t.Context(), watchApp); err != nil || a.Keys[0].ID != want {
			t.Errorf("the app is %+v, %v; want the key %s", a, err, want)
		}
	}
	s.pollOnce(t)
	now()
	check("k1")
	if n := s.Changes(1); n != s.Changes(1) {
		t.Error("Changes differs while the polls succeed")
	}
	_, err := two.UpdateApp(t.Context(), watchApp, func(a account.App) (account.App, error) {
		a.Keys = key("k2")
		return a, nil
	}, by)
	if err != nil {
		t.Fatal(err)
	}
	check("k1") // no poll has seen it
	blind()
	check("k2")
	now()
	check("k2")
	blind()
	p.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if a, err := one.App(ctx, watchApp); account.CodeOf(err) != account.Unavailable {
		t.Errorf("while the database hangs: %+v, %v; want Code unavailable", a, err)
	}
}

// TestWatchKickBeforeRenewal kicks an id after the commit that replaces its space, before the
// handle learns of its own commit. A poll may have seen both.
func TestWatchKickBeforeRenewal(t *testing.T) {
	for name, polls := range map[string]bool{"own": false, "polled": true} {
		t.Run(name, func(t *testing.T) {
			url := database(t)
			var s *Store
			armed := false
			s = open(t, Options{URL: url, hook: func(written bool) error {
				if armed && written {
					armed = false
					kickID(t, s, "a", 9)
					if polls {
						s.pollOnce(t)
						s.watch.since += time.Hour.Microseconds() // so that no other poll finds the kick by its time
						s.watch.fresh = s.watch.fresh.Add(time.Hour)
					}
				}
				return nil
			}})
			defer s.Close()
			s.stop()
			s.polls.Wait()
			openSpace(t, s, account.Space{App: watchApp, Admins: []account.UserID{"a", "b"}})
			kickID(t, s, "b", 5)
			other := open(t, Options{URL: url})
			defer other.Close()
			d, err := other.Dump(t.Context(), watchApp, 10)
			if err != nil {
				t.Fatal(err)
			}
			kickID(t, s, "b", 6)
			armed = true
			openSpace(t, s, account.Space{App: watchApp, Admins: []account.UserID{"a", "b"}, Replace: d})
			s.watches(t, "a", 9)
			s.watches(t, "b", 5)
			s.pollOnce(t)
			s.watches(t, "a", 9)
			s.watches(t, "b", 5)
		})
	}
}

// TestWatchOwnKick kicks an id while a poll is under way that has seen a new generation of
// its space, before or after another handle creates that generation.
func TestWatchOwnKick(t *testing.T) {
	for name, later := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			url := database(t)
			s, other := openStill(t, url), openStill(t, url)
			openSpace(t, other, account.Space{App: watchApp, Admins: []account.UserID{"a", "b"}})
			kickID(t, other, "b", 5)
			s.pollOnce(t)
			third := open(t, Options{URL: url})
			defer third.Close()
			d, err := third.Dump(t.Context(), watchApp, 10)
			if err != nil {
				t.Fatal(err)
			}
			kickID(t, other, "b", 6)
			s.watch.begin()
			if !later {
				kickID(t, s, "a", 9)
			}
			openSpace(t, other, account.Space{App: watchApp, Admins: []account.UserID{"a", "b"}, Replace: d})
			p := &polled{began: time.Now(), again: true, counts: map[int16]int64{}}
			if err := p.read(t.Context(), s.watch.conn); err != nil {
				t.Fatal(err)
			}
			if err := p.readSpaces(t.Context(), s.watch.conn); err != nil {
				t.Fatal(err)
			}
			p.changed = s.watch.unknown(p.generations)
			if err := p.readKicks(t.Context(), s.watch.conn, s.watch.lookBack(p)); err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			if later {
				kickID(t, s, "a", 9)
				want = 9
			}
			s.watch.apply(p)
			s.watches(t, "a", 9) // it may be of either generation
			s.watches(t, "b", 5)
			s.pollOnce(t)
			s.watches(t, "a", want)
			s.watches(t, "b", 5)
		})
	}
}

// TestWatchBurst polls when there are more new kicks than a poll has time for.
func TestWatchBurst(t *testing.T) {
	url := database(t)
	s, other := openStill(t, url), openStill(t, url)
	openSpace(t, other, account.Space{App: watchApp, Admins: []account.UserID{"a"}})
	s.pollOnce(t)
	kickID(t, other, "a", 7)
	s.watch.limit = 1
	if err := s.watch.poll(t.Context()); err == nil {
		t.Fatal("a poll has read the kicks in no time")
	}
	s.watch.disconnect()
	s.pollOnce(t)
	s.watches(t, "a", 7)
}

// TestWatchLateKick commits a kick long after the clock of its transaction.
func TestWatchLateKick(t *testing.T) {
	if citusURL != "" {
		t.Skip("the transaction is on a worker")
	}
	url := database(t)
	s := openStill(t, url)
	openSpace(t, s, account.Space{App: watchApp, Admins: []account.UserID{"a"}})
	late, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const kick = `UPDATE accounts SET kicked_s = 9, kicked_us = ` + clockSQL + ` WHERE userid = 'a'`
	if _, err := late.Exec(t.Context(), kick); err != nil {
		t.Fatal(err)
	}
	pass := func() { // an hour
		s.watch.since += time.Hour.Microseconds()
		s.watch.fresh = s.watch.fresh.Add(time.Hour)
	}
	s.pollOnce(t)
	s.watches(t, "a", 0)
	pass()
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.pollOnce(t)
	s.watches(t, "a", 9)
}
