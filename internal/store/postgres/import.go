package postgres

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// groupItems is the most items of a group of imports, unless one call alone has more.
const groupItems = 800

// mostRounds is how often an id may be repeated in a group. A group with more repetitions
// is decided at once, because each round takes a round trip to the database.
const mostRounds = 8

// An imported is a call of Upsert, or the part of it that belongs to one target.
type imported struct {
	call
	app    account.AppID
	items  []account.Upsert
	policy account.UpsertPolicy

	results []account.UpsertResult
	outbox  outbox

	proposed []internalRange         // by attempts of attemptWhole
	planned  map[account.UserID]bool // what attempts in doubt have created, see recall
}

// Upsert implements [account.Store].
func (s *Store) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	items, err := ownItems(items)
	if err != nil {
		return nil, err
	}
	return s.upsert(ctx, app, items, p)
}

// upsert gives an import to the lanes and waits for its results. A limit is kept in the
// order of the items, and an outbox needs one commit, so such a call is not split.
func (s *Store) upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	parts := s.split(app, len(items), func(i int) account.UserID { return items[i].ID }, p.Outbox != nil || p.Limit > 0)
	calls := make([]*imported, len(parts))
	errs := make([]error, len(parts))
	for k := range parts {
		c := &imported{app: app, items: cut(&parts[k], items), policy: p, results: make([]account.UpsertResult, parts[k].all)}
		c.init(ctx)
		calls[k] = c
		if errs[k] = parts[k].target.imports.submit(ctx, c); errs[k] != nil {
			c.done <- errs[k]
		}
	}
	for k, c := range calls {
		errs[k] = c.wait(false)
	}
	if err := joinErrors(errs); err != nil {
		return nil, err
	}
	results := make([]account.UpsertResult, len(items))
	for k, c := range calls {
		join(&parts[k], results, c.results)
	}
	return results, nil
}

// ownItems returns a copy of items that shares no memory with the caller, because the lanes
// may still use it after the call has returned.
func ownItems(items []account.Upsert) ([]account.Upsert, error) {
	var size int
	for i := range items {
		if !storable(items[i].ID) {
			return nil, errBadID
		}
		size += len(items[i].ID) + len(items[i].Nick) + len(items[i].FaceURL)
	}
	var b strings.Builder
	b.Grow(size)
	own := func(s string) string {
		from := b.Len()
		b.WriteString(s)
		return b.String()[from:]
	}
	out := make([]account.Upsert, len(items))
	for i, u := range items {
		out[i] = account.Upsert{ID: account.UserID(own(string(u.ID))), Nick: own(u.Nick), FaceURL: own(u.FaceURL)}
	}
	return out, nil
}

var (
	errBadID = &account.Error{Code: account.InvalidID, Detail: "the UserID is not text that a database can keep; use printable ASCII"}
	errNoApp = &account.Error{Code: account.NoApp, Detail: "no app has that SDKAppID"}
)

// together reports whether two imports can be in one group. Their tombstones must expire
// at about the same time, because a group has one limit for that.
func together(a, b *imported) bool {
	d := tombstoneBound(a.policy) - tombstoneBound(b.policy)
	return a.app == b.app && a.policy.Limit == b.policy.Limit && -1000 < d && d < 1000
}

// tombstoneBound returns the time in unix milliseconds before which a deletion allows an
// import.
func tombstoneBound(p account.UpsertPolicy) int64 {
	ms := p.TombstoneBefore.UnixMilli()
	if p.TombstoneBefore.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

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
	queueNumbers(t, g.outboxes())
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

// importRound imports items of different ids. Their tombstones must be from before bound.
func (g *group) importRound(t *tx, round []*item, bound int64) error {
	for part := range slices.Chunk(round, account.LoadBatch) { // Citus has a parameter for each value
		c := columnsOf(g.app, part)
		t.s.sql.queueImport(t, g.app, c, bound).Query(func(rows pgx.Rows) error {
			return g.readImported(rows, part)
		})
	}
	if err := t.send(); err != nil {
		return err
	}
	return g.lookUp(t, round)
}

// importColumns are the accounts of an import by columns.
type importColumns struct {
	proposed, now     []int64
	bucket            []int32
	ids, nicks, faces []string
}

func columnsOf(app account.AppID, round []*item) *importColumns {
	n := len(round)
	c := &importColumns{make([]int64, n), make([]int64, n), make([]int32, n), make([]string, n), make([]string, n), make([]string, n)}
	for i, it := range round {
		c.proposed[i], c.now[i], c.bucket[i] = it.proposed, it.now, bucketOf(app, it.ID)
		c.ids[i], c.nicks[i], c.faces[i] = string(it.ID), escape(it.Nick), escape(it.FaceURL)
	}
	return c
}

// readImported reads the accounts that were created or changed.
func (g *group) readImported(rows pgx.Rows, round []*item) error {
	var id string
	var internal int64
	_, err := pgx.ForEachRow(rows, []any{&id, &internal}, func() error {
		it := find(round, id)
		created := internal == it.proposed
		if created {
			g.delta++
		}
		*it.result = account.UpsertResult{
			Code: account.OK, InternalID: uint64(internal),
			Created: created || slices.Contains(it.earlier, internal),
		}
		return nil
	})
	return err
}

// find returns the item of an id, which round has.
func find(round []*item, id string) *item {
	i, _ := slices.BinarySearchFunc(round, id, func(it *item, id string) int { return strings.Compare(string(it.ID), id) })
	return round[i]
}

// lookUp finds out why items were not changed: the account exists and already has the
// texts, or it has a tombstone.
func (g *group) lookUp(t *tx, round []*item) error {
	var ids []string
	for _, it := range round {
		if it.result.Code != account.OK {
			ids = append(ids, string(it.ID))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var retry []*item
	t.s.sql.queueFound(t, g.app, ids).Query(func(rows pgx.Rows) error {
		var id string
		var internal, deleted int64
		_, err := pgx.ForEachRow(rows, []any{&id, &internal, &deleted}, func() error {
			it := find(round, id)
			switch {
			case deleted == 0:
				*it.result = account.UpsertResult{Code: account.OK, InternalID: uint64(internal), Created: slices.Contains(it.earlier, internal)}
			case deleted < it.bound: // which is later than that of the group
				retry = append(retry, it)
			default:
				it.result.Code = account.Tombstoned
			}
			return nil
		})
		return err
	})
	if err := t.send(); err != nil {
		return err
	}
	for _, it := range retry {
		if err := g.importRound(t, []*item{it}, it.bound); err != nil {
			return err
		}
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
