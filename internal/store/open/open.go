// Package open opens the engine that a spec names. It is the only package that knows
// all engines. A spec is one of
//
//	mem:           in memory; all data is lost when the process ends
//	pebble:DIR     in the directory DIR, created if it does not exist; the default engine
//	postgres://…   PostgreSQL; not in this version
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
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/backup"
	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/pebble"
)

// Options configure an engine beyond its spec.
type Options struct {
	Logger *slog.Logger // nil logs nothing
}

// Check returns an error if a spec is invalid, without opening the store. The error is
// one sentence that says what to do.
func Check(spec string) error {
	scheme, rest, ok := strings.Cut(spec, ":")
	switch {
	case !ok:
		return fmt.Errorf("the store %q has no scheme; write mem: or pebble:DIR", spec)
	case scheme == "mem" && rest != "":
		return fmt.Errorf("the store %q says too much; write mem: alone", spec)
	case scheme == "pebble" && rest == "":
		return errors.New("the store pebble: has no directory; write pebble:DIR")
	case scheme == "mem" || scheme == "pebble":
		return nil
	case scheme == "postgres" || scheme == "postgresql":
		return errors.New("PostgreSQL is not in this version; use mem: or pebble:DIR")
	}
	return fmt.Errorf("the store %q has an unknown scheme; write mem: or pebble:DIR", spec)
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
	return new(mem.Store), nil
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
		return fmt.Errorf("the store %q has no directory", spec)
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
	secrets, err := secretsOf(ctx, sealKeys)
	if err != nil {
		return nil, err
	}
	return verify(ctx, storeIn(dir), secrets)
}

// AcceptStore returns the remaining contents of a damaged store; see [pebble.Accept].
// dir is as for [CheckStore].
func AcceptStore(ctx context.Context, dir string, apply bool) (*account.Contents, error) {
	return counted(pebble.Accept(ctx, pebble.Options{Dir: storeIn(dir), Convert: records.Convert}, apply))
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
