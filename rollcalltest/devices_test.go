package rollcalltest_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// presence returns the state of an account as query_online_status answers it.
func presence(t *testing.T, srv *rollcalltest.Server, userID string) string {
	t.Helper()
	states, err := srv.Client.QueryOnlineStatus(t.Context(), client.StatusQuery{UserIDs: []string{userID}, Detail: true, CustomStatus: true})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString(states[0].Status)
	for _, d := range states[0].Devices {
		text.WriteString(" " + d.Platform)
	}
	if s := states[0].CustomStatus; s != "" {
		text.WriteString(" " + s)
	}
	return text.String()
}

// TestPresence lets the devices of an account come and go.
func TestPresence(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	srv.FreezeClock()
	var phone, tab *rollcalltest.Device
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() { phone = srv.Login("alice", client.Android) }, "Online Android"},
		{func() { tab = srv.Login("alice", client.Web) }, "Online Android Web"},
		{func() { srv.SetCustomStatus("alice", "busy") }, "Online Android Web busy"},
		{func() { tab.Logout() }, "Online Android busy"},
		{func() { phone.Silence() }, "Online Android busy"},
		{func() { srv.AdvanceClock(400*time.Second - time.Millisecond) }, "Online Android busy"},
		{func() { srv.AdvanceClock(time.Millisecond) }, "PushOnline Android"},
		{func() { phone.Reconnect() }, "Online Android"},
		{func() { phone.Drop() }, "PushOnline Android"},
		{func() { srv.AdvanceClock(7 * 24 * time.Hour) }, "Offline"},
	} {
		step.do()
		if got := presence(t, srv, "alice"); got != step.want {
			t.Errorf("the presence is %q, want %q", got, step.want)
		}
	}
	srv.Login("bob", client.Windows)
	if err := srv.Client.Kick(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	if d := srv.Devices("bob"); d.State != "Offline" || len(d.Devices) > 0 {
		t.Errorf("after a kick: %+v", d)
	}
}
