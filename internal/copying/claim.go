package copying

import (
	"context"
	"crypto/rand"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Each run writes its name into the destination when it begins. It looks for its name before
// each write, and removes the mark only if the name is still there. So an earlier run that
// still works, as in a forgotten terminal, does not overwrite what servers change after a
// later run has completed the copy.

// claim makes this run the only one.
func (c *copier) claim(ctx context.Context) error {
	run := rand.Text()
	if err := c.load(ctx, []account.Write{records.ClaimCopy(run)}); err != nil {
		return err
	}
	c.claimed = run
	return nil
}

// errOvertaken returns the error of a run that is not the newest.
func (c *copier) errOvertaken() error {
	return refuse("another \"rollcall copy\" into %s has begun after this one, and goes on; this one has ended", c.ToName)
}

// own returns the version of the name of this run.
func (c *copier) own(ctx context.Context) (version uint64, err error) {
	rec, err := records.CopyRun(ctx, c.To)
	if account.CodeOf(err) == account.NoRecord || err == nil && string(rec.Value) != c.claimed {
		return 0, c.errOvertaken()
	}
	return rec.Version, err
}

// release removes the name of this run together with the mark.
func (c *copier) release(ctx context.Context) error {
	version, err := c.own(ctx)
	if err != nil {
		return err
	}
	c.claimed = "" // an attempt may remove it
	err = c.retry(ctx, func(ctx context.Context) error {
		_, err := c.To.Commit(ctx, account.Commit{Writes: records.RemoveCopy(version)})
		return err
	})
	if account.CodeOf(err) != account.Stale {
		return err
	}
	if _, err := records.CopyRun(ctx, c.To); account.CodeOf(err) == account.NoRecord {
		return nil // an attempt with an unknown outcome was successful
	}
	return c.errOvertaken()
}
