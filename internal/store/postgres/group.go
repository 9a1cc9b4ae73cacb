package postgres

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"rollcall/internal/account"
)

// An item is one id of a group. A repeated id has several items, in the order of the calls.
type item struct {
	*account.Upsert
	result   *account.UpsertResult
	now      int64 // of its call, in unix milliseconds
	bound    int64 // of its tombstone
	of       *imported
	proposed int64   // internal id of this attempt
	earlier  []int64 // of attempts that may have been committed
	planned  bool    // such an attempt has created the account
}

// A group is a set of imports that share a transaction.
type group struct {
	s      *Store
	app    account.AppID
	calls  []*imported
	items  []item    // in the order of ids, and of the calls for one id
	rounds [][]*item // of different ids, in the order of ids
	bucket int32     // of the row of spaces
	bound  int64     // the earliest of the items
	delta  int64     // accounts created by this attempt
	doubt  bool      // see [tx]
}

// importGroup works on the imports of a lane.
func (s *Store) importGroup(t *target, calls []*imported) {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	g := newGroup(s, calls)
	err := error(errNotFresh)
	switch {
	case len(g.rounds) > mostRounds:
		err = errNeedsCount
	case g.canBeFresh(t) && s.fresh.expects(g.app):
		err = s.transact(ctx, t.pool, g.attemptFresh)
	}
	if err == errNotFresh {
		err = s.transact(ctx, t.pool, g.attempt)
	}
	s.fresh.note(g.app, err == nil && g.delta == int64(len(g.items)))
	if err == errNeedsCount {
		err = s.importExactly(ctx, g)
	}
	for _, c := range calls {
		if err == nil {
			s.watch.wrote(&c.outbox)
		}
		c.done <- cmp.Or(err, c.outbox.err)
	}
}

func newGroup(s *Store, calls []*imported) *group {
	g := &group{s: s, app: calls[0].app, calls: calls, bound: math.MaxInt64}
	for _, c := range calls {
		now, bound := c.policy.Now.UnixMilli(), tombstoneBound(c.policy)
		g.bound = min(g.bound, bound)
		for i := range c.items {
			g.items = append(g.items, item{Upsert: &c.items[i], result: &c.results[i], of: c, now: now, bound: bound})
		}
	}
	g.items = inOrder(g.items)
	g.divide()
	g.bucket = s.bucket(g.app, len(g.items), func(i int) account.UserID { return g.items[i].ID })
	return g
}

// inOrder returns items in the order of their ids, and those of one id in the order of items.
// It sorts small keys, because to move an item costs more than to compare two.
func inOrder(items []item) []item {
	type key struct {
		id account.UserID
		i  int
	}
	keys := make([]key, len(items))
	for i := range items {
		keys[i] = key{items[i].ID, i}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if c := strings.Compare(string(a.id), string(b.id)); c != 0 {
			return c
		}
		return a.i - b.i
	})
	sorted := make([]item, len(items))
	for i, k := range keys {
		sorted[i] = items[k.i]
	}
	return sorted
}

// divide puts the items into rounds, so that no id is twice in a statement.
func (g *group) divide() {
	n := 0
	for i := range g.items {
		if n++; i == 0 || g.items[i].ID != g.items[i-1].ID {
			n = 0
		}
		if n == len(g.rounds) {
			g.rounds = append(g.rounds, nil)
		}
		g.rounds[n] = append(g.rounds[n], &g.items[i])
	}
}

// attempt imports the items in a transaction.
func (g *group) attempt(t *tx) error {
	if err := g.propose(t); err != nil {
		return err
	}
	g.delta, g.doubt = 0, t.doubt
	var sp space
	sp.queueLock(t, g.app, g.bucket, "NO KEY UPDATE")
	limit := g.calls[0].policy.Limit
	if limit > 0 {
		if err := g.check(t, &sp, limit); err != nil {
			return err
		}
	}
	if t.doubt {
		if err := g.recall(t); err != nil {
			return err
		}
	}
	for _, round := range g.rounds {
		if err := g.importRound(t, round, g.bound); err != nil {
			return err
		}
	}
	queueNumbers(t, g.outboxes()) // under the locks of the accounts, whose records are thus in order
	if err := g.check(t, &sp, limit); err != nil {
		return err
	}
	g.finish(t)
	return nil
}

// recall looks what an attempt in doubt has left of the accounts that it created, and locks
// them. They are there, or they have never been: the lock of the space has waited for the
// end of the attempt. If another call has removed one since, a second import would undo that.
func (g *group) recall(t *tx) error {
	planned := map[account.UserID]*item{}
	for i := range g.items {
		if it := &g.items[i]; it.planned {
			planned[it.ID] = it
		}
	}
	if err := t.send(); err != nil { // waits for the lock of the space
		return err
	}
	rows, err := loadRows(t, g.app, slices.Collect(maps.Keys(planned)), true)
	if err != nil {
		return err
	}
	for id, r := range rows {
		it := planned[id]
		if r.live() && !slices.Contains(it.earlier, int64(r.InternalID)) || deletedSince(r, it.now) {
			return errUndecided
		}
	}
	return nil
}

// deletedSince reports whether r can have been deleted since a call that began at now, in
// unix milliseconds. A deletion has the time at which its call began, perhaps by another clock.
func deletedSince(r *row, now int64) bool { return r.deleted > now-callTime.Milliseconds() }

// check checks whether the app has a space that allows the accounts of the group.
func (g *group) check(t *tx, sp *space, limit int64) error {
	if err := t.send(); err != nil {
		return err
	}
	switch {
	case !sp.found:
		return errNoApp
	case !sp.allows(limit, g.ids()):
		return errNeedsCount
	}
	return nil
}

// ids returns the number of different ids.
func (g *group) ids() int64 {
	if len(g.rounds) == 0 {
		return 0
	}
	return int64(len(g.rounds[0]))
}

// outboxes returns the outboxes of the calls.
func (g *group) outboxes() []*outbox {
	var all []*outbox
	for _, c := range g.calls {
		if c.policy.Outbox != nil {
			all = append(all, &c.outbox)
		}
	}
	return all
}

// propose gives every item a new internal id.
func (g *group) propose(t *tx) error {
	first, err := g.s.ids.take(t, len(g.items))
	if err != nil {
		return err
	}
	for i := range g.items {
		it := &g.items[i]
		if t.doubt {
			it.earlier = append(it.earlier, it.proposed)
			it.planned = it.planned || it.result.Created
		}
		it.proposed = first + int64(i)
		*it.result = account.UpsertResult{}
	}
	return nil
}

// finish counts the created accounts and writes the records of the outboxes.
func (g *group) finish(t *tx) {
	queueCount(t, g.app, g.bucket, g.delta)
	var ws []owned
	for _, c := range g.calls {
		ws = append(ws, c.writes()...)
	}
	queueWrites(t, g.app, ws)
}
