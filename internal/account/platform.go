package account

import "slices"

// A Platform is the kind of a device. Its text is part of stored data and must not change.
// The vendor spells the same device differently in each place (protocol-sessions.md §2.1).
type Platform string

// Platforms. Mini-programs, mini-games, uni-app and React Native count as Web in all places
// of the vendor; MiniProgram only has times of its own (protocol-sessions.md §1.2).
const (
	IPhone      Platform = "iPhone"
	IPad        Platform = "iPad"
	Android     Platform = "Android"
	Web         Platform = "Web"
	MiniProgram Platform = "MiniProgram"
	Windows     Platform = "Windows"
	Mac         Platform = "Mac"
	Linux       Platform = "Linux"
)

// Platforms returns all platforms, in the order in which query_online_status lists devices.
func Platforms() []Platform {
	return []Platform{IPhone, IPad, Android, Web, MiniProgram, Windows, Mac, Linux}
}

// Valid reports whether p is one of [Platforms].
func (p Platform) Valid() bool { return slices.Contains(Platforms(), p) }

// Browser reports whether p is Web or MiniProgram. Such a device is Offline as soon as its
// link is gone.
func (p Platform) Browser() bool { return p == Web || p == MiniProgram }

// Mobile reports whether p is a telephone or a tablet.
func (p Platform) Mobile() bool { return p == IPhone || p == IPad || p == Android }

// InDetail returns the spelling in Detail of query_online_status. That of Linux is a choice
// of ours (protocol-sessions.md §13, row 10).
func (p Platform) InDetail() string {
	switch p {
	case MiniProgram:
		return string(Web)
	case Windows, Linux:
		return "PC"
	}
	return string(p)
}

// InKicked returns the spelling in KickedDevice of State.StateChange.
func (p Platform) InKicked() string {
	switch p {
	case MiniProgram:
		return string(Web)
	case IPhone:
		return "iOS"
	}
	return string(p)
}

// InQuery returns the spelling in OptPlatform, a parameter in the URL of a webhook. That of
// Linux is a choice of ours (protocol-sessions.md §13, row 10).
func (p Platform) InQuery() string {
	switch p {
	case MiniProgram:
		return string(Web)
	case IPhone:
		return "iOS"
	case Linux:
		return "Unknown"
	}
	return string(p)
}
