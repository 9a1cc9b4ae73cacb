package records_test

import (
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

// TestCountDevices counts devices by state, before and after they are in memory.
func TestCountDevices(t *testing.T) {
	v := newEnv(t, new(mem.Store))
	set := func(user account.UserID, p *records.Presence) {
		t.Helper()
		if err := v.setPresence(v.r, user, p); err != nil {
			t.Fatal(err)
		}
	}
	want := func(online, pushOnline int, ok bool) {
		t.Helper()
		if a, b, c := v.r.CountDevices(); a != online || b != pushOnline || c != ok {
			t.Errorf("CountDevices = %d, %d, %v; want %d, %d, %v", a, b, c, online, pushOnline, ok)
		}
	}
	set("a", &records.Presence{Account: 1, Devices: []records.Device{{ID: 1}, {ID: 2}, {ID: 3, Lost: 7}}})
	set("b", &records.Presence{Account: 2, Devices: []records.Device{{ID: 4, Lost: 7}}})
	want(0, 0, false)
	if err := v.r.KeepPresences(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(2, 2, true)
	set("c", &records.Presence{Account: 3, Devices: []records.Device{{ID: 5}}})
	set("b", nil)
	want(3, 1, true)
}
