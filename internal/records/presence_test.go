package records_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

// presence returns a Presence that differs from others by n.
func presence(n int64) *records.Presence { return &records.Presence{Account: 1, LastEvent: n} }

func (v *env) setPresence(r *records.Registry, user account.UserID, p *records.Presence) error {
	return r.ChangePresences(v.Context(), app, []account.UserID{user}, func(cs []records.PresenceChange) ([]account.Write, error) {
		cs[0].Next = p
		return nil, nil
	}, func() {})
}

func (v *env) presences(r *records.Registry, users ...account.UserID) []*records.Presence {
	v.Helper()
	found, err := r.Presences(v.Context(), app, users)
	if err != nil {
		v.Fatal(err)
	}
	return found
}

// TestNoPresence checks that the registry knows without the engine that nobody is logged in,
// and sees the first login.
func TestNoPresence(t *testing.T) {
	each(t, func(v *env) {
		none := func(want bool) {
			v.Helper()
			if got, err := v.r.NoPresence(v.Context()); err != nil || got != want {
				v.Errorf("NoPresence = %v, %v; want %v", got, err, want)
			}
		}
		none(true)
		none(true)
		if err := v.setPresence(v.r, "a", presence(1)); err != nil {
			v.Fatal(err)
		}
		for first := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			got, err := v.r.NoPresence(v.Context())
			if err != nil || got && time.Since(first) > 2*account.MaxStale {
				v.Fatalf("NoPresence = %v, %v after a login", got, err)
			}
			if !got {
				break
			}
		}
		if err := v.setPresence(v.r, "a", nil); err != nil {
			v.Fatal(err)
		}
		none(false) // there was one once
	})
}

