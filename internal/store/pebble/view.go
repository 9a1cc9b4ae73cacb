package pebble

import (
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

// A view hands out the newest durable state to readers.
type view struct {
	failure *guard.Failure

	mu      sync.Mutex
	current state
}

// A state is what is durable at one time: what was folded, and the journal
// above it.
type state struct {
	snap    *snapshot
	folded  uint64           // positions below are in snap
	commits []journal.Commit // the journal from folded on
	admin   *snapshot        // for what admins change, which is not in the journal
}

// A snapshot is a state of the database, closed by the last who lets it go.
type snapshot struct {
	*pebble.Snapshot
	refs int // of readers, and one while it is the newest; guarded by view.mu
}

func newSnapshot(db *pebble.DB) *snapshot { return &snapshot{Snapshot: db.NewSnapshot(), refs: 1} }

func newView(db *pebble.DB, f *guard.Failure) *view {
	return &view{failure: f, current: state{snap: newSnapshot(db), folded: 1, admin: newSnapshot(db)}}
}

// advance makes c part of the newest durable state, and runs publish in the
// same step: whoever has seen some of a commit in the table or through the view
// finds all of it in the view. admin replaces the state of what admins change;
// nil leaves it.
func (v *view) advance(c journal.Commit, admin *snapshot, publish func()) {
	v.mu.Lock()
	if len(c.Data) > 0 {
		v.current.commits = append(v.current.commits, c)
	}
	var old *snapshot
	if admin != nil {
		old, v.current.admin = v.current.admin, admin
	}
	publish()
	v.mu.Unlock()
	v.drop(old)
}

// fold makes the database as it is now the newest folded state. What lies
// before folded is in it.
func (v *view) fold(snap *snapshot, folded uint64) {
	v.mu.Lock()
	kept := v.current.commits
	for len(kept) > 0 && kept[0].End() <= folded {
		kept = kept[1:]
	}
	old := v.current.snap
	v.current.snap, v.current.folded = snap, folded
	v.current.commits = append([]journal.Commit(nil), kept...)
	v.mu.Unlock()
	v.drop(old)
}

// renew replaces the snapshot of what is folded by a later one of the same: the
// old one would keep the journal that was dropped after it. Like advance and fold it
// is for the committer, which reads from the current snapshot without holding it.
func (v *view) renew(snap *snapshot) {
	v.mu.Lock()
	old := v.current.snap
	v.current.snap = snap
	v.mu.Unlock()
	v.drop(old)
}

// acquire returns the newest state; give it back with release.
func (v *view) acquire() state {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.current.snap.refs++
	v.current.admin.refs++
	return v.current
}

func (v *view) release(s state) {
	v.drop(s.snap)
	v.drop(s.admin)
}

// drop lets go of s, which may be nil. Of a store that has failed nothing is
// closed: Pebble may have been stopped with a lock in its hands.
func (v *view) drop(s *snapshot) {
	if s == nil {
		return
	}
	v.mu.Lock()
	s.refs--
	last := s.refs == 0
	v.mu.Unlock()
	if last && v.failure.Check() == nil {
		_ = s.Close() // it cannot fail
	}
}

// close ends the view. Nobody may hold a state any more.
func (v *view) close() { v.release(v.current) }

// bytes returns how much journal s has.
func (s state) bytes() (n int) {
	for _, c := range s.commits {
		n += len(c.Data)
	}
	return n
}

// account reads the account that name names. pos is where the table has seen
// its newest change; if that was folded meanwhile, the folded state is newer.
func (s state) account(name []byte, pos uint64) (account.Account, error) {
	if pos < s.folded {
		return s.folding(name)
	}
	c, err := journal.At(s.commits, pos)
	if err != nil {
		return account.Account{}, err
	}
	return c.Account(func() ([]byte, error) { return copyOf(s.snap, name) })
}

// folding reads an account from the folded state. It need not be there.
func (s state) folding(name []byte) (account.Account, error) {
	value, err := copyOf(s.snap, name)
	if errors.Is(err, pebble.ErrNotFound) {
		return account.Account{ID: record.NameID(name)}, nil
	}
	if err != nil {
		return account.Account{}, err
	}
	return record.DecodeAccount(record.NameID(name), value)
}

// copyOf returns the stored value of an account.
func copyOf(r pebble.Reader, name []byte) ([]byte, error) {
	value, closer, err := r.Get(appendNameKey(nil, accountSpace, name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = closer.Close() }()
	return append([]byte(nil), value...), nil
}
