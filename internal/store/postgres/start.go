package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// SQLSTATEs of errors that a start explains.
const (
	stateProtocol      = "08P01" // a pooler that does not know a parameter
	stateUnreachable   = "08001" // of a pooler that cannot reach the database
	stateBadValue      = "22023"
	stateReadOnly      = "25006"
	stateNoLogin       = "28000"
	stateDuplicate     = "23505"
	stateWrongPassword = "28P01"
	stateNoDatabase    = "3D000"
	stateNoPermission  = "42501"
	stateNoTable       = "42P01"
	stateNoObject      = "42704"
	stateNoConnection  = "53300"
	stateLocked        = "55P03"
	stateCanceled      = "57014"
	stateStarting      = "57P03"
)

// A rower reads one row. Pools, connections and transactions are rowers.
type rower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// oldestServer is the oldest PostgreSQL that works, as server_version_num.
const oldestServer = 150000

// checkServer returns an error if the database cannot hold the schema, whatever is in it.
func checkServer(ctx context.Context, q rower) error {
	var number int
	var version, encoding string
	err := q.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_version'), current_setting('server_encoding')`).
		Scan(&number, &version, &encoding)
	switch {
	case err != nil:
		return err
	case number < oldestServer:
		return fmt.Errorf("the database is PostgreSQL %s; rollcall needs PostgreSQL 15 or newer", version)
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s; create it with ENCODING 'UTF8' TEMPLATE template0", encoding)
	}
	return nil
}

// schemaVersion returns the version of the schema in the database, or 0 if there is none.
func schemaVersion(ctx context.Context, q rower) (version int64, err error) {
	err = q.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versionTable+" WHERE is_applied").Scan(&version)
	if stateOf(err) == stateNoTable {
		return 0, nil
	}
	return version, err
}

// checkSchema returns an error unless the schema in the database is the one of this
// program. The error is one sentence that says what to do.
func checkSchema(ctx context.Context, q rower) error {
	if err := checkServer(ctx, q); err != nil {
		return err
	}
	has, err := schemaVersion(ctx, q)
	if err != nil {
		return err
	}
	const remedy = `run "rollcall migrate --store …" or start with --migrate`
	switch newest := newestVersion(); {
	case has == 0:
		return errors.New("the database has no schema of rollcall; " + remedy)
	case has < newest:
		return fmt.Errorf("the database has schema version %d, and this rollcall needs version %d; %s", has, newest, remedy)
	case has > newest:
		return errNewer(has)
	}
	return nil
}

func errNewer(has int64) error {
	return fmt.Errorf("the database has schema version %d, newer than this rollcall knows (%d); use a newer rollcall", has, newestVersion())
}

// stateOf returns the SQLSTATE of an error of the database, or "".
func stateOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// A StartError says why a start or a migration cannot use a database.
type StartError struct {
	text string

	Unreachable bool // no server has answered, or none that can work now
	Refused     bool // the database refuses the user, or what the user may not do
}

// Error returns one sentence that names the database and the remedy. It never contains the
// password.
func (e *StartError) Error() string { return e.text }

// startError returns an error of a start or a migration as a [*StartError]. It returns an
// error that is a sentence already unchanged.
func startError(c *pgxpool.Config, err error) error {
	if errors.Is(err, context.Canceled) {
		return err // the caller has ended it
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return &StartError{
			text:        answerText(c.ConnConfig, e),
			Unreachable: slices.Contains([]string{stateNoConnection, stateStarting, stateUnreachable}, startState(e)),
			Refused:     slices.Contains([]string{stateNoLogin, stateWrongPassword, stateNoPermission}, startState(e)),
		}
	}
	if e, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return &StartError{text: connectText(c.ConnConfig, e), Unreachable: true}
	}
	if pgconn.Timeout(err) {
		return &StartError{text: place(c.ConnConfig) + " does not answer in time; look whether it is overloaded, and try again", Unreachable: true}
	}
	if f := faultOf(err); f.detail != failed {
		return &StartError{text: place(c.ConnConfig) + ": " + f.detail, Unreachable: f.transient}
	}
	return err
}

// startState returns the SQLSTATE of an error. Errors of pgbouncer have one that says little,
// and get that of the database for the same.
func startState(e *pgconn.PgError) string {
	f, _ := poolerFault(e)
	switch f.detail {
	case credentials:
		return stateWrongPassword
	case noDatabase:
		return stateNoDatabase
	case poolFull:
		return stateNoConnection
	case poolAlone:
		return stateUnreachable
	}
	return e.Code
}

// place names the database for people. Without a name in the URL it is that of the user.
func place(c *pgx.ConnConfig) string {
	return fmt.Sprintf("the database %s at %s", cmp.Or(c.Database, c.User), strings.Join(hosts(c), ", "))
}

