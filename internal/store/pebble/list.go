package pebble

import (
	"bytes"
	"context"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

// List implements [account.Store]. It merges the sorted tables with a linear scan of the
// journal, whose size is limited.
func (s *Store) List(ctx context.Context, app account.AppID, q account.ListQuery) (account.ListPage, error) {
	var page account.ListPage
	err := s.read(ctx, func() error {
		st := s.view.acquire()
		defer s.view.release(st)
		l := &lister{ctx: ctx, st: st, limit: q.Limit + 1} // one more shows whether there is a next page
		l.lower, l.upper = listBounds(app, q)
		as, err := l.list()
		if account.CodeOf(err) == account.Unavailable {
			return err
		}
		if err != nil {
			return internal("the accounts cannot be read", err)
		}
		if len(as) > q.Limit {
			as = as[:q.Limit]
			page.Next = as[q.Limit-1].ID
		}
		page.Accounts = as
		return nil
	})
	if err != nil {
		return account.ListPage{}, err
	}
	return page, nil
}

// A lister collects the first accounts between two keys.
type lister struct {
	ctx          context.Context // of the one call
	st           state
	lower, upper []byte
	limit        int
	found        []account.Account
}

// minRecent is the fewest IDs that are selected from the journal at once.
const minRecent = 4096

func (l *lister) list() ([]account.Account, error) {
	for most := max(minRecent, 4*l.limit); ; most *= 2 { // many of the IDs may be deleted
		if err := account.Ended(l.ctx); err != nil {
			return nil, err
		}
		recent, bound, err := l.recent(most)
		if err != nil {
			return nil, err
		}
		err = iterate(l.st.snap, l.lower, bound, func(it *pebble.Iterator) error { return l.merge(it, recent) })
		if err != nil || len(l.found) == l.limit || bytes.Equal(bound, l.upper) {
			return l.found, err
		}
		l.lower = bound
	}
}

// recent returns the newest changes of roughly the first most IDs in the journal, sorted
// by name. It has all changes of names below the key bound.
func (l *lister) recent(most int) (items []journal.Item, bound []byte, err error) {
	bound = l.upper
	for i, c := range l.st.commits {
		err = c.Each(func(pos uint64, ch journal.Change) error {
			if ch.Kind != journal.Purge && within(ch.Name, l.lower[nameOffsetInKey:], bound[nameOffsetInKey:]) {
				items = append(items, journal.NewItem(i, c, pos))
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		if len(items) > 2*most {
			items, bound = l.first(items, most, bound)
		}
	}
	items, bound = l.first(items, len(items), bound)
	return items, bound, nil
}

// within reports whether lower <= name < upper. An empty upper means no upper bound.
func within(name, lower, upper []byte) bool {
	return bytes.Compare(name, lower) >= 0 && (len(upper) == 0 || bytes.Compare(name, upper) < 0)
}

// first keeps the newest change of each of the first n names. It returns the key of the
// first name that it has dropped, or bound.
func (l *lister) first(items []journal.Item, n int, bound []byte) ([]journal.Item, []byte) {
	items = journal.NewestItems(l.st.commits, items)
	if len(items) <= n {
		return items, bound
	}
	return items[:n], appendNameKey(nil, accountSpace, items[n].In(l.st.commits).Name)
}

// merge adds accounts of it and of recent until there are enough.
func (l *lister) merge(it *pebble.Iterator, recent []journal.Item) error {
	m := newMerging(it, recent, l.st.commits)
	for len(l.found) < l.limit {
		name, value, err := m.next()
		if err != nil || name == nil {
			return err
		}
		a, err := record.DecodeAccount(record.NameID(name), value)
		if err != nil {
			return err
		}
		l.found = append(l.found, a)
	}
	return nil
}

// A merging reads accounts in the order of their names: those of an iterator, and those
// that changes in the journal have created or changed since.
type merging struct {
	it      *pebble.Iterator
	recent  []journal.Item // the newest change of each name that was not reached yet, sorted
	commits []journal.Commit
	ok      bool // it is at an account
	done    bool // the account at it was returned or replaced
}

func newMerging(it *pebble.Iterator, recent []journal.Item, commits []journal.Commit) *merging {
	return &merging{it: it, recent: recent, commits: commits, ok: it.First()}
}

// next returns the name and the value of the next account. They are valid until the next
// call. The name is nil at the end. A change takes precedence over the stored account of
// the same name.
func (m *merging) next() (name, value []byte, err error) {
	for {
		if m.done {
			m.ok, m.done = m.it.Next(), false
		}
		if !m.ok && len(m.recent) == 0 {
			return nil, nil, m.it.Error()
		}
		order := -1 // the stored account comes first
		var c journal.Change
		if len(m.recent) > 0 {
			c, order = m.recent[0].In(m.commits), 1
			if m.ok {
				order = bytes.Compare(m.it.Key()[nameOffsetInKey:], c.Name)
			}
		}
		m.done = order <= 0
		if order < 0 {
			value, err = m.it.ValueAndErr()
			return m.it.Key()[nameOffsetInKey:], value, err
		}
		m.recent = m.recent[1:]
		if c.Kind != journal.Delete {
			value, err = m.changed(c, order == 0)
			return c.Name, value, err
		}
	}
}

// changed returns the account after c. stored reports whether the iterator is at the
// account before it.
func (m *merging) changed(c journal.Change, stored bool) ([]byte, error) {
	if c.Kind == journal.Set {
		return c.Value, nil
	}
	if !stored {
		return nil, record.ErrCorrupt // there is nothing below
	}
	below, err := m.it.ValueAndErr()
	if err != nil {
		return nil, err
	}
	return record.Apply(nil, below, c.Value)
}
