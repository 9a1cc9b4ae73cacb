package session_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/session"
	"rollcall/internal/testutil/anystore"
)

// TestCount checks which changes count logins, and which are told although they have none.
func TestCount(t *testing.T) {
	run(t, anystore.Mem, true, func(v *env) {
		var got []session.Count
		v.s = session.New(session.Options{
			Records: v.r, Now: func(*account.App) time.Time { return v.now() }, Real: v.now,
			Count: func(_ account.AppID, c session.Count) { got = append(got, c) },
		})
		want := func(what string, want ...session.Count) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			got = nil
		}
		login := func(p account.Platform) uint64 {
			t.Helper()
			in, err := v.s.Login(t.Context(), v.at("alice"), session.Login{Platform: p, Instance: string(p)})
			if err != nil {
				t.Fatal(err)
			}
			return in.Device.ID
		}
		one := session.Count{Logins: 1, Users: []uint64{v.at("alice").InternalID}}
		phone, browser := login(account.Android), login(account.Web)
		want("two devices", one, one)
		login(account.Android)
		want("a device again", one)
		login(account.Web)
		want("a browser whose link is in order")
		drop := func(id uint64) {
			t.Helper()
			if err := v.s.Drop(t.Context(), v.at("alice"), id); err != nil {
				t.Fatal(err)
			}
		}
		drop(browser)
		want("one of two ends")
		drop(phone)
		want("the last one ends", session.Count{})
		if _, err := v.s.Reconnect(t.Context(), v.at("alice"), phone); err != nil {
			t.Fatal(err)
		}
		want("a device is back", one)
		reports := []session.Report{
			{User: "alice", Login: session.Login{Platform: account.IPhone, Instance: "i"}, Vouched: time.Minute},
			{User: "alice", Login: session.Login{Platform: account.Windows, Instance: "w"}, Vouched: time.Minute},
		}
		status := map[account.UserID]account.Status{"alice": {InternalID: v.at("alice").InternalID}}
		for range 2 {
			if err := v.s.Report(t.Context(), v.app(appID), reports, status); err != nil {
				t.Fatal(err)
			}
		}
		want("two of a gateway, and their renewal", session.Count{Logins: 2, Users: one.Users})
		if err := v.s.EndAll(t.Context(), v.app(appID), session.Kicked, "alice"); err != nil {
			t.Fatal(err)
		}
		want("a kick", session.Count{})
	})
}
