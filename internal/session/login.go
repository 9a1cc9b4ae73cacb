package session

import (
	"fmt"
	"net/netip"
	"time"
	"unicode/utf8"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// A Login is what a device says when it logs in.
type Login struct {
	Platform account.Platform
	Address  netip.Addr // the zero Addr if it is not known
	Instance string     // what the device calls itself; "" for a new device each time
	Expires  time.Time  // expiry of its UserSig, by the clock of the app; the zero time without one
	Link     Link       // its link; the zero Link if it is kept elsewhere
}

// A Link tells the link of a device apart from all others. The zero Link is none.
type Link struct {
	Node string // see [Sessions.Node]
	ID   uint64
}

// MaxInstance is the largest number of bytes of [Login.Instance].
const MaxInstance = 64

// Validate reports whether l can log in.
//
// Codes: BadParameter.
func (l Login) Validate() error {
	switch {
	case l.Platform == "":
		return refusef("the platform is missing; give one of %v", account.Platforms())
	case !l.Platform.Valid():
		return refusef("the platform %s is unknown; give one of %v", account.Quote(l.Platform), account.Platforms())
	case len(l.Instance) > MaxInstance:
		return refusef("the instance has %d bytes; give at most %d", len(l.Instance), MaxInstance)
	case !printable(l.Instance):
		return refusef("the instance %s has other characters than printable ones of ASCII", account.Quote(l.Instance))
	case l.Address.Zone() != "":
		return refusef("the address %s has a zone; leave it out", l.Address)
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func refusef(format string, args ...any) error {
	return &account.Error{Code: account.BadParameter, Detail: fmt.Sprintf(format, args...)}
}

// is reports whether d is the device that logs in with l.
func (l Login) is(d records.Device) bool {
	return l.Instance != "" && d.Instance == l.Instance && d.Platform == l.Platform
}

// mayBe reports whether l can be a new login of d.
//
// Codes: BadParameter.
func (l Login) mayBe(d *records.Device) error {
	if l.Platform != d.Platform {
		return refusef("the device is of the platform %s, not %s; leave out its ID to log in another one", d.Platform, l.Platform)
	}
	return nil
}

// LoggedIn is the result of a login.
type LoggedIn struct {
	Device   records.Device
	Again    bool             // the browser was logged in, and its link was in order: nothing has happened
	Replaced []records.Device // that gave way to it
}

// MaxCustomStatus is the largest number of bytes of a custom status (protocol-sessions.md
// §1.3).
const MaxCustomStatus = 100

// CheckStatus reports whether text can be a custom status.
//
// Codes: BadParameter.
func CheckStatus(text string) error {
	if len(text) > MaxCustomStatus {
		return refusef("the custom status has %d bytes; give at most %d", len(text), MaxCustomStatus)
	}
	if !utf8.ValidString(text) {
		return refusef("the custom status is no UTF-8")
	}
	return nil
}

// A Silence says why nothing is heard of a device.
type Silence string

// Reasons for silence. Only a mini-program knows the last two; another device stays online in
// the background, and one that is left drops its link at once (protocol-sessions.md §1.2).
const (
	Unreachable Silence = "network"    // the network is gone
	Background  Silence = "background" // the user looks at something else
	Left        Silence = "left"       // the user has left by the corner button
)

// Times after which the link of a mini-program ends (protocol-sessions.md §1.2).
const (
	miniProgramBackground = 30 * time.Second
	miniProgramLeft       = 5 * time.Second
)

// Validate reports whether s is one of the reasons.
//
// Codes: BadParameter.
func (s Silence) Validate() error {
	switch s {
	case Unreachable, Background, Left:
		return nil
	}
	return refusef("the reason %s of the silence is unknown; give %s, %s or %s", account.Quote(s), Unreachable, Background, Left)
}
