package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
)

// TestModes logs in devices one after another in every mode (protocol-sessions.md §2.2).
func TestModes(t *testing.T) {
	all := account.Platforms()
	for _, tt := range []struct {
		name     string
		settings account.Settings
		logins   []account.Platform
		left     string // of the devices, by platform
		replaced string // by each login
	}{
		{"one of each platform", account.Settings{}, all, "iPhone iPad Android MiniProgram Windows Mac Linux", "[] [] [] [] [Web] [] [] []"},
		{"the same again", account.Settings{}, []account.Platform{account.Android, account.IPhone, account.Android}, "iPhone Android", "[] [] [Android]"},
		{"a browser again", account.Settings{}, []account.Platform{account.Web, account.MiniProgram}, "MiniProgram", "[] [Web]"},
		{
			"three of a platform",
			account.Settings{DevicesPerPlatform: 3},
			[]account.Platform{account.Android, account.Android, account.Android, account.Android},
			"Android Android Android", "[] [] [] [Android]",
		},
		{
			"two browsers",
			account.Settings{WebInstances: 2},
			[]account.Platform{account.Web, account.MiniProgram, account.Web, account.Android, account.Android},
			"Android Web MiniProgram", "[] [] [Web] [] [Android]",
		},
		{
			"room for all",
			account.Settings{DevicesPerPlatform: 2, WebInstances: 2},
			[]account.Platform{account.Android, account.Android, account.Web, account.MiniProgram, account.Mac},
			"Android Android Web MiniProgram Mac", "[] [] [] [] []",
		},
		{"triple", account.Settings{LoginMode: account.LoginTriple}, all, "Android MiniProgram Linux", "[] [iPhone] [iPad] [] [Web] [] [Windows] [Mac]"},
		{"dual", account.Settings{LoginMode: account.LoginDual}, all, "MiniProgram Linux", "[] [iPhone] [iPad] [] [Web] [Android] [Windows] [Mac]"},
		{"single", account.Settings{LoginMode: account.LoginSingle}, all, "Linux", "[] [iPhone] [iPad] [Android] [Web] [MiniProgram] [Windows] [Mac]"},
		{
			"triple with three per platform",
			account.Settings{LoginMode: account.LoginTriple, DevicesPerPlatform: 3, WebInstances: 2},
			[]account.Platform{account.Mac, account.Mac, account.Web, account.Web},
			"Web Web Mac", "[] [Mac] [] []",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.settings)
			var replaced []string
			for _, p := range tt.logins {
				gone := w.loginWith(Login{Platform: p}).Replaced
				var names []account.Platform
				for _, g := range gone {
					names = append(names, g.Platform)
				}
				replaced = append(replaced, fmt.Sprint(names))
				if e := w.events[len(w.events)-1]; !slices.Equal(e.Replaced, names) || e.Action != account.StateLogin {
					t.Errorf("the event is %+v, want %v", e, names)
				}
				w.now = w.now.Add(time.Second)
			}
			got := strings.Join(replaced, " ")
			if got != tt.replaced {
				t.Errorf("%s gave way, want %s", got, tt.replaced)
			}
			if want := strings.Trim(got, "[] ") == ""; HaveRoom(&tt.settings, tt.logins) != want {
				t.Errorf("HaveRoom = %t, want %t", !want, want)
			}
			var left []string
			for _, d := range newTurn(w.moment(), w.p, 1).sorted() {
				left = append(left, string(d.Platform))
			}
			if got := strings.Join(left, " "); got != tt.left {
				t.Errorf("%s are left, want %s", got, tt.left)
			}
			if n := len(w.events); n != len(tt.logins) {
				t.Errorf("%d events of %d logins", n, len(tt.logins))
			}
		})
	}
}

// TestLongest checks which of several devices gives way: the one that was logged in longest,
// and of two of the same moment the one with the smaller instance.
func TestLongest(t *testing.T) {
	w := newWorld(t, account.Settings{WebInstances: 3})
	for _, instance := range []string{"c", "b", "a"} {
		w.loginWith(Login{Platform: account.Web, Instance: instance})
	}
	var gone []string
	for _, instance := range []string{"x", "y", "z"} {
		w.now = w.now.Add(time.Second)
		gone = append(gone, w.loginWith(Login{Platform: account.Web, Instance: instance}).Replaced[0].Instance)
	}
	if got := strings.Join(gone, ""); got != "abc" {
		t.Errorf("%s gave way, want abc", got)
	}
}

// TestFewerPlaces checks that a changed setting ends no device before the next login.
func TestFewerPlaces(t *testing.T) {
	w := newWorld(t, account.Settings{DevicesPerPlatform: 3})
	for range 3 {
		w.login(account.Android)
	}
	w.app.Settings.DevicesPerPlatform = 1
	if got := w.state(); strings.Count(got, "Android") != 3 {
		t.Errorf("the state is %s", got)
	}
	if gone := w.loginWith(Login{Platform: account.Android}).Replaced; len(gone) != 3 {
		t.Errorf("%d devices gave way, want 3", len(gone))
	}
}

// TestReconnectReplaced lets a device come back that gave way to another one.
func TestReconnectReplaced(t *testing.T) {
	for mode, want := range map[account.KickedReconnect]account.Code{
		account.KickedReconnectAllow: account.OK, account.KickedReconnectRefuse: account.Replaced,
	} {
		w := newWorld(t, account.Settings{KickedReconnect: mode})
		w.loginWith(Login{Platform: account.Android, Instance: "old"})
		w.login(account.Android)
		w.report()
		err := w.do(func(t *turn) error {
			back, err := t.reconnect(1, nil, func() uint64 { return 3 })
			if err == nil && (back.Device.ID != 3 || back.Device.Instance != "old" || len(back.Replaced) != 1) {
				w.t.Errorf("the device came back as %+v", back)
			}
			return err
		})
		if account.CodeOf(err) != want {
			t.Errorf("%q: %v, want %v", mode, err, want)
		}
		if got := w.report(); want == account.OK && got != "0:Login/Register[Android]" {
			t.Errorf("%q: events are %s", mode, got)
		}
		for range 2 * maxReplaced {
			w.login(account.Android)
		}
		if n := len(w.p.Replaced); n != maxReplaced {
			t.Errorf("%d replaced devices are kept, want %d", n, maxReplaced)
		}
	}
}

// TestUnusedID checks that no device gets the ID of another one of the account.
func TestUnusedID(t *testing.T) {
	w := newWorld(t, account.Settings{})
	w.login(account.Android)
	w.login(account.Android) // replaces the first one
	w.lastID = 0
	if id := w.login(account.Web); id != 3 {
		t.Errorf("the ID is %d, want 3", id)
	}
	for range 1000 {
		if id := randomID(); id == 0 || id >= 1<<53 {
			t.Errorf("a random ID is %d", id)
		}
	}
}
