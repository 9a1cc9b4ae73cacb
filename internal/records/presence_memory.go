package records

import (
	"context"
	"hash/maphash"
	"sync/atomic"

	"rollcall/internal/account"
)

// presenceShards is the number of parts of the memory of login sessions. Accounts in different
// parts do not wait for each other.
const presenceShards = 256

// presenceMemory keeps all login sessions in memory, for an engine that no other process
// uses. Without it each change and each status query would read the engine. An entry changes
// only while its account is locked, so entries are replaced in the order of their commits.
type presenceMemory struct {
	seeds   [2]maphash.Seed
	shards  [presenceShards]presenceShard
	glances presenceGlances
	online  onlineCounts
	whole   atomic.Bool // every account with login sessions is in the memory
}

type presenceID struct {
	app  account.AppID
	user account.UserID
}

// A presenceEntry is what a record contains. A shared value that is never changed.
type presenceEntry struct {
	*Presence        // nil: there is no record
	due       int64  // see PresenceChange.Due
	version   uint64 // of the record, or AnyVersion: no other process changes it, and the account is locked

	// unsure is set after a commit with an unknown outcome, which may still happen, and after
	// one that found another version. The engine is asked until the next commit succeeds.
	unsure bool
}

// KeepPresences reads all login sessions into memory and keeps them there. Only a process
// that uses the engine alone may call it. The engine must decide commits in the order of their
// calls, as the embedded ones do: a commit with an unknown outcome never happens after a later
// one. Everything works while KeepPresences reads, too.
func (r *Registry) KeepPresences(ctx context.Context) error {
	m := &presenceMemory{seeds: [...]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	for i := range m.shards {
		m.shards[i].index = map[presenceHash]span{}
	}
	r.memory.Store(m)
	for q := (account.RecordQuery{Kind: kindPresence, Limit: account.MaxListLimit}); ; {
		page, err := r.e.Records(ctx, q)
		if err != nil {
			r.memory.Store(nil)
			return err
		}
		for _, rec := range page.Records {
			if err := r.remember(ctx, m, rec); err != nil {
				r.memory.Store(nil)
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			m.whole.Store(true)
			return nil
		}
	}
}

// remember adds what was read from the engine to m, unless a change is known.
func (r *Registry) remember(ctx context.Context, m *presenceMemory, rec account.Record) error {
	app, user, err := splitKey(kindPresence, rec.Key)
	if err != nil {
		return err
	}
	e, err := presenceOf(rec)
	if err != nil {
		return err
	}
	unlock, err := r.presenceLocks.lock(ctx, app, []account.UserID{user})
	if err != nil {
		return err
	}
	defer unlock()
	s, k := m.place(app, user)
	if _, known := s.get(k); !known {
		m.put(presenceID{app, user}, nil, e)
	}
	return nil
}

// presenceOf returns the entry of a record.
func presenceOf(rec account.Record) (presenceEntry, error) {
	if rec.Version == 0 {
		return presenceEntry{}, nil
	}
	stored, err := decode[storedPresence](rec.Value)
	if err != nil {
		return presenceEntry{}, damaged(kindPresence, rec.Key, err)
	}
	return presenceEntry{Presence: &stored.Presence, due: stored.Due, version: rec.Version}, nil
}

// find returns the entries of accounts, and the indexes of those that the engine must be
// asked for.
func (m *presenceMemory) find(app account.AppID, users []account.UserID) (found []presenceEntry, unknown []int) {
	found, whole := make([]presenceEntry, len(users)), m.whole.Load()
	for i, user := range users {
		s, k := m.place(app, user)
		e, ok := s.get(k)
		if e.unsure || !ok && !whole {
			unknown = append(unknown, i)
			continue
		}
		found[i] = e
	}
	return found, unknown
}

// committed takes over changes of accounts that are locked. err says that they were not
// committed, or perhaps.
func (m *presenceMemory) committed(changes []PresenceChange, err error) {
	code := account.CodeOf(err)
	if code == account.Unavailable || code == account.BadParameter {
		return // nothing has changed
	}
	for i := range changes {
		if c := &changes[i]; c.changed() {
			m.put(presenceID{c.App, c.User}, c, c.entry(code == account.OK))
		}
	}
}

// entry returns what the memory says after c. If it is not certain that c was committed, the
// engine is asked until the next change.
func (c *PresenceChange) entry(certain bool) presenceEntry {
	switch {
	case !certain:
		return presenceEntry{unsure: true}
	case c.Next == nil:
		return presenceEntry{}
	}
	return presenceEntry{Presence: c.Next, due: c.Due}
}

// put replaces the entry of an account, and its glance. c is the change behind it, or nil if e
// was read.
func (m *presenceMemory) put(id presenceID, c *PresenceChange, e presenceEntry) {
	if e.Presence != nil {
		m.glances.put(e.Account, m.glanceOf(e.Presence, e.due))
	}
	if c != nil {
		gone := glance{}
		if e.unsure {
			gone.bits = glanceBlind
		}
		for _, p := range [...]*Presence{c.was.Presence, c.Next} {
			if p != nil && (e.Presence == nil || p.Account != e.Account) { // an earlier account, if e has one
				m.glances.put(p.Account, gone)
			}
		}
	}
	s, k := m.place(id.app, id.user)
	var was bool
	if e == (presenceEntry{}) && m.whole.Load() {
		was = s.drop(k)
	} else {
		was = s.put(k, e) // an empty one, too: KeepPresences must not add what it has read before
	}
	m.online.move(id.app, was, e.Online())
}
