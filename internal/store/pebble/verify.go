package pebble

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/digest"
	"rollcall/internal/store/pebble/catalog"
	"rollcall/internal/store/pebble/guard"
	"rollcall/internal/store/pebble/record"
)

// OpenReadOnly opens the store in o.Dir without changing or creating any file. No other
// process may use the store meanwhile. The caller may only read, and must close the store.
func OpenReadOnly(ctx context.Context, o Options) (*Store, error) {
	o = o.withDefaults()
	if _, err := o.FS.Stat(o.Dir); err != nil {
		return nil, fmt.Errorf("there is no store in %s: %w", o.Dir, cause(err))
	}
	if names, err := o.FS.List(o.Dir); err == nil && !slices.ContainsFunc(names, func(n string) bool { return n != "LOCK" }) {
		return nil, fmt.Errorf("there is no store in %s: the directory is empty", o.Dir)
	}
	o.FS, o.readOnly = guard.ReadOnly(o.FS), true
	return Open(ctx, o)
}

// Accept reads what is left of a damaged store in o.Dir and returns its contents. It fails
// if the journal has a gap or a table cannot be read. If apply is set, Accept also records
// the logs and the manifest as they are. [Open] then accepts the store again, without the
// data that the damage has destroyed. No other process may use the store meanwhile.
func Accept(ctx context.Context, o Options, apply bool) (*account.Contents, error) {
	o = o.withDefaults()
	if err := o.checkAcceptable(); err != nil {
		return nil, err
	}
	o.accept = true
	c, err := Verify(ctx, o, nil)
	if errors.Is(err, errNoStore) {
		return nil, fmt.Errorf("nothing of the store in %s can be read; restore a backup", o.Dir)
	}
	if err != nil || !apply {
		return c, err
	}
	lock, err := o.lockDir()
	if err != nil {
		return nil, err
	}
	return c, errors.Join(guard.CreateChecksums(o.FS, o.Dir), lock.Close())
}

// Verify opens the store in o.Dir with [OpenReadOnly], reads every record and returns the
// contents. more runs additional checks. It may be nil, and may only read.
func Verify(ctx context.Context, o Options, more func(account.Engine) error) (*account.Contents, error) {
	s, err := OpenReadOnly(ctx, o)
	if err != nil {
		return nil, err
	}
	c, err := s.contents(ctx)
	if err == nil && more != nil {
		err = more(s)
	}
	if err != nil {
		_ = s.Close() // it may have failed for the same reason
		return nil, o.withDefaults().failed("reading", err)
	}
	return c, s.Close()
}

// contents counts everything, and reads the data that Open has not read.
func (s *Store) contents(ctx context.Context) (*account.Contents, error) {
	if err := s.checkTables(ctx); err != nil {
		return nil, err
	}
	c := &account.Contents{Tombstones: s.table.Tombstones()}
	sum := digest.New()
	for _, app := range slices.Sorted(maps.Keys(s.commits.group.spaces)) {
		n, err := s.digest(ctx, app, sum)
		if err != nil {
			return nil, err
		}
		c.Accounts += n
	}
	c.Digest = sum.String()
	c.Orphans = s.table.Total() - c.Accounts
	var err error
	c.Records, err = readRecords(ctx, s, func(db pebble.Reader) (map[account.Kind]int64, error) { return catalog.Count(ctx, db) })
	return c, err
}

// digest adds every account of an app to sum, in the order of IDs.
func (s *Store) digest(ctx context.Context, app account.AppID, sum *digest.Digest) (n int64, err error) {
	var b []byte
	for q := (account.ListQuery{Limit: account.MaxListLimit}); ; {
		page, err := s.List(ctx, app, q)
		if err != nil {
			return 0, err
		}
		for i := range page.Accounts {
			a := &page.Accounts[i]
			b = record.AppendName(b[:0], app, a.ID)
			if e := s.table.Lookup(b); e.InternalID != a.InternalID || e.Kicked != a.Kicked {
				return 0, fmt.Errorf("app %d, account %q: the index says something else than the account", app, a.ID)
			}
			sum.Add(app, a)
		}
		n += int64(len(page.Accounts))
		if q.After = page.Next; q.After == "" {
			return n, s.checkCount(app, n)
		}
	}
}

func (s *Store) checkCount(app account.AppID, listed int64) error {
	if n := s.table.Count(app); n != listed {
		return fmt.Errorf("app %d has %d accounts, but %d are listed", app, n, listed)
	}
	return nil
}

// errNoStore is the error of Verify for an empty directory.
var errNoStore = fmt.Errorf("there is no store in it: %w", os.ErrNotExist)
