package records

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"rollcall/internal/account"
)

// presenceShards is the number of parts of the memory of login sessions. The login sessions
// of accounts in different parts can change at the same time.
const presenceShards = 256

// presenceMemory keeps all login sessions in memory, for an engine that no other process
// uses. Without it each change and each status query would read the engine.
//
// The lock change of a shard is held from the moment at which a change is read until its
// commit is known. So entries are replaced in the order of their commits.
type presenceMemory struct {
	seed   maphash.Seed
	shards [presenceShards]presenceShard
	whole  atomic.Bool // every account with login sessions is in the memory
}

type presenceShard struct {
	change sync.Mutex
	mu     sync.RWMutex // protects of
	of     map[presenceID]presenceEntry
}

type presenceID struct {
	app  account.AppID
	user account.UserID
}

// A presenceEntry is what a record contains. A shared value that is never changed.
type presenceEntry struct {
	*Presence        // nil: there is no record
	due       int64  // see PresenceChange.Due
	version   uint64 // of the record

	// unsure is set after a commit with an unknown outcome, which may still happen, and after
	// one that found another version. The engine is asked from then on.
	unsure bool
}

// KeepPresences reads all login sessions into memory and keeps them there. Only a process
// that uses the engine alone may call it. Everything works while it reads, too.
func (r *Registry) KeepPresences(ctx context.Context) error {
	m := &presenceMemory{seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].of = map[presenceID]presenceEntry{}
	}
	r.memory.Store(m)
	for q := (account.RecordQuery{Kind: kindPresence, Limit: account.MaxListLimit}); ; {
		page, err := r.e.Records(ctx, q)
		if err != nil {
			r.memory.Store(nil)
			return err
		}
		for _, rec := range page.Records {
			if err := m.add(rec); err != nil {
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

// add adds what was read from the engine, unless a change is known.
func (m *presenceMemory) add(rec account.Record) error {
	number, user, _ := strings.Cut(rec.Key, "/")
	app, err := parseAppKey(number)
	if err != nil {
		return err
	}
	e, err := presenceOf(rec)
	if err != nil {
		return err
	}
	id := presenceID{app, account.UserID(user)}
	s := m.shard(id)
	s.change.Lock()
	defer s.change.Unlock()
	if _, known := s.get(id); !known {
		s.put(id, e)
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

func (m *presenceMemory) shard(id presenceID) *presenceShard {
	return &m.shards[m.index(id)]
}

func (m *presenceMemory) index(id presenceID) int {
	return int(maphash.Comparable(m.seed, id) % presenceShards)
}

func (s *presenceShard) get(id presenceID) (presenceEntry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, ok := s.of[id]
	return e, ok
}

func (s *presenceShard) put(id presenceID, e presenceEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[id] = e
}

// find returns the entries of accounts, and the indexes of those that the engine must be
// asked for.
func (m *presenceMemory) find(app account.AppID, users []account.UserID) (found []presenceEntry, unknown []int) {
	found, whole := make([]presenceEntry, len(users)), m.whole.Load()
	for i, user := range users {
		id := presenceID{app, user}
		e, ok := m.shard(id).get(id)
		if e.unsure || !ok && !whole {
			unknown = append(unknown, i)
			continue
		}
		found[i] = e
	}
	return found, unknown
}

// lock locks the accounts for a change, and returns a function that unlocks them. It locks
// shards in their order, so two changes never wait for each other.
func (m *presenceMemory) lock(app account.AppID, users []account.UserID) (unlock func()) {
	shards := make([]int, len(users))
	for i, user := range users {
		shards[i] = m.index(presenceID{app, user})
	}
	slices.Sort(shards)
	return m.lockShards(slices.Compact(shards))
}

func (m *presenceMemory) lockShards(shards []int) (unlock func()) {
	for _, i := range shards {
		m.shards[i].change.Lock()
	}
	return func() {
		for _, i := range shards {
			m.shards[i].change.Unlock()
		}
	}
}

// committed takes over changes that are locked. number is that of their commit, or err says
// that they were not committed, or perhaps.
func (m *presenceMemory) committed(changes []PresenceChange, number uint64, err error) {
	switch account.CodeOf(err) {
	case account.OK:
	case account.Unavailable, account.BadParameter:
		return // nothing has changed
	default:
		m.doubt(changes)
		return
	}
	whole := m.whole.Load()
	for i := range changes {
		c := &changes[i]
		id := presenceID{c.App, c.User}
		s := m.shard(id)
		switch e, _ := s.get(id); {
		case e.unsure:
		case c.Next != nil:
			s.put(id, presenceEntry{Presence: c.Next, due: c.Due, version: number})
		case whole:
			s.drop(id)
		default:
			s.put(id, presenceEntry{}) // KeepPresences must not add what it has read before
		}
	}
}

// doubt lets the engine be asked for accounts from now on.
func (m *presenceMemory) doubt(changes []PresenceChange) {
	for i := range changes {
		id := presenceID{changes[i].App, changes[i].User}
		m.shard(id).put(id, presenceEntry{unsure: true})
	}
}

func (s *presenceShard) drop(id presenceID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, id)
}

// forget forgets the accounts of an app, which are removed from the engine. No change is
// under way meanwhile.
func (m *presenceMemory) forget(app account.AppID) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for id := range s.of {
			if id.app == app {
				delete(s.of, id)
			}
		}
		s.mu.Unlock()
	}
}

// lockAll locks all accounts for a change.
func (m *presenceMemory) lockAll() (unlock func()) {
	all := make([]int, presenceShards)
	for i := range all {
		all[i] = i
	}
	return m.lockShards(all)
}
