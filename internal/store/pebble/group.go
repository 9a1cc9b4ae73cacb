package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/catalog"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

// A group collects the changes of the calls that share one commit. The table does not
// contain these changes yet. Only the committer uses a group, one at a time.
type group struct {
	db    *pebble.DB
	view  *view
	table *idtable.Table

	changes *[kinds]atomic.Uint64 // of the store; see [Store.Changes]

	out     []byte // changes for the journal
	states  []touched
	index   refIndex                // of states
	counts  map[account.AppID]int64 // accounts of each app, after the group
	purges  []purge
	loads   bool                        // a batch of the group is a part of a load
	pending *pebble.Batch               // records and spaces; nil if there are none
	kinds   map[account.Kind]bool       // of records written
	fault   error                       // the reason why pending cannot be committed
	others  []func(*pebble.Batch) error // writes that also has added

	// The admins of every app that has a space, after the group. If a group cannot be made
	// durable, the store fails, so there is no group after it.
	spaces catalog.Spaces

	// flushed is the position below which the snapshot of the view contains all changes. The
	// two change together, in publish, and never while calls are decided: rewrite reads
	// flushed changes from the snapshot, and the others from the journal.
	flushed uint64
	flushTo uint64 // the value of flushed after the group, 0 if it does not change

	base       uint64 // position of the first byte of out
	nextID     uint64 // the next InternalID to assign
	nextCommit uint64 // of the journal
	number     uint64 // of the newest commit of records
	numbered   uint64 // number as it is stored
	buf        []byte // an operand
	joined     []byte // operands
}

// kinds is how many kinds of records there can be.
const kinds = math.MaxUint8 + 1

// A touched is an ID that the group has changed.
type touched struct {
	ref idtable.Ref
	now idtable.Entry
}

// A purge removes what the table knows of the deleted IDs of an app, up to a position.
type purge struct {
	app account.AppID
	pos uint64
}

// also adds write to the commit. It is for keys that are neither accounts nor records.
func (g *group) also(write func(*pebble.Batch) error) { g.others = append(g.others, write) }

// endFlush drops the journal up to the commit last, which the flusher has ingested.
func (g *group) endFlush(last journal.Commit) {
	g.flushTo = last.End()
	g.also(func(b *pebble.Batch) error { return dropJournal(b, last.Seq) })
}

// reset prepares g for the next group and releases the memory of the last one. size is
// roughly how many bytes the next group will write.
func (g *group) reset(size int) {
	g.base += uint64(len(g.out))
	g.out = make([]byte, 0, size) // not reused: the view keeps the slice of the last group
	g.states = g.states[:0]
	g.index.reset()
	clear(g.counts)
	g.purges = g.purges[:0]
	g.loads = false
	g.pending = nil
	g.flushTo = 0
	clear(g.kinds)
	clear(g.others)
	g.others = g.others[:0]
}

// find returns the table record of a name, 0 if there is none, and its entry, with the
// changes and purges of the group.
func (g *group) find(hash uint64, name []byte) (idtable.Ref, idtable.Entry) {
	r, e := g.table.Find(hash, name)
	if r == 0 {
		return 0, idtable.Entry{}
	}
	if i, ok := g.index.find(r); ok {
		e = g.states[i].now
	}
	if len(g.purges) > 0 && !e.Live() && g.purged(name, e.Pos) {
		e = idtable.Entry{}
	}
	return r, e
}

// purged reports whether the group forgets what is known of a deleted ID.
func (g *group) purged(name []byte, pos uint64) bool {
	app := record.NameApp(name)
	return slices.ContainsFunc(g.purges, func(p purge) bool { return p.app == app && pos < p.pos })
}

// entry returns the new entry of an ID, which the caller sets. It is valid until the next
// call.
func (g *group) entry(r idtable.Ref) *idtable.Entry {
	i, ok := g.index.find(r)
	if !ok {
		i = len(g.states)
		g.index.add(r, i)
		g.states = append(g.states, touched{ref: r})
	}
	return &g.states[i].now
}

// write appends a change of an ID to the journal. It sets the position of its entry and
// stores the entry. It returns the value of the change, in the memory of the journal.
func (g *group) write(r idtable.Ref, e idtable.Entry, c *journal.Change) []byte {
	pos := g.base + uint64(len(g.out))
	var value int
	g.out, value = journal.Append(g.out, c)
	now := g.entry(r)
	*now = e
	now.Pos = pos
	return g.out[value:]
}

// newest returns the newest change of an ID that is still in the journal, if there is one.
func (g *group) newest(e idtable.Entry) (journal.Change, bool, error) {
	switch {
	case e.Pos >= g.base:
		c, _, err := journal.Next(g.out[e.Pos-g.base:])
		return c, true, err
	case e.Pos >= g.flushed:
		c, err := journal.At(g.view.current.commits, e.Pos)
		return c, true, err
	}
	return journal.Change{}, false, nil
}

