package postgres

import (
	"context"
	"math/rand/v2"
	"slices"

	"rollcall/internal/account"
)

// Update implements [account.Store].
func (s *Store) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	ids := make([]account.UserID, len(patches))
	for i := range patches {
		ids[i] = patches[i].ID
	}
	c := s.newChange(app, ids, p)
	c.strength = s.sql.fence() // nothing is counted
	c.decide = func(t *tx, rows table, sp *space, i int) {
		r := rows.of(ids[i])
		switch {
		case c.lost(t, r):
			c.undecided = true
		case r.live():
			c.before[r.ID] = r.InternalID
			c.codes[i] = account.OK
			r.patch(patches[i], p, sp.clock)
		default:
			c.codes[i] = account.NoAccount
		}
	}
	return c.run(ctx)
}

// patch applies p to r.
func (r *row) patch(p account.Patch, policy account.ChangePolicy, clock int64) {
	before := r.Kicked
	p.Apply(&r.Account, policy.Now)
	r.changed = true
	if r.Kicked != before {
		r.kickedUS = max(clock, r.kickedUS+1)
	}
}

// Delete implements [account.Store].
func (s *Store) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	ids = ownIDs(ids)
	c := s.newChange(app, ids, p)
	c.strength = "NO KEY UPDATE"
	c.decide = func(t *tx, rows table, sp *space, i int) {
		r := rows.of(ids[i])
		switch {
		case sp.isAdmin(ids[i]):
			c.codes[i] = account.AdminProtected
		case c.lost(t, r) && r.mark == c.mark: // by the attempt in doubt
			r.changed = true
			c.codes[i] = account.OK
		case c.lost(t, r):
			c.undecided = true
		case r.live():
			c.before[r.ID] = r.InternalID
			*r = r.gone(p.Now, c.mark)
			c.codes[i] = account.OK
			c.delta--
		default:
			c.codes[i] = account.NoAccount
		}
	}
	return c.run(ctx)
}

// A change is a change of accounts by their rows.
type change struct {
	s        *Store
	app      account.AppID
	ids      []account.UserID
	policy   account.ChangePolicy
	mark     int64  // of its tombstones
	strength string // of the lock of the space

	// decide changes the row of the i-th id, its code and delta.
	decide func(t *tx, rows table, sp *space, i int)

	codes  []account.Code
	delta  int64 // of the number of accounts
	kicks  []*row
	outbox outbox

	before    map[account.UserID]uint64 // internal ids of the accounts that attempts have changed
	undecided bool                      // nobody can know the outcome of an attempt in doubt
}

func (s *Store) newChange(app account.AppID, ids []account.UserID, p account.ChangePolicy) *change {
	return &change{s: s, app: app, ids: ids, policy: p, mark: rand.Int64(), codes: make([]account.Code, len(ids)), before: map[account.UserID]uint64{}}
}

// lost reports whether an account that an attempt in doubt has changed is there no more. It
// can have been deleted before the commit of that attempt, so that there was none, or after.
func (c *change) lost(t *tx, r *row) bool {
	internal := c.before[r.ID]
	return t.doubt && internal != 0 && internal != r.InternalID && !r.changed
}

// run changes the rows, in one transaction for each target.
func (c *change) run(ctx context.Context) ([]account.Code, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(c.ids, func(id account.UserID) bool { return !storable(id) }) {
		return nil, errBadID
	}
	parts := c.s.split(c.app, len(c.ids), func(i int) account.UserID { return c.ids[i] }, c.policy.Outbox != nil)
	errs := make([]error, len(parts))
	for k := range parts {
		p := &parts[k]
		errs[k] = c.s.transact(ctx, p.target.pool, func(t *tx) error { return c.attempt(t, p) })
		if errs[k] == nil {
			c.s.watch.kicked(c.app, c.kicks)
			c.s.watch.wrote(&c.outbox)
		}
	}
	if err := joinErrors(errs); err != nil {
		return nil, err
	}
	if c.outbox.err != nil {
		return nil, c.outbox.err
	}
	return c.codes, nil
}

// attempt changes the rows of a part in a transaction.
func (c *change) attempt(t *tx, p *part) error {
	ids := cut(p, c.ids)
	var sp space
	sp.queueLock(t, c.app, c.s.bucket(c.app, len(ids), func(i int) account.UserID { return ids[i] }), c.strength)
	rows := queueRows(t, c.app, ids, true)
	if c.policy.Outbox != nil {
		queueNumbers(t, []*outbox{&c.outbox}) // under the locks of the accounts: their records are in order
	}
	if err := t.send(); err != nil {
		return err
	}
	if !sp.found {
		return errNoApp
	}
	c.delta, c.kicks = 0, nil
	for i := range ids {
		c.decide(t, rows, &sp, p.index(i))
	}
	if c.undecided {
		return errUndecided
	}
	changed := rows.changes()
	for _, r := range changed {
		if r.kickedUS != 0 { // even if another process, or an attempt in doubt, has kicked first
			c.kicks = append(c.kicks, r)
		}
	}
	queuePut(t, c.app, changed)
	queueCount(t, c.app, sp.bucket, c.delta)
	c.finish(t)
	return nil
}

// finish writes the records of the outbox.
func (c *change) finish(t *tx) {
	if c.policy.Outbox == nil {
		return
	}
	ws, err := account.CallOutbox(c.policy.Outbox, c.codes)
	if c.outbox.err = err; err == nil {
		c.outbox.queue(t, c.app, ws)
	}
}
