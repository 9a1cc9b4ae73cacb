package open

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"rollcall/internal/account"
	"rollcall/internal/backup"
)

// Source opens the store that spec names, calls fn, which may only read, and closes the
// store. The directory of a spec may also be a data directory or a backup, which contain
// the store. Source compares an unused backup with its description first. It changes no
// file.
func Source(ctx context.Context, spec string, fn func(account.Engine) error) error {
	if err := Check(spec); err != nil {
		return err
	}
	dir, ok := Dir(spec)
	switch {
	case ok && backup.Untouched(dir):
		if _, err := backup.Check(dir); err != nil {
			return err
		}
		return Read(ctx, "pebble:"+filepath.Join(dir, backup.Store), fn)
	case ok:
		return Read(ctx, "pebble:"+storeIn(dir), fn)
	case database(spec):
		e, err := openPostgres(ctx, spec, Options{})
		if err != nil {
			return err
		}
		return errors.Join(fn(e), e.Close())
	}
	return fmt.Errorf("the store %s has nothing to read", spec)
}