// TestMemoryMeanwhile changes login sessions while they are read into memory.
func TestMemoryMeanwhile(t *testing.T) {
	v := newEnv(t, new(mem.Store))
	const n = 5000
	for i := range n {
		if err := v.setPresence(v.r, account.UserID(fmt.Sprint("u", i)), presence(1)); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	r := records.New(v.e, nil)
	wg.Go(func() {
		if err := r.KeepPresences(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for w := range 4 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			for range 500 {
				i := rnd.IntN(n)
				if err := v.setPresence(r, account.UserID(fmt.Sprint("u", i)), random(rnd, i)); err != nil && account.CodeOf(err) != account.Stale {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		if err := r.RemovePresences(t.Context(), app); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	v.sameAsStored(r, n)
}

// A hooked engine calls functions around a commit and after a page of records.
type hooked struct {
	account.Engine
	before, after func(account.Commit) // of a commit; nil for nothing
	read          func()               // after a page
}

func (h *hooked) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if h.before != nil {
		h.before(c)
	}
	number, err := h.Engine.Commit(ctx, c)
	if h.after != nil {
		h.after(c)
	}
	return number, err
}

func (h *hooked) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	page, err := h.Engine.Records(ctx, q)
	if h.read != nil {
		h.read()
	}
	return page, err
}

// TestKeepDuringCommit reads the login sessions into memory while the commit of a change is
// under way that began before.
func TestKeepDuringCommit(t *testing.T) {
	e := &hooked{Engine: new(mem.Store)}
	v := newEnv(t, e)
	if err := v.setPresence(v.r, "u0", presence(1)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	read := make(chan struct{})
	e.read = sync.OnceFunc(func() { close(read) })
	e.before = func(account.Commit) {
		wg.Go(func() {
			if err := v.r.KeepPresences(t.Context()); err != nil {
				t.Error(err)
			}
		})
		<-read
	}
	if err := v.setPresence(v.r, "u0", presence(2)); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	v.sameAsStored(v.r, 1)
}

// TestDueDuringCommit looks for times without login sessions while a commit that stores one
// is not known to the memory yet, and removes them afterwards.
func TestDueDuringCommit(t *testing.T) {
	e := &hooked{Engine: new(mem.Store)}
	v := newEnv(t, e)
	if err := v.r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	due := []records.Due{{User: "u0", At: 5}}
	var wg sync.WaitGroup
	e.after = func(account.Commit) {
		e.after = nil
		stale, err := v.r.StaleDue(t.Context(), app, due)
		if err != nil || len(stale) != 1 {
			t.Errorf("StaleDue = %v, %v; want the one that the memory does not know", stale, err)
		}
		wg.Go(func() {
			if err := v.r.DropDue(t.Context(), app, due[0]); err != nil {
				t.Error(err)
			}
		})
	}
	err := v.r.ChangePresences(t.Context(), app, []account.UserID{"u0"}, func(cs []records.PresenceChange) ([]account.Write, error) {
		cs[0].Next, cs[0].Due = presence(1), due[0].At
		return nil, nil
	}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if got, err := v.r.DueBy(t.Context(), app, 5, 10); err != nil || !slices.Equal(got, due) {
		t.Errorf("due are %v, %v; want %v", got, err, due)
	}
}

// TestDropDue removes a time that no login sessions have, of an account that has some and of
// one that has none.
func TestDropDue(t *testing.T) {
	each(t, func(v *env) {
		set := func(user account.UserID, p *records.Presence, due int64) {
			err := v.r.ChangePresences(v.Context(), app, []account.UserID{user}, func(cs []records.PresenceChange) ([]account.Write, error) {
				cs[0].Next, cs[0].Due = p, due
				return nil, nil
			}, func() {})
			if err != nil {
				v.Fatal(err)
			}
		}
		set("a", presence(1), 5)
		set("b", presence(1), 5)
		for _, d := range []records.Due{{User: "a", At: 4}, {User: "a", At: 5}, {User: "c", At: 5}} {
			if err := v.r.DropDue(v.Context(), app, d); err != nil {
				v.Error(err)
			}
		}
		want := []records.Due{{User: "a", At: 5}, {User: "b", At: 5}}
		if got, err := v.r.DueBy(v.Context(), app, 9, 10); err != nil || !slices.Equal(got, want) {
			v.Errorf("due are %v, %v; want %v", got, err, want)
		}
		if err := v.r.RemovePresences(v.Context(), app); err != nil {
			v.Error(err)
		}
		if next, _, err := v.r.NextDue(v.Context(), 0); next != 0 || err != nil {
			v.Errorf("app %d has something due, %v", next, err)
		}
	})
}

// TestRemovalLetsOthersChange changes login sessions of one app while those of another one
// are removed.
func TestRemovalLetsOthersChange(t *testing.T) {
	e := &hooked{Engine: new(mem.Store)}
	v := newEnv(t, e)
	if err := v.r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := v.setPresence(v.r, "u0", presence(1)); err != nil {
		t.Fatal(err)
	}
	changed := make(chan error)
	e.before = func(account.Commit) {
		e.before = nil
		go func() {
			changed <- v.r.ChangePresences(t.Context(), otherApp, []account.UserID{"u0"}, func(cs []records.PresenceChange) ([]account.Write, error) {
				cs[0].Next = presence(1)
				return nil, nil
			}, func() {})
		}()
		if err := <-changed; err != nil {
			t.Error(err)
		}
	}
	if err := v.r.RemovePresences(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	v.sameAsStored(v.r, 1)
}

// TestPartlyChanged changes one of two accounts, and then the other one. The memory knows the
// version of the record that has stayed.
func TestPartlyChanged(t *testing.T) {
	v := newEnv(t, new(mem.Store))
	if err := v.r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := v.setPresence(v.r, "u1", presence(1)); err != nil {
		t.Fatal(err)
	}
	err := v.r.ChangePresences(t.Context(), app, []account.UserID{"u1", "u0"}, func(cs []records.PresenceChange) ([]account.Write, error) {
		cs[1].Next = presence(2)
		return nil, nil
	}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.setPresence(v.r, "u1", presence(3)); err != nil {
		t.Error(err)
	}
	v.sameAsStored(v.r, 2)
}

// TestChangeEndsWithContext checks that a change does not wait for another one for longer
// than its context lasts, and leaves no lock.
func TestChangeEndsWithContext(t *testing.T) {
	v := newEnv(t, new(mem.Store))
	users := []account.UserID{"u1", "u0"}
	nothing := func([]records.PresenceChange) ([]account.Write, error) { return nil, nil }
	err := v.r.ChangePresences(t.Context(), app, users[:1], nothing, func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := v.r.ChangePresences(ctx, app, users, nothing, func() {}); account.CodeOf(err) != account.Unavailable {
			t.Errorf("a change that may not wait: %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.r.ChangePresences(t.Context(), app, users, nothing, func() {}); err != nil {
		t.Error(err)
	}
}

// TestNothingChanged checks that a change that changes nothing commits nothing.
func TestNothingChanged(t *testing.T) {
	e := &hooked{Engine: new(mem.Store)}
	v := newEnv(t, e)
	if err := v.setPresence(v.r, "u0", presence(1)); err != nil {
		t.Fatal(err)
	}
	e.before = func(account.Commit) { t.Error("there is a commit") }
	for _, user := range []account.UserID{"u0", "u1"} {
		err := v.r.ChangePresences(t.Context(), app, []account.UserID{user}, func([]records.PresenceChange) ([]account.Write, error) { return nil, nil }, func() {})
		if err != nil {
			t.Error(err)
		}
	}
}

// sameAsStored compares the memory of r with the engine.
func (v *env) sameAsStored(r *records.Registry, n int) {
	v.Helper()
	stored := v.presences(records.New(v.e, nil), users(n)...)
	if diff := cmp.Diff(stored, v.presences(r, users(n)...), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		v.Errorf("the engine (-) and the memory (+) differ:\n%s", diff)
	}
	v.glancesFit(r, stored)
}

// glancesFit checks that the glances of r tell the same as the stored login sessions of the
// accounts u0, u1 and so on, if they tell anything. It returns how many do.
func (v *env) glancesFit(r *records.Registry, stored []*records.Presence) (known int) {
	v.Helper()
	status := make([]account.Status, len(stored))
	for i := range status {
		status[i].InternalID = internalID(i)
	}
	for i, g := range r.Glances(status, 1, "") {
		want := records.GlanceOffline
		if p := stored[i]; p != nil && p.Account == internalID(i) && len(p.Devices) > 0 {
			want = records.GlanceOnline
		}
		if g != want && g != records.GlanceUnknown {
			v.Errorf("the glance of u%d is %d, want %d", i, g, want)
		}
		if g != records.GlanceUnknown {
			known++
		}
	}
	return known
}

// users returns the accounts u0, u1 and so on.
func users(n int) (all []account.UserID) {
	for i := range n {
		all = append(all, account.UserID(fmt.Sprint("u", i)))
	}
	return all
}

// internalID returns the InternalID of the account with a number.
func internalID(i int) uint64 { return uint64(1000 + i) }

// random returns login sessions of the account with a number, or of an earlier account of that
// name, or none.
func random(rnd *rand.Rand, i int) *records.Presence {
	if rnd.IntN(3) == 0 {
		return nil
	}
	p := &records.Presence{Account: internalID(i), LastEvent: rnd.Int64N(1000)}
	if rnd.IntN(4) == 0 {
		p.Account += 1 << 20
	}
	if rnd.IntN(2) == 0 {
		p.Devices = []records.Device{{ID: 1 + rnd.Uint64N(100), Platform: account.Android, Login: 1}}
	}
	return p
}

// A doubtful engine answers some commits with an unknown outcome. Some of those happen later,
// but before the next commit.
type doubtful struct {
	account.Engine
	rnd  *rand.Rand
	sure bool // every further outcome is known
	late *account.Commit
}

func (d *doubtful) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if d.late != nil {
		_, _ = d.Engine.Commit(ctx, *d.late)
		d.late = nil
	}
	if d.sure {
		return d.Engine.Commit(ctx, c)
	}
	switch d.rnd.IntN(8) {
	case 0:
		return 0, &account.Error{Code: account.Unavailable}
	case 1:
		return 0, &account.Error{Code: account.Unknown}
	case 2:
		d.late = &c
		return 0, &account.Error{Code: account.Unknown}
	case 3:
		_, err := d.Engine.Commit(ctx, c)
		return 0, errors.Join(err, &account.Error{Code: account.Unknown})
	}
	return d.Engine.Commit(ctx, c)
}

// A counting engine counts the calls of RecordsAt.
type counting struct {
	account.Engine
	calls, conditions int
}

func (c *counting) Commit(ctx context.Context, commit account.Commit) (uint64, error) {
	for _, w := range commit.Writes {
		if w.If != account.AnyVersion {
			c.conditions++
		}
	}
	return c.Engine.Commit(ctx, commit)
}

func (c *counting) RecordsAt(ctx context.Context, kind account.Kind, keys []string) ([]account.Record, error) {
	c.calls++
	return c.Engine.RecordsAt(ctx, kind, keys)
}

// TestMemoryInDoubt compares the memory with an engine whose commits have unknown outcomes.
func TestMemoryInDoubt(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	e := &doubtful{Engine: new(mem.Store), rnd: rand.New(rand.NewPCG(seed, 0))}
	v := newEnv(t, e.Engine)
	r := records.New(e, nil)
	if err := r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	const n = 20
	for range 2000 {
		i := e.rnd.IntN(n)
		_ = v.setPresence(r, account.UserID(fmt.Sprint("u", i)), random(e.rnd, i))
		v.sameAsStored(r, n)
	}
	e.sure = true
	online := 0
	for i := range n {
		p := random(e.rnd, i)
		for p == nil { // a change from nothing to nothing is no commit
			p = random(e.rnd, i)
		}
		p.Account = internalID(i)
		for v.setPresence(r, account.UserID(fmt.Sprint("u", i)), p) != nil {
		}
		online += len(p.Devices)
	}
	if got, _, ok := r.CountDevices(); !ok || got != online {
		t.Errorf("%d devices are online, %v; want %d: an account is in doubt for ever", got, ok, online)
	}
	if known := v.glancesFit(r, v.presences(r, users(n)...)); known != n {
		t.Errorf("%d of %d glances are known", known, n)
	}
}

// TestMemoryReadsNothing checks that the memory is used, also for accounts that are not logged
// in and after changes.
func TestMemoryReadsNothing(t *testing.T) {
	e := &counting{Engine: new(mem.Store)}
	v := newEnv(t, e.Engine)
	if err := v.setPresence(v.r, "u1", presence(1)); err != nil {
		t.Fatal(err)
	}
	r := records.New(e, nil)
	if err := r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.sameAsStored(r, 3)
	if err := v.setPresence(r, "u2", presence(2)); err != nil {
		t.Fatal(err)
	}
	v.sameAsStored(r, 3)
	if err := r.RemovePresences(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	v.sameAsStored(r, 3)
	if known := v.glancesFit(r, make([]*records.Presence, 3)); known != 3 {
		t.Errorf("%d of 3 glances are known", known)
	}
	if e.calls > 0 || e.conditions > 0 {
		t.Errorf("%d reads of the engine, %d writes that read a version", e.calls, e.conditions)
	}
}

// TestLargeInternalID checks that there is no glance at an account with an InternalID that would
// make the memory large.
func TestLargeInternalID(t *testing.T) {
	v := newEnv(t, new(mem.Store))
	if err := v.r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := v.setPresence(v.r, "a", &records.Presence{Account: 1 << 62}); err != nil {
		t.Fatal(err)
	}
	got := v.r.Glances([]account.Status{{InternalID: 1 << 62}, {InternalID: 1<<62 + 1}, {InternalID: 1}}, 1, "")
	v.equal("glances", got, []records.Glance{records.GlanceUnknown, records.GlanceUnknown, records.GlanceOffline})
}

// TestFarInternalID checks that an account with a large InternalID has a glance, and that the
// gap below it takes little memory.
func TestFarInternalID(t *testing.T) {
	v := newEnv(t, new(mem.Store))
	if err := v.r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	const far = 1<<30 - 1
	p := &records.Presence{Account: far, Devices: []records.Device{{ID: 1, Platform: account.Web}}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := v.setPresence(v.r, "a", p); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("one account took %d bytes", n)
	}
	got := v.r.Glances([]account.Status{{InternalID: far}, {InternalID: far - 1}, {InternalID: far - 1<<20}, {InternalID: 1}}, 1, "")
	v.equal("glances", got, []records.Glance{records.GlanceOnline, records.GlanceOffline, records.GlanceOffline, records.GlanceOffline})
}

// TestNewerPlatform reads a device of a platform that this version does not know.
func TestNewerPlatform(t *testing.T) {
	v := newEnv(t, new(mem.Store))
	p := presence(1)
	p.Devices = []records.Device{{ID: 1, Platform: "Vision"}, {ID: 2, Platform: account.Web}}
	if err := v.setPresence(v.r, "a", p); err != nil {
		t.Fatal(err)
	}
	if got := v.presences(records.New(v.e, nil), "a")[0]; got.Devices[0].Platform != "Vision" || got.Devices[1].Platform != account.Web {
		t.Errorf("the devices are %+v", got.Devices)
	}
}
