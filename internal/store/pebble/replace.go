package pebble

import (
	"context"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

var _ account.Dumper = (*Store)(nil)

// Dump implements [account.Dumper]. The accounts come from the tables and the journal, and
// the deleted ids from the table in memory.
func (s *Store) Dump(ctx context.Context, app account.AppID, limit int) (*account.Dump, error) {
	d := new(account.Dump)
	err := s.read(ctx, func() error {
		st := s.view.acquireWith(func() { d.Gone = s.table.GoneOf(app, limit+1) })
		defer s.view.release(st)
		if len(d.Gone) > limit {
			return errTooMany
		}
		l := &lister{ctx: ctx, st: st, limit: limit - len(d.Gone) + 1}
		l.lower, l.upper = listBounds(app, account.ListQuery{})
		as, err := l.list()
		switch {
		case account.CodeOf(err) == account.Unavailable:
			return err
		case err != nil:
			return internal("the accounts cannot be read", err)
		case len(as) == l.limit:
			return errTooMany
		}
		d.Accounts = as
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// errTooMany is the error of a dump that has more ids than its caller wants.
var errTooMany error = &account.Error{Code: account.Conflict}

// A replacement is an [account.Space.Replace], prepared for the committer. The names of
// the accounts that are to go were read before the commit. They may be outdated.
type replacement struct {
	app      account.AppID
	present  [][]byte // names
	restored []restored
	newestID uint64 // of the restored accounts
}

// A restored is an ID of a dump.
type restored struct {
	hash   uint64
	ref    idtable.Ref   // set by reserve
	entry  idtable.Entry // without its position
	change journal.Change
}

// replacements prepares the spaces that replace accounts.
func (s *Store) replacements(sps []account.Space) (map[account.AppID]*replacement, error) {
	rs := map[account.AppID]*replacement{}
	for _, sp := range sps {
		if sp.Replace == nil {
			continue
		}
		rep := &replacement{app: sp.App, present: s.namesOf(sp.App), newestID: sp.Replace.NewestID()}
		for i := range sp.Replace.Accounts {
			a := &sp.Replace.Accounts[i]
			e := idtable.Entry{InternalID: a.InternalID, Kicked: a.Kicked}
			c := journal.Change{Kind: journal.Set, Again: true, Name: record.AppendName(nil, sp.App, a.ID), Value: record.AppendAccount(nil, a)}
			rep.restored = append(rep.restored, restored{hash: s.table.Hash(c.Name), entry: e, change: c})
		}
		for _, gone := range sp.Replace.Gone {
			e := idtable.Entry{Gone: true, Deleted: gone.Deleted.UnixMilli(), Kicked: gone.Kicked}
			value := record.AppendGone(nil, record.Gone{Deleted: e.Deleted, Kicked: e.Kicked})
			c := journal.Change{Kind: journal.Delete, Name: record.AppendName(nil, sp.App, gone.ID), Value: value}
			rep.restored = append(rep.restored, restored{hash: s.table.Hash(c.Name), entry: e, change: c})
		}
		for _, r := range rep.restored {
			if len(r.change.Name) > idtable.MaxName {
				return nil, tooLong(record.NameID(r.change.Name))
			}
		}
		rs[sp.App] = rep
	}
	return rs, nil
}

// bytes returns the approximate size of the changes of rep in the journal.
func (rep *replacement) bytes() (n int) {
	for _, r := range rep.restored {
		n += journal.Overhead + len(r.change.Name) + len(r.change.Value)
	}
	return n + record.Overhead*len(rep.present)
}

// refuse returns an error if rep cannot be applied.
func (rep *replacement) refuse(g *group) error {
	switch {
	case rep.newestID >= g.nextID:
		return account.ErrForeignDump
	case g.count(rep.app) > account.MaxReplaced:
		return &account.Error{Code: account.Conflict}
	}
	return nil
}

// reserve creates the missing records of the ids that a commit restores, and of the admins
// of its spaces. Nothing after it can fail because the table is full. The records have
// zero entries, as those of ids that never existed.
func (g *group) reserve(sps []account.Space, reps map[account.AppID]*replacement) error {
	if len(reps) == 0 {
		return nil
	}
	g.table.Lock()
	defer g.table.Unlock()
	admins := 0
	for _, sp := range sps {
		for _, id := range sp.Admins {
			name := record.AppendName(nil, sp.App, id)
			if g.reserveOne(g.table.Hash(name), name) == 0 {
				return idtable.ErrFull
			}
		}
		admins += len(sp.Admins)
	}
	for _, rep := range reps {
		for i := range rep.restored {
			r := &rep.restored[i]
			if r.ref = g.reserveOne(r.hash, r.change.Name); r.ref == 0 {
				return idtable.ErrFull
			}
		}
	}
	if g.nextID+uint64(admins) > idtable.MaxID {
		return idtable.ErrFull
	}
	return nil
}

func (g *group) reserveOne(hash uint64, name []byte) idtable.Ref {
	r, _ := g.table.Find(hash, name)
	if r == 0 {
		r = g.table.Add(hash, name)
	}
	return r
}

// replace removes everything of an app and writes the accounts and tombstones of rep. Its
// records are reserved. The order in the journal matters: the purge forgets the removed
// ids, and nothing after it.
func (g *group) replace(rep *replacement) {
	g.wipe(rep.app, rep.present)
	if g.count(rep.app) > 0 { // accounts that are newer than rep
		g.wipe(rep.app, g.namesOf(rep.app))
	}
	g.purge(rep.app)
	live := int64(0)
	for _, r := range rep.restored {
		g.write(r.ref, r.entry, &r.change)
		if r.entry.Live() {
			live++
		}
	}
	g.counts[rep.app] = live
}

// wipe removes the accounts of an app with the given names so that the next purge of the
// app forgets them. Until the purge their entries are zero, which costs the table less than
// tombstones.
func (g *group) wipe(app account.AppID, names [][]byte) {
	hashes := make([]uint64, len(names))
	for i, name := range names {
		hashes[i] = g.table.Hash(name)
	}
	g.table.Warm(hashes)
	value := record.AppendGone(nil, record.Gone{})
	left := g.count(app)
	for i, name := range names {
		if r, e := g.find(hashes[i], name); e.Live() {
			g.write(r, idtable.Entry{}, &journal.Change{Kind: journal.Delete, Name: name, Value: value})
			left--
		}
	}
	g.counts[app] = left
}

// namesOf returns the names of all records of an app, also of accounts that only the group
// contains yet.
func (g *group) namesOf(app account.AppID) (names [][]byte) {
	g.table.Each(func(name []byte, _ idtable.Entry) {
		if record.NameApp(name) == app {
			names = append(names, slices.Clone(name))
		}
	}, func() {})
	return names
}
