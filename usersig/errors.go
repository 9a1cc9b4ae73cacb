package usersig

import "fmt"

// A Reason is why a UserSig is refused. The zero Reason is [Malformed].
type Reason uint8

// Reasons. [Verify] documents the order in which they are checked.
const (
	Malformed    Reason = iota // the text cannot be read as a UserSig
	OtherApp                   // made for another SDKAppID
	OtherUser                  // made for another identifier
	BadSignature               // signed with none of the keys, or altered
	Expired                    // no longer valid
	Kicked                     // issued before its user was kicked; only [Sig.CheckKick] returns it
	numReasons
)

// codeEmpty is the ErrorCode for an empty text. It has no Reason, because
// callers that read the text from a request check for an empty one themselves.
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

// Code returns the ErrorCode that a server of the account protocol sends for r.
// The codes are those of the vendor's table of UserSig errors:
//
//	Malformed 70003 · OtherApp 70014 · OtherUser 70013 · BadSignature 70009 · Expired 70001 · Kicked 70052
func (r Reason) Code() int { return reasons[r].code }

// An Error says why a UserSig is refused. All errors of [Parse], [Verify],
// [Sig.Check] and [Sig.CheckKick] have this type.
type Error struct {
	Reason Reason
	Detail string // one clause for a person; may contain ids and times, never a key or a signature
}

func (e *Error) Error() string { return fmt.Sprintf("usersig %v: %s", e.Reason, e.Detail) }

func refuse(r Reason, format string, args ...any) error {
	return &Error{Reason: r, Detail: fmt.Sprintf(format, args...)}
}
