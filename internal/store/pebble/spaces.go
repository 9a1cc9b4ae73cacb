package pebble

import (
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/catalog"
	"rollcall/internal/store/pebble/record"
)

var errNoApp error = &account.Error{Code: account.NoApp, Detail: "no app has that SDKAppID"}

// hasSpace reports whether an app has a space after the group.
func (g *group) hasSpace(app account.AppID) bool {
	_, ok := g.spaces[app]
	return ok
}

// refuseSpace returns an error if sp removes a space that has accounts other than those of
// its admins, or if its replacement, which may be nil, cannot be applied.
func (g *group) refuseSpace(sp account.Space, rep *replacement) error {
	if rep != nil {
		return rep.refuse(g)
	}
	if sp.Remove && g.count(sp.App) > g.liveAdmins(sp.App) {
		return &account.Error{Code: account.Conflict}
	}
	return nil
}

// liveAdmins returns how many admins of a space have accounts. It counts an admin that is
// named twice once.
func (g *group) liveAdmins(app account.AppID) (n int64) {
	admins := g.spaces[app]
	for i, admin := range admins {
		if slices.Contains(admins[:i], admin) {
			continue
		}
		name := record.AppendName(nil, app, admin)
		if _, e := g.find(g.table.Hash(name), name); e.Live() {
			n++
		}
	}
	return n
}

// createAdmins creates the missing accounts of the admins in sps. If the table is full, it
// removes what it has created for apps without a space.
func (g *group) createAdmins(sps []account.Space) error {
	for i, sp := range sps {
		if sp.Remove {
			continue
		}
		items := make([]account.Upsert, len(sp.Admins))
		for i, id := range sp.Admins {
			items[i].ID = id
		}
		u := newUpsert(g.table, sp.App, items, account.UpsertPolicy{Now: sp.Now, TombstoneBefore: account.AnyTombstone})
		if err := g.upsert(u, make([]account.UpsertResult, len(items))); err != nil {
			for _, begun := range sps[:i+1] {
				if !g.hasSpace(begun.App) {
					g.forget(begun.App, begun.Admins)
				}
			}
			return err
		}
	}
	return nil
}

// putSpace creates, changes or removes a space.
func (g *group) putSpace(sp account.Space) {
	if !sp.Remove {
		g.spaces[sp.App] = sp.Admins
		g.note(catalog.SetSpace(g.records(), sp.App, sp.Admins))
		return
	}
	if admins, ok := g.spaces[sp.App]; ok {
		g.forget(sp.App, admins)
		delete(g.spaces, sp.App)
		g.note(catalog.DropSpace(g.records(), sp.App))
	}
}

// forget removes the accounts of the admins of an app, and what is known of its deleted
// ids.
func (g *group) forget(app account.AppID, admins []account.UserID) {
	for _, admin := range admins {
		name := record.AppendName(nil, app, admin)
		g.delete(app, g.table.Hash(name), name, time.UnixMilli(0)) // purge removes the tombstone
	}
	g.purge(app)
}

// cloneSpaces returns a copy of sps that shares nothing with it.
func cloneSpaces(sps []account.Space) []account.Space {
	sps = slices.Clone(sps)
	for i := range sps {
		sps[i].Admins = slices.Clone(sps[i].Admins)
	}
	return sps
}
