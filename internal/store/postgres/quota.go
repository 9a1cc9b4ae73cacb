package postgres

import (
	"context"
	"slices"

	"rollcall/internal/account"
)

// errNeedsCount means that an import must be decided with the exact count of the app.
var errNeedsCount = &account.Error{Detail: "the import needs the exact count of accounts"}

// allows reports whether n accounts can be created against this row. The sum of the larger
// of live and cap over all rows never exceeds the quota, if there is one. So without a limit
// a quota that was divided earlier counts too, until it is taken back.
func (sp *space) allows(limit, n int64) bool {
	return sp.quota == 0 && limit == 0 || (sp.quota == limit || limit == 0) && sp.live+n <= sp.cap
}

// worthDividing is the part of each row from which on a limit is divided among the rows. A
// smaller part would rarely be enough for an import.
const worthDividing = 200

const divideSQL = `UPDATE spaces SET quota = $2, cap = live + CASE WHEN bucket < $3 THEN $4 ELSE 0 END WHERE sdkappid = $1`

// divide divides the rest of a limit among the rows of w, after delta more accounts were
// created, if that helps the imports that follow. Otherwise the rows have no quota, and
// every import is decided with the exact count.
func (w *whole) divide(t *tx, limit, delta int64) {
	spread := int64(t.s.spread)
	each := (limit - w.live() - delta) / spread
	switch {
	case limit > 0 && each >= t.s.worthDividing:
		t.queue(divideSQL, int64(w.app), limit, spread, each)
	case w.rows[0].quota != 0:
		queueUndivided(t, w.app)
	}
}

const undividedSQL = `UPDATE spaces SET quota = 0, cap = 0 WHERE sdkappid = $1`

// queueUndivided takes the quota of the rows of an app back.
func queueUndivided(t *tx, app account.AppID) { t.queue(undividedSQL, int64(app)) }

// importExactly imports the calls of a group one after the other, in a transaction that
// locks the whole space, so that it knows the exact count.
func (s *Store) importExactly(ctx context.Context, g *group) error {
	for i := range g.items {
		it := &g.items[i]
		if it.planned {
			it.of.plan(it.ID)
		}
		for _, id := range it.earlier {
			it.of.proposed = append(it.of.proposed, internalRange{uint64(id), uint64(id) + 1})
		}
	}
	return s.repeat(ctx, s.pool, g.doubt, g.attemptWhole)
}

// attemptWhole imports the calls in a transaction that locks the whole space.
func (g *group) attemptWhole(t *tx) error {
	w, err := lockAll(t, g.app)
	if err != nil {
		return err
	}
	if len(w.rows) == 0 {
		return errNoApp
	}
	queueNumbers(t, g.outboxes())
	rows, err := loadRows(t, g.app, g.itemIDs(), false)
	if err != nil {
		return err
	}
	var created int64
	for _, c := range g.calls {
		n, err := c.decide(t, rows, w.live()+created)
		if err != nil {
			return err
		}
		created += n
	}
	queuePut(t, g.app, rows.changes())
	w.divide(t, g.calls[0].policy.Limit, created)
	g.bucket, g.delta = w.rows[0].bucket, created
	g.finish(t)
	return nil
}

// itemIDs returns the ids of the items.
func (g *group) itemIDs() []account.UserID {
	ids := make([]account.UserID, len(g.items))
	for i := range g.items {
		ids[i] = g.items[i].ID
	}
	return ids
}

// decide imports the items into their rows, one after the other, and returns the number of
// accounts that it creates. The app has live accounts before.
func (c *imported) decide(t *tx, rows table, live int64) (created int64, err error) {
	first, err := t.s.ids.take(t, len(c.items))
	if err != nil {
		return 0, err
	}
	if err := c.recall(t, rows); err != nil {
		return 0, err
	}
	own := map[account.UserID]bool{} // created by an earlier attempt, and not reported yet
	for id, r := range rows {
		own[id] = c.own(r)
	}
	for i, u := range c.items {
		r := rows.of(u.ID)
		full := c.policy.Limit > 0 && live+created >= c.policy.Limit
		c.results[i] = c.importRow(r, u, full, uint64(first)+uint64(i))
		if c.results[i].Created {
			created++
		}
		c.results[i].Created = c.results[i].Created || own[u.ID]
		own[u.ID] = false
	}
	c.proposed = append(c.proposed, internalRange{uint64(first), uint64(first) + uint64(len(c.items))})
	return created, nil
}

// An internalRange contains the internal ids from first to before end.
type internalRange struct{ first, end uint64 }

// plan notes that an attempt in doubt has created the account of an id.
func (c *imported) plan(id account.UserID) {
	if c.planned == nil {
		c.planned = map[account.UserID]bool{}
	}
	c.planned[id] = true
}

// recall is [group.recall] for a whole space, which is locked.
func (c *imported) recall(t *tx, rows table) error {
	for i, r := range c.results {
		if t.doubt && r.Created {
			c.plan(c.items[i].ID)
		}
	}
	for id := range c.planned {
		if r := rows.of(id); r.live() && !c.own(r) || deletedSince(r, c.policy.Now.UnixMilli()) {
			return errUndecided
		}
	}
	return nil
}

// own reports whether an earlier attempt has created the account of r.
func (c *imported) own(r *row) bool {
	return slices.ContainsFunc(c.proposed, func(p internalRange) bool { return p.first <= r.InternalID && r.InternalID < p.end })
}

// importRow imports u into its row. full says that the app has reached its limit.
func (c *imported) importRow(r *row, u account.Upsert, full bool, internal uint64) account.UpsertResult {
	switch {
	case r.live():
		r.changed = u.Apply(&r.Account, c.policy.Now) || r.changed
		return account.UpsertResult{Code: account.OK, InternalID: r.InternalID}
	case r.deleted != 0 && r.deleted >= tombstoneBound(c.policy):
		return account.UpsertResult{Code: account.Tombstoned}
	case full:
		return account.UpsertResult{Code: account.QuotaFull}
	}
	r.create(u, internal, c.policy.Now)
	return account.UpsertResult{Code: account.OK, Created: true, InternalID: internal}
}

// writes returns the records of the outbox.
func (c *imported) writes() []owned {
	if c.policy.Outbox == nil {
		return nil
	}
	ws, err := account.CallOutbox(c.policy.Outbox, c.results)
	if c.outbox.err = err; err != nil {
		return nil
	}
	return c.outbox.own(ws)
}
