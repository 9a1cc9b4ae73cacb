package postgres

import (
	"context"
	"slices"

	"rollcall/internal/account"
)

// Update implements [account.Store].
func (s *Store) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	ids := make([]account.UserID, len(patches))
	for i := range patches {
		ids[i] = patches[i].ID
	}
	cs := make([]account.Code, len(patches))
	var kicked []*row
	c := change{s: s, app: app, ids: ids, policy: p, codes: cs, strength: "KEY SHARE"}
	err := c.run(ctx, func(rows table, sp *space) int64 {
		kicked = kicked[:0]
		for i, patch := range patches {
			r := rows.of(patch.ID)
			if cs[i] = account.NoAccount; r.live() {
				cs[i] = account.OK
				if r.patch(patch, p, sp.clock) {
					kicked = append(kicked, r)
				}
			}
		}
		return 0
	})
	if err != nil {
		return nil, err
	}
	s.watch.kicked(app, kicked)
	return cs, c.outbox.err
}

// patch applies p to r, and reports whether the watermark of r has changed.
func (r *row) patch(p account.Patch, policy account.ChangePolicy, clock int64) (kicked bool) {
	before := r.Kicked
	p.Apply(&r.Account, policy.Now)
	r.changed = true
	if r.Kicked == before {
		return false
	}
	r.kickedUS = max(clock, r.kickedUS+1)
	return true
}

// Delete implements [account.Store].
func (s *Store) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	cs := make([]account.Code, len(ids))
	c := change{s: s, app: app, ids: ids, policy: p, codes: cs, strength: "NO KEY UPDATE"}
	err := c.run(ctx, func(rows table, sp *space) int64 {
		own := map[account.UserID]bool{}
		var deleted int64
		for i, id := range ids {
			r := rows.of(id)
			switch {
			case sp.isAdmin(id):
				cs[i] = account.AdminProtected
			case r.live():
				*r = r.gone(p.Now)
				cs[i], own[id] = account.OK, true
				deleted++
			case c.doubt && r.deleted == p.Now.UnixMilli() && !own[id]: // by an attempt in doubt
				cs[i], own[id] = account.OK, true
			default:
				cs[i] = account.NoAccount
			}
		}
		return -deleted
	})
	if err != nil {
		return nil, err
	}
	return cs, c.outbox.err
}

// A change is a change of accounts by their rows.
type change struct {
	s        *Store
	app      account.AppID
	ids      []account.UserID
	policy   account.ChangePolicy
	codes    []account.Code // of the results
	strength string         // of the lock of the space
	doubt    bool           // an earlier attempt may have been committed
	outbox   outbox
}

// run locks the rows of the ids and calls decide, which changes them and the codes, and
// returns the difference of the number of accounts.
func (c *change) run(ctx context.Context, decide func(table, *space) int64) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return err
	}
	if slices.ContainsFunc(c.ids, func(id account.UserID) bool { return !storable(id) }) {
		return errBadID
	}
	err := c.s.transact(ctx, c.s.pool, func(t *tx) error {
		c.doubt = t.doubt
		var sp space
		bucket := c.s.bucket()
		sp.queueLock(t, c.app, bucket, c.strength)
		if c.policy.Outbox != nil {
			queueNumbers(t, []*outbox{&c.outbox})
		}
		rows := queueRows(t, c.app, c.ids, true)
		if err := t.send(); err != nil {
			return err
		}
		if !sp.found {
			return errNoApp
		}
		delta := decide(rows, &sp)
		queuePut(t, c.app, rows.changes())
		queueCount(t, c.app, bucket, delta)
		return c.finish(t)
	})
	if err == nil {
		c.s.watch.wrote(&c.outbox)
	}
	return err
}

// finish writes the records of the outbox.
func (c *change) finish(t *tx) error {
	ws, err := account.CallOutbox(c.policy.Outbox, c.codes)
	if c.outbox.err = err; err == nil {
		c.outbox.queue(t, ws)
	}
	return nil
}
