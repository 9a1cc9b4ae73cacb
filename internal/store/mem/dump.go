package mem

import (
	"cmp"
	"context"
	"slices"

	"rollcall/internal/account"
)

var _ account.Dumper = (*Store)(nil)

// Dump implements [account.Dumper].
func (s *Store) Dump(ctx context.Context, app account.AppID, limit int) (*account.Dump, error) {
	dump := new(account.Dump)
	err := s.reading(ctx, app, func(d *space) {
		if len(d.live)+len(d.gone) > limit {
			dump = nil
			return
		}
		dump = d.dump()
	})
	switch {
	case err != nil:
		return nil, err
	case dump == nil:
		return nil, &account.Error{Code: account.Conflict}
	}
	return dump, nil
}

// dump returns the content of d.
func (d *space) dump() *account.Dump {
	dump := &account.Dump{Accounts: make([]account.Account, 0, len(d.live)), Gone: make([]account.Gone, 0, len(d.gone))}
	for id := range d.live {
		dump.Accounts = append(dump.Accounts, d.account(id))
	}
	for id, deleted := range d.gone {
		dump.Gone = append(dump.Gone, account.Gone{ID: id, Deleted: deleted, Kicked: d.kick[id]})
	}
	slices.SortFunc(dump.Accounts, func(a, b account.Account) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(dump.Gone, func(a, b account.Gone) int { return cmp.Compare(a.ID, b.ID) })
	return dump
}

// restored returns a space with the content of a dump, and without admins.
func restored(app account.AppID, dump *account.Dump) *space {
	d := newSpace(app)
	for _, a := range dump.Accounts {
		a.Profile = slices.Clone(a.Profile)
		d.live[a.ID] = a
		if a.Kicked != 0 {
			d.kick[a.ID] = a.Kicked
		}
	}
	for _, g := range dump.Gone {
		d.gone[g.ID] = g.Deleted
		if g.Kicked != 0 {
			d.kick[g.ID] = g.Kicked
		}
	}
	return d
}
