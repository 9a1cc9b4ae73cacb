package client

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"rollcall/internal/wire"
)

// A Code is an error code of the account API. Zero is success.
type Code int

// Codes that callers act on. A server may send any other number of the vendor's tables
// too (protocol.md §1.5 to §1.7).
const (
	CodeRobotRefused     Code = 10008  // no id of a robot, no such robot, or too many of them
	CodeRelationConflict Code = 30008  // relation data is being written; delete in batches
	CodeProfileNoAccount Code = 40003  // CodeNoAccount in the profile commands
	CodeSensitiveWord    Code = 40005  // the value contains a word that the app does not allow
	CodeUnknownTag       Code = 40009  // the app has no such profile tag
	CodeValueTooLong     Code = 40601  // over 500 bytes
	CodeCommandRate      Code = 60007  // too many calls of the command in a second
	CodeGatewayNotAdmin  Code = 60010  // CodeNotAdmin in the status and profile commands
	CodeAppRate          Code = 60011  // too many calls of the app in a second
	CodeSigExpired       Code = 70001  // the UserSig is expired
	CodeSigMismatch      Code = 70009  // the UserSig was signed with another key
	CodeAppNotFound      Code = 70020  // the SDKAppID is unknown, or belongs to another data centre
	CodeSigKicked        Code = 70052  // the UserSig was made before the last kick
	CodeNoAccount        Code = 70107  // the account does not exist
	CodeTimeout          Code = 70169  // the server timed out; the outcome is unknown
	CodeQuotaExceeded    Code = 70398  // the app has as many accounts as its quota allows
	CodeTombstoned       Code = 70399  // the account was deleted less than three months ago
	CodeBadParameter     Code = 70402  // a field is missing or not as documented
	CodeNotAdmin         Code = 70403  // only an app admin may call this
	CodeInternal         Code = 70500  // internal error of the server
	CodeDeletionRefused  Code = 71000  // the app does not allow deletion
	CodeMuteBadAccount   Code = 130005 // CodeNoAccount in the commands of mutes

	// CodeUnexplained is not a code of the vendor. It means that an item failed and
	// that the server gave no reason. The vendor gives none in multiaccount_import.
	CodeUnexplained Code = -1
)

// String returns the number of c.
func (c Code) String() string { return strconv.Itoa(int(c)) }

// Text returns the meaning of c, in the vendor's words if they are known. It returns
// "" for an unknown code.
func (c Code) Text() string {
	if c == CodeUnexplained {
		return "the server gave no reason"
	}
	return wire.Lookup(wire.Code(c)).Text
}

// Advice returns the remedy for c in one sentence, or "" for an unknown code.
func (c Code) Advice() string {
	if c == CodeUnexplained {
		return "Import the account by itself, with ImportAccount, to see the reason."
	}
	return wire.Lookup(wire.Code(c)).Advice
}

// Retryable reports whether the same call can succeed later without a change. This is
// true of the codes that protocol.md marks "yes" and "slow".
func (c Code) Retryable() bool {
	switch c.retry() {
	case wire.RetryYes, wire.RetrySlow:
		return true
	}
	return false
}

// retry returns whether and how to retry after c.
func (c Code) retry() wire.Retry { return wire.Lookup(wire.Code(c)).Retry }

// An Error is an error code with which a server responded to a call.
type Error struct {
	Command   string // the last part of the path, such as "account_import"
	Code      Code
	Info      string // ErrorInfo, as the server wrote it
	Advice    string // the remedy in one sentence; "" for an unknown code
	RequestID string // identifies the call in the server's log; "" if the server sent none
	Retryable bool   // a later call can succeed; the client has retried already
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %d", e.Command, e.Code)
	if e.Info != "" {
		s += " " + e.Info
	}
	if advice := e.newAdvice(); advice != "" {
		s += " — " + advice
	}
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// newAdvice returns the part of Advice that Info does not contain. If Info is not a text
// of the vendor, the advice of Rollcall begins with Info.
func (e *Error) newAdvice() string {
	n := len(e.Info)
	switch {
	case advises(e.Info):
		return ""
	case n > 0 && len(e.Advice) > n && strings.EqualFold(e.Advice[:n], e.Info):
		return strings.TrimLeft(e.Advice[n:], ". ")
	}
	return e.Advice
}

// advises reports whether info contains a remedy. Rollcall's own texts contain one after
// a semicolon. The vendor's texts contain none.
func advises(info string) bool { return strings.Contains(info, "; ") }

// A TransportError reports a call without a usable response: the server could not be
// reached, or another server on the way responded. Whether the call took effect is
// unknown.
type TransportError struct {
	Op     string // the command, or the method and path
	Status int    // HTTP status of the response; 0 without a response
	Err    error  // cause
}

func (e *TransportError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: no answer: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: HTTP status %d: %v", e.Op, e.Status, e.Err)
}

func (e *TransportError) Unwrap() error { return e.Err }

// Temporary reports whether a later attempt may get a response.
func (e *TransportError) Temporary() bool {
	switch e.Status {
	case 0:
		return !untrusted(e.Err)
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return e.Status >= http.StatusInternalServerError
}
