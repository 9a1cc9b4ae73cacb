package account

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// A LoginMode selects which devices of an account share their places
// (protocol-sessions.md §2.2).
type LoginMode string

// Login modes. The zero LoginMode is LoginMulti.
const (
	LoginMulti  LoginMode = ""       // each platform has places of its own
	LoginTriple LoginMode = "triple" // one mobile device, one computer, browsers
	LoginDual   LoginMode = "dual"   // one device that is no browser, browsers
	LoginSingle LoginMode = "single" // one device
)

// A KickEvent selects the event of a device that a kick logs out.
type KickEvent string

// Events of a kick. The zero KickEvent is KickEventLogout (protocol-sessions.md §13, row 1).
const (
	KickEventLogout     KickEvent = ""           // Logout, Unregister
	KickEventDisconnect KickEvent = "disconnect" // Disconnect, LinkClose
	KickEventOff        KickEvent = "off"        // none
)

// A KickedReconnect selects what a device may do that another one has replaced.
type KickedReconnect string

// Ways to reconnect. The zero KickedReconnect is KickedReconnectAllow (protocol-sessions.md
// §13, row 7).
const (
	KickedReconnectAllow  KickedReconnect = ""
	KickedReconnectRefuse KickedReconnect = "refuse"
)

// Limits of the settings of login sessions (protocol-sessions.md §2.2).
const (
	MaxDevicesPerPlatform = 3
	MaxWebInstances       = 10
	MaxLinkTimeout        = 86400 // seconds
)

// Times after which the link of a silent device counts as gone (protocol-sessions.md §1.2).
const (
	nativeTimeout  = 400 * time.Second
	browserTimeout = 60 * time.Second
)

// LinkTimeout returns how long the link of a device lasts of which nothing is heard.
func (a *App) LinkTimeout(p Platform) time.Duration {
	switch s := a.Settings.LinkTimeouts[p]; {
	case s > 0:
		return time.Duration(s) * time.Second
	case p.Browser():
		return browserTimeout
	}
	return nativeTimeout
}

// HasPush reports whether a device without a link can be reached by push. By default the
// telephones and tablets can, as on the newer page of the vendor (protocol-sessions.md §1.1).
func (a *App) HasPush(p Platform) bool {
	if a.Settings.PushPlatforms == nil {
		return p.Mobile()
	}
	return slices.Contains(a.Settings.PushPlatforms, p)
}

func checkLogins(a *App, f *faults) {
	s := &a.Settings
	if !slices.Contains([]LoginMode{LoginMulti, LoginTriple, LoginDual, LoginSingle}, s.LoginMode) {
		f.add("login_mode", "", string(s.LoginMode),
			fmt.Sprintf("login_mode %s is unknown; use %q, %q or %q, or leave it empty to give each platform places of its own",
				Quote(s.LoginMode), LoginTriple, LoginDual, LoginSingle))
	}
	if !slices.Contains([]KickEvent{KickEventLogout, KickEventDisconnect, KickEventOff}, s.KickEvent) {
		f.add("kick_event", "", string(s.KickEvent),
			fmt.Sprintf("kick_event %s is unknown; use %q or %q, or leave it empty for a Logout", Quote(s.KickEvent), KickEventDisconnect, KickEventOff))
	}
	if !slices.Contains([]KickedReconnect{KickedReconnectAllow, KickedReconnectRefuse}, s.KickedReconnect) {
		f.add("kicked_reconnect", "", string(s.KickedReconnect),
			fmt.Sprintf("kicked_reconnect %s is unknown; use %q, or leave it empty to let the device log in", Quote(s.KickedReconnect), KickedReconnectRefuse))
	}
	checkPlaces(f, "devices_per_platform", s.DevicesPerPlatform, MaxDevicesPerPlatform)
	checkPlaces(f, "web_instances", s.WebInstances, MaxWebInstances)
	checkPlatforms(s, f)
}

func checkPlaces(f *faults, name string, n, most int) {
	if n < 0 || n > most {
		f.add(name, "", fmt.Sprint(n), fmt.Sprintf("%s is %d; give 1 to %d, or 0 for 1", name, n, most))
	}
}

func checkPlatforms(s *Settings, f *faults) {
	seen := map[Platform]bool{}
	for _, p := range s.PushPlatforms {
		switch {
		case !p.Valid() || p.Browser():
			f.add("push_platforms", string(p), "", fmt.Sprintf("push_platforms has %s, which push does not reach; use some of %v", Quote(p), withoutBrowsers()))
		case seen[p]:
			f.add("push_platforms", string(p), "twice", fmt.Sprintf("push_platforms has %s twice", p))
		}
		seen[p] = true
	}
	for _, p := range slices.Sorted(maps.Keys(s.LinkTimeouts)) {
		n := s.LinkTimeouts[p]
		switch {
		case !p.Valid():
			f.add("link_timeouts", string(p), "", fmt.Sprintf("link_timeouts has the platform %s, which is unknown; use some of %v", Quote(p), Platforms()))
		case n < 1 || n > MaxLinkTimeout:
			f.add("link_timeouts", string(p), fmt.Sprint(n), fmt.Sprintf("the link timeout of %s is %d; give 1 to %d seconds", p, n, MaxLinkTimeout))
		}
	}
}

func withoutBrowsers() []Platform { return slices.DeleteFunc(Platforms(), Platform.Browser) }
