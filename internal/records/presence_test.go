package records_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	})
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
	r.UseAlone()
	wg.Go(func() {
		if err := r.KeepPresences(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for w := range 4 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			for range 500 {
				var p *records.Presence
				if rnd.IntN(2) == 0 {
					p = presence(rnd.Int64N(1000))
				}
				if err := v.setPresence(r, account.UserID(fmt.Sprint("u", rnd.IntN(n))), p); err != nil && account.CodeOf(err) != account.Stale {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v.sameAsStored(r, n)
}

// sameAsStored compares the memory of r with the engine.
func (v *env) sameAsStored(r *records.Registry, n int) {
	v.Helper()
	var users []account.UserID
	for i := range n {
		users = append(users, account.UserID(fmt.Sprint("u", i)))
	}
	if diff := cmp.Diff(v.presences(records.New(v.e, nil), users...), v.presences(r, users...)); diff != "" {
		v.Errorf("the engine (-) and the memory (+) differ:\n%s", diff)
	}
}

// A doubtful engine answers some commits with an unknown outcome. Some of those happen later.
type doubtful struct {
	account.Engine
	rnd  *rand.Rand
	late []account.Commit
}

func (d *doubtful) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	switch d.rnd.IntN(8) {
	case 0:
		return 0, &account.Error{Code: account.Unavailable}
	case 1:
		return 0, &account.Error{Code: account.Unknown}
	case 2:
		d.late = append(d.late, c)
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
	calls int
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
	r.UseAlone()
	if err := r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	const n = 20
	for i := range 2000 {
		var p *records.Presence
		if e.rnd.IntN(3) > 0 {
			p = presence(int64(i))
		}
		_ = v.setPresence(r, account.UserID(fmt.Sprint("u", e.rnd.IntN(n))), p)
		if len(e.late) > 0 && e.rnd.IntN(4) == 0 {
			_, _ = e.Engine.Commit(t.Context(), e.late[0]) // it may come too late
			e.late = e.late[1:]
		}
		v.sameAsStored(r, n)
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
	r.UseAlone()
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
	if e.calls > 0 {
		t.Errorf("%d reads of the engine", e.calls)
	}
}
