package seed_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/session"
)

const withDevices = `apps:
  - sdkappid: 5
    secret: a secret of a seed file
    settings: {devices_per_platform: 2}
    accounts:
      - userid: alice
        custom_status: busy
        devices:
          - {platform: Android, address: 192.0.2.7, state: online}
          - {platform: Android, instance: old}
          - {platform: iPhone, address: "2001:db8::7", state: push}
      - userid: bob
      - userid: carol
        devices: [{platform: Web}]
`

// stateOf returns the state of an account, its custom status, and its devices in the order of
// their texts. Those of the same moment have no order of their own.
func stateOf(t *testing.T, dir *directory.Directory, user account.UserID) (string, session.Devices) {
	t.Helper()
	d, err := dir.Devices(t.Context(), 5, user)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(d.Devices, func(a, b records.Device) int {
		return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Instance, b.Instance))
	})
	parts := []string{d.State(), d.CustomStatus}
	for i := range d.Devices {
		r := &d.Devices[i]
		parts = append(parts, fmt.Sprint(r.Platform, "/", r.Instance, " ", r.Address, " ", session.StateOf(r)))
	}
	return strings.Join(parts, ", "), d
}

const aliceDevices = "Online, busy, Android/old invalid IP Online, Android/seed 192.0.2.7 Online, iPhone/seed 2001:db8::7 PushOnline"

// TestDevices applies a file with devices twice. The second time logs in nobody.
func TestDevices(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	dir := newDirectory(&now)
	var events []account.Event
	dir.Listen(account.EventState, func(e account.Event) { events = append(events, e) })
	if err := apply(t, dir, withDevices); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[account.UserID]string{"alice": aliceDevices, "bob": "Offline, ", "carol": "Online, , Web/seed invalid IP Online"} {
		if got, _ := stateOf(t, dir, user); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", user, got, want)
		}
	}
	if len(events) != 6 {
		t.Errorf("%d events, want 4 logins, a drop and a custom status", len(events))
	}
	_, before := stateOf(t, dir, "alice")
	now = now.Add(time.Hour)
	if err := apply(t, dir, withDevices); err != nil {
		t.Fatal(err)
	}
	if _, after := stateOf(t, dir, "alice"); !slices.Equal(after.Devices, before.Devices) || len(events) != 6 {
		t.Errorf("%d events; devices %+v after a second time, want %+v", len(events), after.Devices, before.Devices)
	}
}

// TestDevicesDiffer applies a file to devices that differ from it, and gives them the states
// of the file. It leaves other devices alone.
func TestDevicesDiffer(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	dir := newDirectory(&now)
	if err := apply(t, dir, strings.NewReplacer("2.7", "2.9", "old", "old, state: push", "state: push", "state: online", "busy", "away").Replace(withDevices)); err != nil {
		t.Fatal(err)
	}
	if got, _ := stateOf(t, dir, "alice"); got != "Online, away, Android/old invalid IP PushOnline, Android/seed 192.0.2.9 Online, iPhone/seed 2001:db8::7 Online" {
		t.Errorf("before: %s", got)
	}
	if _, err := dir.Login(t.Context(), 5, "alice", session.Login{Platform: account.Web}); err != nil {
		t.Fatal(err)
	}
	if err := apply(t, dir, withDevices); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(aliceDevices, ", iPhone", ", Web/ invalid IP Online, iPhone", 1)
	if got, _ := stateOf(t, dir, "alice"); got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

// TestSilentDevice applies a file to a silent device, which is heard of again. An address
// that the file does not give stays.
func TestSilentDevice(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	dir := newDirectory(&now)
	if err := apply(t, dir, withDevices); err != nil {
		t.Fatal(err)
	}
	_, d := stateOf(t, dir, "alice")
	err := dir.ChangeDevices(t.Context(), 5, "alice", func(ctx context.Context, s *session.Sessions, at session.Target) error {
		return s.Silence(ctx, at, d.Devices[1].ID, session.Unreachable)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := apply(t, dir, strings.ReplaceAll(withDevices, "address: 192.0.2.7, ", "")); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if got, _ := stateOf(t, dir, "alice"); got != aliceDevices {
		t.Errorf("\ngot  %s\nwant %s", got, aliceDevices)
	}
}
