package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"rollcall/internal/account"
)

// A fault is the meaning of an error of the driver.
type fault struct {
	detail    string // for clients and the log; never the driver's text
	transient bool   // the same call can succeed soon
	moved     bool   // existing connections lead to a server that does not take writes
}

// Details of errors. Each says what to look at.
const (
	outOfTime    = "the database did not answer in time; retrying the call is safe"
	noConnection = "no connection to the database is free; retry, or raise pool_max_conns in the address of the store"
	refused      = "the database refuses connections; check that it runs and that its address is right"
	lost         = "the connection to the database was lost; retrying the call is safe"
	starting     = "the database is starting or stopping; retry"
	tooMany      = "the database has no free connection; raise its max_connections or lower pool_max_conns"
	poolFull     = "the pooler before the database has no free connection; raise its limits or lower pool_max_conns"
	poolAlone    = "the pooler before the database cannot reach it; check that the database runs and that the password in userlist.txt is right"
	badPooler    = "a pooler before the database does not keep sessions; add default_query_exec_mode=exec to the address of the store"
	exhausted    = "the database has no memory or another resource left; see its log"
	readOnly     = "the database is read-only, as a standby is; check which server the address of the store leads to"
	credentials  = "the database refuses the user or the password of the store"
	noDatabase   = "the database of the store does not exist; create it, then run \"rollcall migrate\""
	noTables     = "the database has lost the tables of rollcall; restore a backup, or run \"rollcall migrate\" for an empty store"
	noRight      = "the role of the store lacks a right in the database; run \"rollcall migrate --grant ROLE\" as the owner"
	diskFull     = "the disk of the database is full; free some space there"
	conflicting  = "other transactions of the database were in the way; retry"
	failed       = "the database cannot do this; see the server's log"
)

// SQLSTATEs that are not in start.go.
const (
	stateUnknownCommit = "40003"
	stateNotSupported  = "0A000"
)

// byState contains the faults of SQLSTATEs, and of classes of them by two letters.
var byState = map[string]fault{
	"08":              {detail: lost, transient: true},
	"23505":           {detail: conflicting, transient: true}, // two transactions create the same space
	"25P03":           {detail: lost, transient: true},
	stateReadOnly:     {detail: readOnly, transient: true, moved: true},
	"26000":           {detail: badPooler, transient: true}, // a prepared statement has vanished
	"28":              {detail: credentials},
	stateNoDatabase:   {detail: noDatabase},
	"3F000":           {detail: noTables},
	"40":              {detail: conflicting, transient: true},
	stateNoPermission: {detail: noRight},
	"42703":           {detail: noTables},
	stateNoTable:      {detail: noTables},
	"42P05":           {detail: badPooler, transient: true}, // a prepared statement is of another session
	"53":              {detail: exhausted, transient: true},
	"53100":           {detail: diskFull, transient: true},
	stateNoConnection: {detail: tooMany, transient: true},
	stateLocked:       {detail: conflicting, transient: true},
	stateCanceled:     {detail: outOfTime, transient: true},
	"57P01":           {detail: starting, transient: true},
	"57P02":           {detail: starting, transient: true},
	stateStarting:     {detail: starting, transient: true},
	"57P04":           {detail: noDatabase},
	"57P05":           {detail: lost, transient: true},
}

// poolerFaults contains the faults of messages of pgbouncer, which have the SQLSTATE
// [stateProtocol] in most of its versions.
var poolerFaults = map[string]fault{
	"no more connections allowed":   {detail: poolFull, transient: true},
	"query_wait_timeout":            {detail: poolFull, transient: true},
	"no such database":              {detail: noDatabase},
	"server login has been failing": {detail: poolAlone, transient: true},
	"server login failed":           {detail: poolAlone, transient: true},
	"cannot do SCRAM":               {detail: poolAlone, transient: true}, // userlist.txt has a password of another form
	"cannot do MD5":                 {detail: poolAlone, transient: true},
	"pgbouncer cannot connect":      {detail: poolAlone, transient: true},
	"SASL authentication failed":    {detail: credentials},
	"password authentication fail":  {detail: credentials},
	"no such user":                  {detail: credentials}, // userlist.txt does not have it
	"login rejected":                {detail: credentials},
}

// errUndecided means that an attempt in doubt may have been committed, and that other calls
// have removed every trace of it.
var errUndecided = &account.Error{Code: account.Unknown, Detail: lost}

// faultOf returns the meaning of err.
func faultOf(err error) fault {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		if f := faultOfAnswer(e); f.detail != failed || !connecting {
			return f
		}
		return fault{detail: refused, transient: true}
	}
	var network net.Error
	switch {
	case errors.Is(err, errBusy):
		return fault{detail: noConnection, transient: true}
	case errors.Is(err, errUnreplicated):
		return fault{detail: lost, transient: true}
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return fault{detail: refused, transient: true}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), pgconn.Timeout(err):
		return fault{detail: outOfTime, transient: true}
	case errors.Is(err, pgconn.ErrReadOnlyConnection), errors.Is(err, pgconn.ErrStandbyConnection), errors.Is(err, errReadOnly):
		return fault{detail: readOnly, transient: true, moved: true}
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, pgconn.ErrConnClosed):
		return fault{detail: lost, transient: true}
	}
	if connecting {
		return fault{detail: refused, transient: true}
	}
	return fault{detail: failed}
}

// faultOfAnswer returns the meaning of an error that the database, or a pooler, has sent.
func faultOfAnswer(e *pgconn.PgError) fault {
	if e.Code == stateNotSupported && e.Routine == "RevalidateCachedQuery" { // the plan is older than a migration
		return fault{detail: conflicting, transient: true}
	}
	if f, ok := poolerFault(e); ok {
		return f
	}
	if f, ok := byState[e.Code]; ok {
		return f
	}
	if f, ok := byState[e.Code[:min(2, len(e.Code))]]; ok {
		return f
	}
	return fault{detail: failed}
}

// poolerFault returns the meaning of an error of pgbouncer, or false for another one.
func poolerFault(e *pgconn.PgError) (fault, bool) {
	for text, f := range poolerFaults {
		if strings.HasPrefix(e.Message, text) {
			return f, true
		}
	}
	return fault{}, false
}

// errorOf returns the error of a call that failed with err, an error of the driver or an
// [account.Error], or nil. If doubt is set, changes of the call may have happened.
func errorOf(err error, doubt bool) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*account.Error](err); ok {
		return e
	}
	f := faultOf(err)
	code := account.Internal
	switch {
	case doubt:
		code = account.Unknown
	case f.detail != failed:
		code = account.Unavailable
	}
	return &account.Error{Code: code, Detail: f.detail, Err: err}
}
