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

// Codes that callers act upon; any other number of the vendor's tables may come
// too (protocol.md §1.5 to §1.7).
const (
	CodeRelationConflict Code = 30008 // relation data is being written; delete in batches
	CodeProfileNoAccount Code = 40003 // the profile commands' word for CodeNoAccount
	CodeSensitiveWord    Code = 40005 // the value holds a word that the app does not allow
	CodeUnknownTag       Code = 40009 // the app has no such profile tag
	CodeValueTooLong     Code = 40601 // over 500 bytes
	CodeCommandRate      Code = 60007 // too many calls of the command in a second
	CodeGatewayNotAdmin  Code = 60010 // CodeNotAdmin, as the status and profile commands have it
	CodeAppRate          Code = 60011 // too many calls of the app in a second
	CodeSigExpired       Code = 70001 // the UserSig is expired
	CodeSigMismatch      Code = 70009 // the UserSig was signed with another key
	CodeAppNotFound      Code = 70020 // unknown SDKAppID, or another data centre's
	CodeSigKicked        Code = 70052 // the UserSig was made before the last kick
	CodeNoAccount        Code = 70107 // the account does not exist
	CodeTimeout          Code = 70169 // the server timed out; the outcome is unknown
	CodeQuotaExceeded    Code = 70398 // the edition holds no more accounts
	CodeTombstoned       Code = 70399 // deleted less than three months ago
	CodeBadParameter     Code = 70402 // a field is missing or not as documented
	CodeNotAdmin         Code = 70403 // only an app admin may call this
	CodeInternal         Code = 70500 // internal error of the server
	CodeDeletionRefused  Code = 71000 // the app does not allow deletion

	// CodeUnexplained is not of the vendor: the item failed and the server
	// did not say why. The vendor never does for multiaccount_import.
	CodeUnexplained Code = -1
)

// String returns the number of c.
func (c Code) String() string { return strconv.Itoa(int(c)) }

// Text returns what c means, in the vendor's words where they are known, or ""
// for an unknown code.
func (c Code) Text() string {
	if c == CodeUnexplained {
		return "the server gave no reason"
	}
	return wire.Lookup(wire.Code(c)).Text
}

// Advice returns what to do about c in one sentence, or "" for an unknown code.
func (c Code) Advice() string {
	if c == CodeUnexplained {
		return "Import the account by itself, with ImportAccount, to see the reason."
	}
	return wire.Lookup(wire.Code(c)).Advice
}

// Retryable reports whether the same call can succeed when it is repeated later
// without being changed: the codes that protocol.md marks "yes" and "slow".
func (c Code) Retryable() bool {
	switch c.retry() {
	case wire.RetryYes, wire.RetrySlow:
		return true
	}
	return false
}

// retry returns how c is repeated.
func (c Code) retry() wire.Retry { return wire.Lookup(wire.Code(c)).Retry }

// An Error is a call that the server answered with a code.
type Error struct {
	Command   string // the last part of the path, as "account_import"
	Code      Code
	Info      string // ErrorInfo, as the server wrote it
	Advice    string // what to do, one sentence; "" for an unknown code
	RequestID string // names the call in the server's log; "" if the server gave none
	Retryable bool   // repeating it later can help; it has been repeated already
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

// newAdvice returns what Advice adds to Info. Rollcall's begins with what Info
// says where Info is not the vendor's own text.
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

// advises reports whether an ErrorInfo says what to do, as those of Rollcall's own
// words do: after a semicolon. The vendor's are names and facts.
func advises(info string) bool { return strings.Contains(info, "; ") }

// A TransportError is a call that got no usable answer: the server could not be
// reached, or something on the way answered in its place. Whether the call took
// effect is unknown.
type TransportError struct {
	Op     string // what was called: a command, or method and path
	Status int    // HTTP status of the answer; 0 if none came
	Err    error  // cause
}

func (e *TransportError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: no answer: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: HTTP status %d: %v", e.Op, e.Status, e.Err)
}

func (e *TransportError) Unwrap() error { return e.Err }

// passing reports whether a later attempt may get an answer.
func (e *TransportError) passing() bool {
	switch e.Status {
	case 0:
		return !untrusted(e.Err)
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return e.Status >= http.StatusInternalServerError
}
