package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/store/open"
	"rollcall/internal/wire"
)

// Exit codes of the commands that call a server, besides those of run.
const (
	exitSomeFailed  = 3 // some items of a batch failed, the others are done
	exitUnreachable = 4 // no usable response of the server or the database
	exitRefused     = 5 // the server refused the signature, the caller or the token, or the database the user
	exitInterrupted = 6 // stopped by a signal; the same command goes on
)

// description is shown by rollcall --help.
const description = `The account service of Tencent Cloud Chat and Live, self-hosted.

"rollcall serve" is the server, and "rollcall exec" runs a program with one. These
commands need no server: "backup" apart from "backup create", "ca", "completion",
"config", "copy", "man", "migrate", "record", "sig", "store", "version" and "webhook
listen". The other commands call a server over HTTP, by default the one that keeps its
data in ./rollcall-data.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some items failed, 4 the server or
its database cannot be reached, 5 the server refused the signature, the caller or the
token, or the database the user, 6 a run was interrupted and goes on with the same
command.`

// A usageError is an error of the command line or of the configuration.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// errSomeFailed ends a command of which some items failed. The command has listed them.
var errSomeFailed = &quietError{exitSomeFailed}

// A quietError ends a command with an exit code and without a message of its own.
type quietError struct{ code int }

func (*quietError) Error() string        { return "" }
func (*quietError) Is(target error) bool { return target == errQuiet }

// codeOf returns the exit code of a failed command.
func codeOf(err error) int {
	if e, ok := errors.AsType[*quietError](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitBadUsage
	}
	if _, ok := errors.AsType[*client.TransportError](err); ok {
		return exitUnreachable
	}
	if e, ok := errors.AsType[*open.StartError](err); ok && (e.Unreachable || e.Refused) {
		if e.Refused {
			return exitRefused
		}
		return exitUnreachable
	}
	if p, ok := errors.AsType[*client.Problem](err); ok && (p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden) {
		return exitRefused
	}
	if e, ok := errors.AsType[*client.Error](err); ok && refusal(e.Code) {
		return exitRefused
	}
	return exitFailure
}

// explain returns the text of err for a terminal, with the remedy on a line of its
// own.
func explain(err error) string {
	text := cleanLines(sentence(err))
	if remedy := remedyOf(err); remedy != "" {
		text += "\n" + remedy
	}
	return text
}

// errorOf names the account that the server does not find. Its own text does not.
func errorOf(userID string, err error) error {
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusNotFound {
		return fmt.Errorf("%s: %w", clean(userID), err)
	}
	return err
}

// sentence returns the text of err without the name of the code of an [account.Error], which
// is for logs and not for people.
func sentence(err error) string {
	text := err.Error()
	e, ok := errors.AsType[*account.Error](err)
	if !ok || e.Detail == "" {
		return text
	}
	coded := e.Error()
	return strings.Replace(text, coded, strings.TrimPrefix(coded, e.Code.String()+": "), 1)
}

// refusal reports whether c refuses the caller. These are the codes of the checks up to
// the one that the caller is an admin.
func refusal(c client.Code) bool {
	switch c := wire.Code(c); c {
	case wire.AccountOrSig, wire.AccountOrSigAlias, wire.Forbidden, wire.SourceRefused, wire.NoPublicKey, wire.AppNotFound,
		wire.GatewayNotAdmin, wire.NotAdmin, wire.ProfileNotAdmin, wire.StatusNotAdmin:
		return true
	default:
		return wire.SigExpired <= c && c <= wire.SigOtherApp || wire.TooManyBadSigs <= c && c <= wire.SigKicked
	}
}
