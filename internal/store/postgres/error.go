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
	readOnly     = "the database is read-only, as a standby is; check which server the address of the store leads to"
	credentials  = "the database refuses the user or the password of the store"
	noDatabase   = "the database of the store does not exist; create it, then run \"rollcall migrate\""
	noTables     = "the database has lost the tables of rollcall; restore a backup, or run \"rollcall migrate\" for an empty store"
	noRight      = "the role of the store lacks a right in the database; run \"rollcall migrate --grant ROLE\" as the owner"
	diskFull     = "the disk of the database is full; free some space there"
	conflicting  = "other transactions of the database were in the way; retry"
	failed       = "the database cannot do this; see the server's log"
)

// byState contains the faults of SQLSTATEs, and of classes of them by two letters.
var byState = map[string]fault{
	"08":    {detail: lost, transient: true},
	"28":    {detail: credentials},
	"3D000": {detail: noDatabase},
	"3F000": {detail: noTables},
	"42P01": {detail: noTables},
	"42703": {detail: noTables},
	"42501": {detail: noRight},
	"25006": {detail: readOnly, transient: true, moved: true},
	"40":    {detail: conflicting, transient: true},
	"55P03": {detail: conflicting, transient: true},
	"57014": {detail: outOfTime, transient: true},
	"57P01": {detail: starting, transient: true},
	"57P02": {detail: starting, transient: true},
	"57P03": {detail: starting, transient: true},
	"57P05": {detail: lost, transient: true},
	"25P03": {detail: lost, transient: true},
	"53300": {detail: tooMany, transient: true},
	"53100": {detail: diskFull},
	"26000": {detail: lost, transient: true}, // a pooler led to a server without the prepared statement
}

// faultOf returns the meaning of err.
func faultOf(err error) fault {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		if f, ok := byState[e.Code]; ok {
			return f
		}
		if f, ok := byState[e.Code[:min(2, len(e.Code))]]; ok {
			return f
		}
		return fault{detail: failed}
	}
	var network net.Error
	switch {
	case errors.Is(err, errBusy):
		return fault{detail: noConnection, transient: true}
	case errors.Is(err, errUnreplicated):
		return fault{detail: lost, transient: true}
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return fault{detail: refused, transient: true}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fault{detail: outOfTime, transient: true}
	case strings.Contains(err.Error(), "read only connection"):
		return fault{detail: readOnly, transient: true, moved: true}
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fault{detail: lost, transient: true}
	case strings.Contains(err.Error(), "conn closed"), strings.Contains(err.Error(), "closed pool"):
		return fault{detail: lost, transient: true}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fault{detail: refused, transient: true}
	}
	return fault{detail: failed}
}

// errorOf returns the error of a call that failed with err, an error of the driver or an
// [account.Error]. If doubt is set, changes of the call may have happened.
func errorOf(err error, doubt bool) error {
	if e, ok := errors.AsType[*account.Error](err); ok {
		return e
	}
	f := faultOf(err)
	code := account.Internal
	switch {
	case doubt && f.transient:
		code = account.Unknown
	case f.transient || f.detail != failed:
		code = account.Unavailable
	}
	return &account.Error{Code: code, Detail: f.detail, Err: err}
}
