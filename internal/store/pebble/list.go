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
func (l *lister) recent(most int) (recent []journal.Change, bound []byte, err error) {
	var items []journal.Item
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
	for _, it := range items {
		recent = append(recent, it.In(l.st.commits))
	}
	return recent, bound, nil
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

// merge adds accounts from it and from recent until there are enough. A change in recent
// takes precedence over the stored account of the same name.
func (l *lister) merge(it *pebble.Iterator, recent []journal.Change) error {
	ok := it.First()
	for len(l.found) < l.limit && (ok || len(recent) > 0) {
		order := -1 // the stored account comes first
		switch {
		case !ok:
			order = 1
		case len(recent) > 0:
			order = bytes.Compare(it.Key()[nameOffsetInKey:], recent[0].Name)
		}
		if err := l.take(it, recent, order); err != nil {
			return err
		}
		if order >= 0 {
			recent = recent[1:]
		}
		if order <= 0 {
			ok = it.Next()
		}
	}
	return nil
}

// take adds the next account: from it, from recent, or from both.
func (l *lister) take(it *pebble.Iterator, recent []journal.Change, order int) error {
	var a account.Account
	var err error
	if order < 0 {
		a, err = record.DecodeAccount(record.NameID(it.Key()[nameOffsetInKey:]), it.Value())
	} else {
		a, err = recent[0].Account(func() ([]byte, error) {
			if order > 0 {
				return nil, record.ErrCorrupt // there is nothing below
			}
			return it.Value(), nil
		})
	}
	if err == nil && a.InternalID != 0 {
		l.found = append(l.found, a)
	}
	return err
}
