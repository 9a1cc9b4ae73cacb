package postgres

import (
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// An import of new accounts alone needs no look at the accounts that exist. One statement
// counts and inserts them, at two thirds of the cost. It fails if an account or a deleted id
// is in the way. The import is then repeated in the general way.

// freshAfter is the number of groups in a row, all of new accounts, after which the next
// group is expected to be one.
const freshAfter = 8

// streaks counts, for each app, the groups of new accounts since one was not.
type streaks struct {
	apps  sync.Map // *atomic.Int32 by account.AppID
	after int32
}

func (s *streaks) of(app account.AppID) *atomic.Int32 {
	n, _ := s.apps.LoadOrStore(app, new(atomic.Int32))
	return n.(*atomic.Int32)
}

// expects reports whether the next group of an app probably has new accounts alone.
func (s *streaks) expects(app account.AppID) bool { return s.of(app).Load() >= s.after }

// note notes whether a group had new accounts alone.
func (s *streaks) note(app account.AppID, fresh bool) {
	switch n := s.of(app); {
	case !fresh:
		n.Store(0)
	case n.Load() < s.after:
		n.Add(1)
	}
}

// errNotFresh means that a group must be imported in the general way.
var errNotFresh = &account.Error{Detail: "the import must be decided in the general way"}

// canBeFresh reports whether attemptFresh can import the group. On the coordinator of Citus
// it would be slow, and a statement there has a limited number of accounts.
func (g *group) canBeFresh(t *target) bool {
	return len(g.rounds) == 1 && len(g.items) <= account.LoadBatch && len(g.outboxes()) == 0 && !(g.s.distributed && t == g.s.main)
}

// attemptFresh imports the items as new accounts, in one round trip with the commit.
func (g *group) attemptFresh(t *tx) error {
	if t.doubt { // an earlier attempt may have created them
		return g.attempt(t)
	}
	if err := g.propose(t); err != nil {
		return err
	}
	g.delta = int64(len(g.items))
	for i := range g.items {
		it := &g.items[i]
		*it.result = account.UpsertResult{Code: account.OK, InternalID: uint64(it.proposed), Created: true}
	}
	return t.s.sql.insertFresh(t, g.app, columnsOf(g.app, g.rounds[0]), g.bucket, g.calls[0].policy.Limit)
}

// queueFresh adds a statement that fails with errNotFresh unless it writes the given number
// of rows.
func queueFresh(t *tx, rows int64, sql string, args ...any) {
	t.queue(sql, args...).Fn = func(br pgx.BatchResults) error {
		tag, err := br.Exec()
		if stateOf(err) == stateDuplicate || err == nil && tag.RowsAffected() != rows {
			return errNotFresh
		}
		return err
	}
}
