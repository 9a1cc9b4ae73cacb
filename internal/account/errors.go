package account

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Code classifies an outcome for callers that must act on it. The zero Code is
// [Internal], so an error without a Code never leaks details to a client.
type Code uint8

// Codes. Package api maps each to its number on the wire, which depends on the service.
const (
	Internal        Code = iota // an unexpected failure; a retry may help
	OK                          // success; used in results of batches
	Unavailable                 // temporary: nothing was changed, and a retry can succeed
	Unknown                     // time-out: the write may or may not have happened, and a retry is safe
	Exists                      // an app with that id exists
	NoApp                       // no such app
	NoAccount                   // no such account, or it is deleted
	InvalidID                   // a UserID that no account can have
	InvalidApp                  // an app record that breaks a rule; Detail says which
	Malformed                   // the body is not the JSON that the command reads
	IDNotString                 // an id is not a JSON string
	BadParameter                // a required field is missing or of the wrong type
	EmptyBatch                  // no item in a batch
	BatchTooLarge               // more items than the command accepts
	NotAdmin                    // the caller is not an admin of the app
	ValueTooLong                // a profile value over its limit
	ValueNotAllowed             // a profile value outside the field's list
	ValueType                   // a profile value of the wrong JSON type
	UnknownTag                  // a profile tag that the app does not have
	TagNotReadable              // a profile tag that admins may not read
	TagNotWritable              // a profile tag that admins may not write
	SensitiveWord               // a value contains a word from the app's list
	Tombstoned                  // deleted too recently to be imported again
	QuotaFull                   // the app has reached its quota of accounts
	DeletionOff                 // the app does not allow deletion
	AdminProtected              // admins cannot be deleted
	Conflict                    // the record is not in the state that the change requires
	NoKey                       // the app has no such key
	NoToken                     // no such token
	NoSnapshot                  // no such snapshot of a test app
	NoImport                    // no such bulk import
	NoDevice                    // the account has no such device, or none that is online
	Replaced                    // another device of the account took the place of this one
	NoWebhook                   // the app has no webhook
	NoRecord                    // no such record
	Stale                       // a record has changed since it was read
	numCodes
)

var codeNames = [numCodes]string{
	"internal", "ok", "unavailable", "unknown", "exists", "no app", "no account", "invalid id", "invalid app",
	"malformed", "id not a string", "bad parameter", "empty batch", "batch too large", "not admin",
	"value too long", "value not allowed", "value type", "unknown tag", "tag not readable",
	"tag not writable", "sensitive word", "tombstoned", "quota full", "deletion off", "admin protected",
	"conflict", "no key", "no token", "no snapshot", "no import", "no device", "replaced", "no webhook", "no record", "stale",
}

// String returns the name of c as it appears in logs and metrics.
func (c Code) String() string { return codeNames[c] }

// Codes returns every Code. Tests use it to check that a mapping is complete.
func Codes() []Code {
	cs := make([]Code, numCodes)
	for i := range cs {
		cs[i] = Code(i)
	}
	return cs
}

// An Error is the only error type that carries meaning across packages.
type Error struct {
	Code   Code
	Detail string // one sentence with the remedy; safe to send to the client
	Err    error  // cause; logged, never sent
}

func (e *Error) Error() string {
	switch {
	case e.Err == nil && e.Detail == "":
		return e.Code.String()
	case e.Err == nil:
		return fmt.Sprintf("%v: %s", e.Code, e.Detail)
	case e.Detail == "":
		return fmt.Sprintf("%v: %v", e.Code, e.Err)
	}
	return fmt.Sprintf("%v: %s: %v", e.Code, e.Detail, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns [OK] for nil, the Code of the first [Error] in err's chain, or
// [Internal].
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// DetailOf returns the Detail of the first [Error] in err's chain, or "".
func DetailOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Detail
	}
	return ""
}

// Ended returns nil until ctx ends, and an error with Code [Unavailable] afterwards.
// It is for calls that have changed nothing.
func Ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return &Error{Code: Unavailable, Detail: "the call ran out of time; retrying it is safe", Err: context.Cause(ctx)}
}

// Undecided returns the error of a change whose ctx has ended during the change. The
// error has Code [Unknown].
func Undecided(ctx context.Context) error {
	return &Error{Code: Unknown, Detail: "the call ran out of time and may still take effect; retrying it is safe", Err: context.Cause(ctx)}
}

// maxQuoted is the largest part of a refused text that an error quotes, in bytes.
const maxQuoted = 64

// Quote returns text in quotes for the Detail of an [Error]. It cuts texts above 64
// bytes, because a refused text may have any length.
func Quote[T ~string](text T) string {
	s := string(text)
	if len(s) > maxQuoted {
		s = strings.ToValidUTF8(s[:maxQuoted], "") + "…"
	}
	return strconv.Quote(s)
}
