package copying

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Each run writes its name into the destination when it begins, once for each lane. Every
// commit of the run writes the name of its lane again, on condition that nobody else has
// written it since. So an earlier run that still works, as in a forgotten terminal, does not
// overwrite what servers change after a later run has completed the copy. This holds even
// for a write that was sent before and arrives afterwards: the store refuses it.

// begin makes this run the only one of a copy: of a new one, or of that of an earlier run.
func (c *copier) begin(ctx context.Context) error {
	run, tried := rand.Text(), false
	err := c.persist(ctx, func(ctx context.Context) error {
		if tried { // the outcome may be unknown
			if rec, err := records.CopyRun(ctx, c.To, 0); err == nil && string(rec.Value) == run {
				return nil
			}
		}
		if err := c.choose(ctx); err != nil {
			return err
		}
		tried = true
		return c.loader.LoadRecords(ctx, c.state.Claim(run), c.source.numbers)
	})
	if err != nil {
		return err
	}
	c.claimed = run
	if c.summary.Resumed {
		return nil
	}
	// The write may have arrived late, after another run has copied everything.
	err = c.patient(c.ToName).read(ctx, func() error { return c.checkEmpty(ctx) })
	if _, ok := errors.AsType[*Refusal](err); ok {
		return cmp.Or(c.release(ctx), err)
	}
	return err
}

// choose reads the state of an earlier run, or makes that of a new copy.
func (c *copier) choose(ctx context.Context) error {
	known, err := records.UnfinishedCopy(ctx, c.To)
	if err != nil {
		return err
	}
	if c.summary.Resumed = known != nil; !c.summary.Resumed {
		c.state = records.Copy{From: c.FromName, Source: c.source.identity, Begun: time.Now().UTC().Truncate(time.Second)}
		return c.checkEmpty(ctx)
	}
	if known.Source != c.source.identity {
		return refuse("%s holds an unfinished copy of another store, or of an earlier state of %s: remove it, and copy again", c.ToName, c.FromName)
	}
	c.state = *known
	return nil
}

// checkEmpty returns an error if the destination contains a record.
func (c *copier) checkEmpty(ctx context.Context) error {
	empty, err := records.Empty(ctx, c.To)
	if err != nil || empty {
		return err
	}
	return refuse("%s is not empty: a copy needs an empty store. If an earlier run was cut off at its very end, --verify-only says whether the copy is complete", c.ToName)
}

// errOvertaken returns the error of a run that is not the newest.
func (c *copier) errOvertaken() error {
	return refuse("another \"rollcall copy\" into %s has begun after this one, and goes on; this one has ended", c.ToName)
}

// hold returns the write with which a commit of a lane is refused after the claim of a later
// run. It returns an error if there is one already.
func (c *copier) hold(ctx context.Context, lane int) (account.Write, error) {
	rec, err := records.CopyRun(ctx, c.To, lane)
	if account.CodeOf(err) == account.NoRecord || err == nil && string(rec.Value) != c.claimed {
		return account.Write{}, c.errOvertaken()
	}
	return records.HoldCopy(lane, c.claimed, rec.Version), err
}

// release removes the names of this run together with the mark.
func (c *copier) release(ctx context.Context) error {
	tried := false
	return c.persist(ctx, func(ctx context.Context) error {
		if tried {
			if _, err := records.CopyRun(ctx, c.To, 0); account.CodeOf(err) == account.NoRecord {
				return nil // an attempt with an unknown outcome was successful
			}
		}
		held, err := c.hold(ctx, 0)
		if err != nil {
			return err
		}
		tried = true
		_, err = c.To.Commit(ctx, account.Commit{Writes: records.RemoveCopy(held.If)})
		return err
	})
}
