// Package open opens the engine that a spec names. It is the only package that knows
// all engines. A spec is one of
//
//	mem:           in memory; all data is lost when the process ends
//	pebble:DIR     in the directory DIR, created if it does not exist; the default engine
//	postgres://…   a database of PostgreSQL or Citus, which many servers may use
//
// DIR is everything after the colon. It may be absolute or relative, and no character
// in it is special.
package open

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/backup"
	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/pebble"
	"rollcall/internal/store/postgres"
)

// Options configure an engine beyond its spec.
type Options struct {
	Logger *slog.Logger // nil logs nothing

	// Migrate brings the schema of a database to the version of this program first. Other
	// stores do that always.
	Migrate bool
}

// Check returns an error if a spec is invalid, without opening the store. The error is
// one sentence that says what to do.
func Check(spec string) error {
	scheme, rest, ok := strings.Cut(spec, ":")
	switch {
	case !ok:
		return fmt.Errorf("the store %shas no scheme; %s", shown(spec), remedy)
	case scheme == "mem" && rest != "":
		return fmt.Errorf("the store %q says too much; write mem: alone", spec)
	case scheme == "pebble" && rest == "":
		return errors.New("the store pebble: has no directory; write pebble:DIR")
	case scheme == "mem" || scheme == "pebble":
		return nil
	case database(spec):
		return postgres.CheckURL(spec)
	}
	return fmt.Errorf("the store has the unknown scheme %q; %s", scheme, remedy)
}

const remedy = "write mem:, pebble:DIR or postgres://USER@HOST/DATABASE"

// shown returns a spec for a message, or nothing if it could contain a password.
func shown(spec string) string {
	if strings.ContainsAny(spec, "@= ") {
		return ""
	}
	return strconv.Quote(spec) + " "
}

// database reports whether spec names a database.
func database(spec string) bool { return Kind(spec) == "postgres" }

// Kind returns the kind of the store that a valid spec names: mem, pebble or postgres.
func Kind(spec string) string {
	scheme, _, _ := strings.Cut(spec, ":")
	if scheme == "postgresql" {
		return "postgres"
	}
	return scheme
}

// Shared reports whether several servers may use the store that spec names at once.
func Shared(spec string) bool { return database(spec) }

// Redact returns a spec without a password that it contains, for logs and messages.
func Redact(spec string) string {
	if !database(spec) {
		return spec
	}
	return postgres.Redact(spec)
}

// Engine opens the engine that spec names. Its errors are one sentence that
// says what to do.
func Engine(ctx context.Context, spec string, o Options) (account.Engine, error) {
	if err := Check(spec); err != nil {
		return nil, err
	}
	if dir, ok := Dir(spec); ok {
		return openPebble(ctx, dir, o)
	}
	if database(spec) {
		return openPostgres(ctx, spec, o)
	}
	return new(mem.Store), nil
}

// A StartError says why a database cannot be used.
type StartError = postgres.StartError

// Migrate brings the schema of the database that spec names to the version of this program,
// and returns the versions before and after; see [postgres.Migrate].
func Migrate(ctx context.Context, spec string, o Options) (from, to int64, err error) {
	if err := mustBeDatabase(spec); err != nil {
		return 0, 0, err
	}
	return postgres.Migrate(ctx, postgres.Options{URL: spec, Logger: o.Logger})
}

// Grant gives a role of the database that spec names the rights that a server needs; see
// [postgres.Grant].
func Grant(ctx context.Context, spec, role string) error {
	if err := mustBeDatabase(spec); err != nil {
		return err
	}
	return postgres.Grant(ctx, postgres.Options{URL: spec}, role)
}

// CheckRole returns an error if the database that spec names does not have a role; see
// [postgres.CheckRole].
func CheckRole(ctx context.Context, spec, role string) error {
	if err := mustBeDatabase(spec); err != nil {
		return err
	}
	return postgres.CheckRole(ctx, postgres.Options{URL: spec}, role)
}

func mustBeDatabase(spec string) error {
	if database(spec) {
		return nil
	}
	return fmt.Errorf("the store %sis not a database and needs no migration; give --store postgres://USER@HOST/DATABASE", shown(spec))
}

