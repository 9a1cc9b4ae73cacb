package conformance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/session"
)

// listen keeps the events of login sessions, as "Login/Register Android".
func (w *world) listen(e account.Event) {
	for _, item := range e.Items {
		c := item.State
		var text strings.Builder
		text.WriteString(fmt.Sprint(c.Action, "/", c.Reason, " ", c.Platform))
		for _, p := range c.Replaced {
			text.WriteString(" for " + string(p))
		}
		w.events = append(w.events, text.String())
	}
}

// wantEvents checks the events since the last call.
func (w *world) wantEvents(want ...string) {
	w.Helper()
	if fmt.Sprint(w.events) != fmt.Sprint(want) {
		w.Errorf("events %q, want %q", w.events, want)
	}
	w.events = nil
}

// login logs in a device of alice.
func (w *world) login(l session.Login) session.LoggedIn {
	w.Helper()
	in, err := w.dir.Login(w.Context(), defaultApp, "alice", l)
	if err != nil {
		w.Fatal(err)
	}
	return in
}

// logins logs in devices of alice, a second after each other, and forgets their events.
func (w *world) logins(platforms ...account.Platform) []session.LoggedIn {
	w.Helper()
	var all []session.LoggedIn
	for _, p := range platforms {
		all = append(all, w.login(session.Login{Platform: p}))
		time.Sleep(time.Second)
	}
	w.events = nil
	return all
}

// change changes a device of alice, and returns the error.
func (w *world) change(in session.LoggedIn, do func(*session.Sessions, context.Context, session.Target, uint64) error) error {
	w.Helper()
	return w.dir.ChangeDevices(w.Context(), defaultApp, "alice", func(ctx context.Context, s *session.Sessions, at session.Target) error {
		return do(s, ctx, at, in.Device.ID)
	})
}

// drop ends the link of a device.
func (w *world) drop(in session.LoggedIn) {
	w.Helper()
	if err := w.change(in, (*session.Sessions).Drop); err != nil {
		w.Fatal(err)
	}
}

// silence lets a device fall silent.
func (w *world) silence(in session.LoggedIn, why session.Silence) {
	w.Helper()
	err := w.change(in, func(s *session.Sessions, ctx context.Context, at session.Target, id uint64) error {
		return s.Silence(ctx, at, id, why)
	})
	if err != nil {
		w.Fatal(err)
	}
}

// wantStatus checks the status of alice and of her devices, as "Online: iPad Online".
func (w *world) wantStatus(want string) {
	w.Helper()
	status, devices, _ := strings.Cut(want, ": ")
	var text strings.Builder
	text.WriteString(`{"To_Account":"alice","Status":"` + status + `"`)
	if devices != "" {
		text.WriteString(`,"Detail":[`)
		for i, d := range strings.Split(devices, ", ") {
			if i > 0 {
				text.WriteString(",")
			}
			platform, state, _ := strings.Cut(d, " ")
			text.WriteString(`{"Platform":"` + platform + `","Status":"` + state + `"}`)
		}
		text.WriteString("]")
	}
	w.want("query_online_status", `{"To_Account":["alice"],"IsNeedDetail":1}`, text.String()+"}")
}
