package usersig

import "fmt"

// A Reason says why a UserSig is refused. The zero Reason is [Malformed].
type Reason uint8

// Reasons. [Verify] says in which order it looks for them.
const (
	Malformed    Reason = iota // the text cannot be read as a UserSig
	OtherApp                   // made for another SDKAppID
	OtherUser                  // made for another identifier
	BadSignature               // signed with none of the keys, or altered
	Expired                    // its validity is over
	Kicked                     // issued before its user was kicked; only [Sig.CheckKick] finds it
	numReasons
)

// codeEmpty answers an absent text. It is no Reason: callers that take the
// text from a request tell "empty" from "unreadable" before they come here.
const codeEmpty = 70002

var reasons = [numReasons]struct {
	name string
	code int
}{
	Malformed:    {"malformed", 70003},
	OtherApp:     {"other app", 70014},
	OtherUser:    {"other user", 70013},
	BadSignature: {"bad signature", 70009},
	Expired:      {"expired", 70001},
	Kicked:       {"kicked", 70052},
}

// String returns the name of r as it appears in logs.
func (r Reason) String() string { return reasons[r].name }

// Code returns the ErrorCode that a server of the account protocol answers
// for r. The numbers are those of the vendor's table of UserSig errors:
//
//	Malformed 70003 · OtherApp 70014 · OtherUser 70013 · BadSignature 70009 · Expired 70001 · Kicked 70052
func (r Reason) Code() int { return reasons[r].code }

// An Error tells why a UserSig is refused. [Parse], [Verify], [Sig.Check] and
// [Sig.CheckKick] return no other type.
type Error struct {
	Reason Reason
	Detail string // one clause for a person; holds ids and times, never a key or a signature
}

func (e *Error) Error() string { return fmt.Sprintf("usersig %v: %s", e.Reason, e.Detail) }

func refuse(r Reason, format string, args ...any) error {
	return &Error{Reason: r, Detail: fmt.Sprintf(format, args...)}
}
