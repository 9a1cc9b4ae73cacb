package records_test

import (
	"fmt"
	"sync"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

// online returns login sessions of a device, which is online or not.
func online(is bool) *records.Presence {
	d := records.Device{ID: 1, Platform: account.Android, Login: 1}
	if !is {
		d.Lost = 2
	}
	return &records.Presence{Account: 1, Devices: []records.Device{d}}
}

// TestTakeOnline lets accounts come and go while login sessions are read into memory, and
// compares the number of those that are online with what is stored.
func TestTakeOnline(t *testing.T) {
	v := newEnv(t, new(mem.Store))
	const n = 3000
	user := func(i int) account.UserID { return account.UserID(fmt.Sprint("u", i)) }
	for i := range n {
		if err := v.setPresence(v.r, user(i), online(i%3 > 0)); err != nil {
			t.Fatal(err)
		}
	}
	r := records.New(v.e, nil)
	if _, ok := r.TakeOnline(app); ok {
		t.Error("the number is known before the login sessions are in memory")
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			next := online(i%2 > 0)
			if i%5 == 0 {
				next = nil
			}
			if err := v.setPresence(r, user(n-1-i), next); err != nil {
				t.Error(err)
			}
		}
	})
	if err := r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	r.TakeOnline(app)
	counts, err := r.CountOnline(t.Context())
	if got, ok := r.TakeOnline(app); err != nil || !ok || got != counts[app] || got == 0 {
		t.Errorf("%d are online, %v; %d are stored, %v", got, ok, counts[app], err)
	}
	want := counts[app]
	for i := range 3 {
		if err := v.setPresence(r, account.UserID(fmt.Sprint("new", i)), online(true)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.RemovePresences(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	if peak, _ := r.TakeOnline(app); peak != want+3 {
		t.Errorf("the peak is %d, want %d", peak, want+3)
	}
	if now, _ := r.TakeOnline(app); now != 0 {
		t.Errorf("%d are online after all were removed", now)
	}
}

// TestClaimOnline checks that one of several servers counts.
func TestClaimOnline(t *testing.T) {
	each(t, func(v *env) {
		claim := func(minute int64, want bool) {
			v.Helper()
			if got, err := v.r.ClaimOnline(v.Context(), minute, 5); err != nil || got != want {
				v.Errorf("at %d: %v, %v; want %v", minute-minute0, got, err, want)
			}
		}
		claim(minute0, true)
		claim(minute0, false)
		claim(minute0+4, false)
		claim(minute0+5, true)
		claim(minute0, true) // the clock of the last one was ahead
	})
}