// openPostgres opens a database, after a migration if o asks for one. Like openPebble it
// returns a nil engine if there is an error.
func openPostgres(ctx context.Context, spec string, o Options) (account.Engine, error) {
	po := postgres.Options{URL: spec, Logger: o.Logger}
	if o.Migrate {
		if _, _, err := postgres.Migrate(ctx, po); err != nil {
			return nil, err
		}
	}
	s, err := postgres.Open(ctx, po)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openPebble returns a nil engine if there is an error. A nil *pebble.Store would be an
// engine that is not nil.
func openPebble(ctx context.Context, dir string, o Options) (account.Engine, error) {
	s, err := pebble.Open(ctx, pebble.Options{Dir: dir, Logger: o.Logger, Convert: records.Convert})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Dir returns the directory of the store that spec names, or false for a store
// without one.
func Dir(spec string) (string, bool) { return strings.CutPrefix(spec, "pebble:") }

// Read opens the store that spec names without changing or creating any file, calls
// fn, which may only read, and closes the store.
func Read(ctx context.Context, spec string, fn func(account.Engine) error) error {
	dir, ok := Dir(spec)
	if !ok {
		return fmt.Errorf("the store %q has no directory", Redact(spec))
	}
	s, err := pebble.OpenReadOnly(ctx, pebble.Options{Dir: dir, Convert: records.Convert})
	if err != nil {
		return err
	}
	return errors.Join(fn(s), s.Close())
}

// CheckStore reads every record of the store in the data directory dir without starting
// the store, and returns its contents. dir may also be the directory of the store
// itself. If sealKeys names a file of sealing keys, CheckStore also opens every sealed
// secret.
func CheckStore(ctx context.Context, dir, sealKeys string) (*account.Contents, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	secrets, err := secretsOf(ctx, sealKeys)
	if err != nil {
		return nil, err
	}
	return verify(ctx, storeIn(dir), secrets)
}

// AcceptStore returns the remaining contents of a damaged store; see [pebble.Accept].
// dir is as for [CheckStore].
func AcceptStore(ctx context.Context, dir string, apply bool) (*account.Contents, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	return counted(pebble.Accept(ctx, pebble.Options{Dir: storeIn(dir), Convert: records.Convert}, apply))
}

// checkDir refuses the URL of a database in place of a directory.
func checkDir(dir string) error {
	if !database(dir) {
		return nil
	}
	return errors.New("a database is no directory: its own tools check it and back it up, as docs/scaling.md describes; name a data directory or a backup")
}

// storeIn returns the directory of the store in a data directory.
func storeIn(dir string) string {
	if in := filepath.Join(dir, backup.Store); isDir(in) {
		return in
	}
	return dir
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// Verify compares the backup in dir with its description, opens its store without
// changing it, reads every record and returns the contents. If sealKeys names a file of
// sealing keys, Verify also opens every sealed secret.
func Verify(ctx context.Context, dir, sealKeys string) (*account.Contents, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	if _, err := backup.Check(dir); err != nil {
		return nil, err
	}
	secrets, err := secretsOf(ctx, sealKeys)
	if err != nil {
		return nil, err
	}
	return verify(ctx, filepath.Join(dir, backup.Store), secrets)
}

// verify reads and counts all records of the store in dir.
func verify(ctx context.Context, dir string, secrets func(account.Engine) error) (*account.Contents, error) {
	return counted(pebble.Verify(ctx, pebble.Options{Dir: dir, Convert: records.Convert}, secrets))
}

// counted fills in the numbers of apps, tokens and audit entries of c.
func counted(c *account.Contents, err error) (*account.Contents, error) {
	if err == nil {
		records.Count(c)
	}
	return c, err
}

// secretsOf returns a function that opens every secret of an engine with the keys in the
// file sealKeys. It returns nil if sealKeys is empty.
func secretsOf(ctx context.Context, sealKeys string) (func(account.Engine) error, error) {
	if sealKeys == "" {
		return nil, nil
	}
	ring, err := seal.ReadRing(sealKeys)
	if err != nil {
		return nil, err
	}
	return func(e account.Engine) error {
		_, err := records.New(e, ring).Apps(ctx)
		return err
	}, nil
}