// hosts returns the address of each server that c names.
func hosts(c *pgx.ConnConfig) []string {
	all := []string{address(c.Host, c.Port)}
	for _, f := range c.Fallbacks {
		if a := address(f.Host, f.Port); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

func address(host string, port uint16) string {
	_, a := pgconn.NetworkAddress(host, port)
	return a
}

// answerText explains an error that the database, or a pooler before it, has answered.
func answerText(c *pgx.ConnConfig, e *pgconn.PgError) string {
	message := oneLine(e.Message)
	switch state := startState(e); state {
	case stateWrongPassword, stateNoLogin:
		if state == stateWrongPassword && c.Password == "" {
			return fmt.Sprintf("%s refuses the user %s, and no password was given: %s; give it in PGPASSWORD, or in a file with a line for this host, database and user that PGPASSFILE names", place(c), c.User, message)
		}
		if _, ok := poolerFault(e); ok {
			return fmt.Sprintf("%s refuses the user %s: %s; correct the password in PGPASSWORD, in .pgpass or in the URL, or userlist.txt of the pooler", place(c), c.User, message)
		}
		return fmt.Sprintf("%s refuses the user %s: %s; correct the password in PGPASSWORD, in .pgpass or in the URL, or pg_hba.conf", place(c), c.User, message)
	case stateUnreachable:
		return fmt.Sprintf("%s is behind a pooler that cannot reach it: %s; start the database, or correct the host and the password of the user in the configuration of the pooler", place(c), message)
	case stateNoTable, "3F000", "42703":
		return place(c) + ": " + noTables
	case stateNoDatabase:
		if c.Database == "" {
			return fmt.Sprintf("the URL names no database, and %s does not exist: %s; write postgres://USER@HOST/DATABASE", place(c), message)
		}
		return fmt.Sprintf("%s does not exist: %s; create it, or correct the URL", place(c), message)
	case stateNoPermission:
		const text = `%s does not allow that to the user %s: %s; migrate as the owner of the schema, and let others serve with "rollcall migrate --grant %s"`
		return fmt.Sprintf(text, place(c), c.User, message, c.User)
	case stateNoConnection:
		return fmt.Sprintf("%s has no free connection: %s; raise max_connections, or give fewer with pool_max_conns in the URL", place(c), message)
	case stateReadOnly:
		return fmt.Sprintf("%s is read-only, as a standby is: %s; give the URL of the primary, or all hosts with target_session_attrs=read-write", place(c), message)
	case stateStarting:
		return fmt.Sprintf("%s is not ready: %s; try again", place(c), message)
	case stateLocked, stateCanceled:
		return fmt.Sprintf("%s has given up: %s; try again when no other program holds its tables", place(c), message)
	}
	if e.Code == stateBadValue && strings.Contains(message, "parameter") {
		return fmt.Sprintf("%s does not take a value of the URL: %s; correct it", place(c), message)
	}
	if e.Code == stateProtocol && strings.Contains(message, "startup parameter") {
		return fmt.Sprintf("%s is behind a pooler that takes no parameters: %s; add default_query_exec_mode=exec to the URL", place(c), message)
	}
	if e.Code == stateNoObject && strings.Contains(message, "configuration parameter") {
		return fmt.Sprintf("%s does not know a parameter of the URL: %s; correct its name", place(c), message)
	}
	return fmt.Sprintf("%s answers with an error: %s (SQLSTATE %s)", place(c), message, e.Code)
}

// connectText explains why no server has answered.
func connectText(c *pgx.ConnConfig, e *pgconn.ConnectError) string {
	reason := oneLine(rootOf(e).Error())
	if errors.Is(e, pgconn.ErrStandbyConnection) || errors.Is(e, pgconn.ErrReadOnlyConnection) {
		return fmt.Sprintf("%s is a standby or read-only: %s; give the URL of the primary, or one with all hosts", place(c), reason)
	}
	if strings.Contains(e.Error(), "ValidateConnect failed") {
		return fmt.Sprintf("%s is not the kind of server that target_session_attrs asks for: %s; give the URL of the primary", place(c), reason)
	}
	if _, ok := errors.AsType[*net.DNSError](e); ok {
		return fmt.Sprintf("%s cannot be found: %s; correct its host in the URL", place(c), reason)
	}
	if text, ok := tlsText(e); ok {
		return fmt.Sprintf("%s cannot be reached with TLS: %s; correct sslmode, sslrootcert, sslcert and sslkey in the URL", place(c), text)
	}
	if pgconn.Timeout(e) {
		return fmt.Sprintf("%s does not answer within %v; look whether it runs, or correct the URL", place(c), c.ConnectTimeout)
	}
	return fmt.Sprintf("%s cannot be reached: %s; start it, or correct the URL", place(c), reason)
}

// tlsText returns the reason if a connection has failed in TLS.
func tlsText(err error) (string, bool) {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return oneLine(e.Error()), true
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return oneLine(e.Error()), true
	}
	if e, ok := errors.AsType[tls.AlertError](err); ok {
		return oneLine(e.Error()), true
	}
	text := oneLine(rootOf(err).Error())
	return text, strings.Contains(text, "TLS") || strings.Contains(text, "tls:")
}

// rootOf returns the cause of an error. Of several causes it returns the last one, because
// pgx lists its last attempt last.
func rootOf(err error) error {
	for {
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			if e.Unwrap() == nil {
				return err
			}
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			all := e.Unwrap()
			if len(all) == 0 {
				return err
			}
			err = all[len(all)-1]
		default:
			return err
		}
	}
}
