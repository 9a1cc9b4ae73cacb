package account

import "strings"

// An AppID is an SDKAppID, the number of an app. Zero is no app.
type AppID uint32

// A UserID names an account inside its app. It is case-sensitive, never
// changes, and is echoed byte for byte.
type UserID string

// MaxUserIDBytes is the longest UserID, in bytes (protocol.md §4).
const MaxUserIDBytes = 32

// Administrator is the admin that every app has from the start.
const Administrator UserID = "administrator"

// Validate reports whether id may name an account: it must be 1 to 32 bytes of
// printable ASCII without a reserved prefix. If strict is set, it allows only letters,
// digits, '_' and '-', as the vendor's login pages advise.
//
// The error has Code [InvalidID].
func (id UserID) Validate(strict bool) error {
	switch {
	case id == "":
		return &Error{Code: InvalidID, Detail: "the UserID is empty; give 1 to 32 bytes"}
	case len(id) > MaxUserIDBytes:
		return &Error{Code: InvalidID, Detail: "the UserID is longer than 32 bytes; shorten it"}
	case id.IsRobot():
		return &Error{Code: InvalidID, Detail: "UserIDs that start with @RBT# belong to robots; use create_robot and delete_robot"}
	case id.reserved():
		return &Error{Code: InvalidID, Detail: "UserIDs that start with @ or #TOA# are reserved; choose another"}
	case !id.spelt(strict):
		return &Error{Code: InvalidID, Detail: badSpelling(strict)}
	}
	return nil
}

// RobotPrefix begins the ids of robots (protocol-sessions.md §9.4).
const RobotPrefix = "@RBT#"

// IsRobot reports whether id belongs to robots. No account has such an id.
func (id UserID) IsRobot() bool { return strings.HasPrefix(string(id), RobotPrefix) }

// ValidateRobot reports whether id may name a robot: it must be 6 to 32 bytes of printable
// ASCII that start with [RobotPrefix].
//
// The error has Code [InvalidID].
func (id UserID) ValidateRobot() error {
	switch {
	case !id.IsRobot():
		return &Error{Code: InvalidID, Detail: "the UserID of a robot starts with @RBT#; add it"}
	case len(id) > MaxUserIDBytes:
		return &Error{Code: InvalidID, Detail: "the UserID is longer than 32 bytes; shorten it"}
	case id == RobotPrefix:
		return &Error{Code: InvalidID, Detail: "the UserID ends after @RBT#; add the name of the robot"}
	case !id.spelt(false):
		return &Error{Code: InvalidID, Detail: badSpelling(false)}
	}
	return nil
}

// ValidateAny is [UserID.Validate] for commands that serve robots, too.
func (id UserID) ValidateAny(strict bool) error {
	if id.IsRobot() {
		return id.ValidateRobot()
	}
	return id.Validate(strict)
}

// WhyUnknown returns the reason why a has no account with the id, for the Detail of an
// [Error]. It returns "" if an account can have it.
func (a *App) WhyUnknown(id UserID) string {
	if id.IsRobot() && id.ValidateRobot() == nil {
		return "the app has no such robot; create it with create_robot"
	}
	return DetailOf(id.ValidateAny(a.Settings.StrictIDs))
}

// reserved reports whether id belongs to robots, groups, official accounts or
// the system (protocol.md §4, decisions.md "Ids, admins, editions").
func (id UserID) reserved() bool {
	return id[0] == '@' || strings.HasPrefix(string(id), "#TOA#")
}

func (id UserID) spelt(strict bool) bool {
	for i := range len(id) {
		c := id[i]
		if c < 0x20 || c > 0x7e || strict && !isWord(c) {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

func badSpelling(strict bool) string {
	if strict {
		return "the UserID may hold only letters, digits, _ and -"
	}
	return "the UserID may hold only printable ASCII (0x20 to 0x7E)"
}