// count returns the number of accounts of app, after the group.
func (g *group) count(app account.AppID) int64 {
	n, ok := g.counts[app]
	if !ok {
		n = g.table.Counted(app)
		g.counts[app] = n
	}
	return n
}

// loadItems is the number of items from which on a batch is a part of a load.
const loadItems = 1000

// upsert imports the accounts of u. It creates missing accounts first and updates existing
// ones second: updates may read from disk, and the table must not be locked during that.
// After an error, the results of accounts that were not imported are zero.
func (g *group) upsert(u *upsert, rs []account.UpsertResult) error {
	g.loads = g.loads || len(rs) >= loadItems
	n, err := 0, g.create(u, rs)
	for ; n < len(rs) && err == nil; n++ {
		if rs[n].Code == account.OK && !rs[n].Created {
			err = g.reimport(u, n)
		}
	}
	if err != nil {
		for i := max(0, n-1); i < len(rs); i++ {
			if !rs[i].Created {
				rs[i] = account.UpsertResult{}
			}
		}
	}
	return err
}

// lockedItems is how many items are created under one lock of the table. What Warm reads
// for them fits into the processor's cache.
const lockedItems = 256

// create creates the missing accounts of u. Readers do not see their records yet, so they
// may use the table between two parts of a large batch.
func (g *group) create(u *upsert, rs []account.UpsertResult) error {
	g.count(u.app) // createOne adds to it
	for from := 0; from < len(rs); from += lockedItems {
		if err := g.createSome(u, rs, from, min(from+lockedItems, len(rs))); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) createSome(u *upsert, rs []account.UpsertResult, from, to int) (err error) {
	g.table.Warm(u.hashes[from:to])
	g.table.Lock()
	defer g.table.Unlock()
	for i := from; i < to; i++ {
		if rs[i], err = g.createOne(u, i); err != nil {
			return err
		}
	}
	return nil
}

// createOne creates the account of an item, unless the account exists or the policy
// forbids it.
func (g *group) createOne(u *upsert, i int) (account.UpsertResult, error) {
	name, value := u.Item(i)
	r, e := g.find(u.hashes[i], name)
	switch {
	case e.Live():
		return account.UpsertResult{Code: account.OK, InternalID: e.InternalID}, nil
	case e.Gone && !time.UnixMilli(e.Deleted).Before(u.policy.TombstoneBefore):
		return account.UpsertResult{Code: account.Tombstoned}, nil
	case u.policy.Limit > 0 && g.counts[u.app] >= u.policy.Limit:
		return account.UpsertResult{Code: account.QuotaFull}, nil
	}
	if r == 0 {
		r = g.table.Add(u.hashes[i], name)
	}
	if r == 0 || g.nextID > idtable.MaxID {
		return account.UpsertResult{}, idtable.ErrFull
	}
	if e.Kicked != 0 { // the watermark outlives the account
		value = u.WithKicked(i, e.Kicked)
	}
	next := idtable.Entry{InternalID: g.nextID, Kicked: e.Kicked}
	written := g.write(r, next, &journal.Change{Kind: journal.Set, Again: e.Gone, Name: name, Value: value})
	record.SetInternalID(written, g.nextID)
	g.nextID++
	g.counts[u.app]++
	return account.UpsertResult{Code: account.OK, Created: true, InternalID: next.InternalID}, nil
}

// errNoPositions is the error of a write when the positions of the journal no longer fit
// into the table, after 256 TiB.
var errNoPositions = &account.Error{Code: account.Unavailable, Detail: "the store has written more than it can number; restart the server"}

// outOfPositions reports whether the positions of the journal have run out.
func (g *group) outOfPositions() bool { return g.base > idtable.MaxPos-1<<40 }

// reimport imports an account that exists. It does not read the account. The operand that
// it writes is applied when the account is next read or rewritten.
func (g *group) reimport(u *upsert, i int) error {
	g.buf = u.AppendOperand(g.buf[:0], i)
	if len(g.buf) == 0 {
		return nil // the item has no profile
	}
	name := u.Name(i)
	r, e := g.find(u.hashes[i], name)
	return g.amend(r, e, name, g.buf)
}

// amend adds operand to the pending changes of an account.
func (g *group) amend(r idtable.Ref, e idtable.Entry, name, operand []byte) error {
	c, recent, err := g.newest(e)
	if err != nil {
		return internal("the account cannot be read", err)
	}
	switch {
	case !recent:
		g.write(r, e, &journal.Change{Kind: journal.Merge, Name: name, Value: operand})
		return nil
	case c.Kind != journal.Merge:
		return g.rewrite(r, e, c, operand)
	}
	joined, ok, err := record.Join(g.joined[:0], c.Value, operand)
	switch {
	case err != nil:
		return internal("the account cannot be read", err)
	case !ok:
		return g.rewrite(r, e, c, operand)
	case len(joined) > len(c.Value): // otherwise the last operand has the same effect
		g.write(r, e, &journal.Change{Kind: journal.Merge, Name: name, Value: joined})
	}
	g.joined = joined
	return nil
}

// rewrite applies operand and writes the whole account.
func (g *group) rewrite(r idtable.Ref, e idtable.Entry, c journal.Change, operand []byte) error {
	base, operands := c.Value, operand
	if c.Kind == journal.Merge {
		flushed, err := copyOf(g.view.current.snap, c.Name)
		if err != nil {
			return internal("the account cannot be read", err)
		}
		base, operands = flushed, append(append([]byte(nil), c.Value...), operand...)
	}
	value, err := record.Apply(nil, base, operands)
	if err != nil {
		return internal("the account cannot be read", err)
	}
	if string(value) != string(base) || c.Kind == journal.Merge {
		g.write(r, e, &journal.Change{Kind: journal.Set, Again: c.Again, Name: c.Name, Value: value})
	}
	return nil
}

// update changes an account.
func (g *group) update(hash uint64, name []byte, p account.Patch, now time.Time) (account.Code, error) {
	r, e := g.find(hash, name)
	if !e.Live() {
		return account.NoAccount, nil
	}
	e.Kicked = p.Watermark(e.Kicked)
	g.buf = record.AppendPatch(g.buf[:0], p, now)
	if err := g.amend(r, e, name, g.buf); err != nil {
		return account.Internal, err
	}
	return account.OK, nil
}

// delete deletes an account.
func (g *group) delete(app account.AppID, hash uint64, name []byte, now time.Time) account.Code {
	r, e := g.find(hash, name)
	if !e.Live() {
		return account.NoAccount
	}
	next := idtable.Entry{Gone: true, Deleted: now.UnixMilli(), Kicked: e.Kicked}
	g.buf = record.AppendGone(g.buf[:0], record.Gone{Deleted: next.Deleted, Kicked: next.Kicked})
	g.write(r, next, &journal.Change{Kind: journal.Delete, Name: name, Value: g.buf})
	g.counts[app] = g.count(app) - 1
	return account.OK
}

// purge removes what is known of the deleted IDs of app.
func (g *group) purge(app account.AppID) {
	g.purges = append(g.purges, purge{app, g.base + uint64(len(g.out))})
	g.out, _ = journal.Append(g.out, &journal.Change{Kind: journal.Purge, Name: binary.BigEndian.AppendUint32(nil, uint32(app))})
}

// note records that an outcome cannot be written. The store then fails at the commit,
// because the group may have based later decisions on that outcome.
func (g *group) note(err error) { g.fault = errors.Join(g.fault, err) }

// batch returns all changes of the group, ready to commit.
func (g *group) batch() (*pebble.Batch, error) {
	b := g.pending
	if b == nil {
		b = g.db.NewBatch()
	}
	errs := []error{g.fault}
	if len(g.out) > 0 {
		errs = append(errs, b.Set(journalKey(g.nextCommit), g.out, nil))
	}
	if g.number != g.numbered {
		g.numbered = g.number
		errs = append(errs, catalog.SetNumber(b, g.number))
	}
	for _, write := range g.others {
		errs = append(errs, write(b))
	}
	return b, errors.Join(errs...)
}

// unflushed returns how many bytes of the journal are not flushed, after the group.
func (g *group) unflushed() int { return int(g.base + uint64(len(g.out)) - g.flushed) }

// changedTables reports whether the group changes keys outside of the journal. A commit
// that ends a flush does, so the view replaces its snapshot: an older snapshot would keep
// everything on disk that has been rewritten since.
func (g *group) changedTables() bool {
	return g.pending != nil || len(g.others) > 0
}

// commit returns the part of the journal that the group has written.
func (g *group) commit() journal.Commit {
	if cap(g.out) > 2*len(g.out) {
		g.out = bytes.Clone(g.out) // the slice stays in memory until it is flushed
	}
	c := journal.Commit{Seq: g.nextCommit, Base: g.base, NextID: g.nextID, Data: g.out, Changes: len(g.states), Load: g.loads}
	if len(g.out) > 0 {
		g.nextCommit++
	}
	return c
}

// publish makes the changes of the group visible. It runs after they are durable.
func (g *group) publish() {
	g.flushed = max(g.flushed, g.flushTo)
	g.publishTable()
	for kind := range g.kinds {
		g.changes[kind].Add(1)
	}
}

func (g *group) publishTable() {
	g.table.Lock()
	defer g.table.Unlock()
	for _, s := range g.states {
		g.table.Put(s.ref, s.now)
	}
	g.table.SetCounts(g.counts)
	for _, p := range g.purges {
		g.table.Forget(p.app, p.pos)
	}
}
