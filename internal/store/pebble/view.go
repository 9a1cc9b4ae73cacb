package pebble

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

// A view hands out the newest durable state to readers. The committer alone changes it,
// and reads what is current without acquiring it.
type view struct {
	failure *guard.Failure

	mu      sync.Mutex
	current state
}

// A state is what is durable at one time: a snapshot of the database, and the journal
// above what the snapshot is sure to have of accounts. It may have some of that journal
// already: to apply a change once more makes no difference.
type state struct {
	snap    *snapshot
	flushed uint64           // positions below are in snap
	commits []journal.Commit // the journal from flushed on
	kept    []journal.Commit // the journal just below flushed
}

// A snapshot is a state of the database, closed by the last who lets it go.
type snapshot struct {
	*pebble.Snapshot
	refs int // of readers, and one while it is the newest; guarded by view.mu
}

func newSnapshot(db *pebble.DB) *snapshot { return &snapshot{Snapshot: db.NewSnapshot(), refs: 1} }

func newView(db *pebble.DB, f *guard.Failure) *view {
	return &view{failure: f, current: state{snap: newSnapshot(db), flushed: 1}}
}

// advance makes c part of the newest durable state, and runs publish in the same step:
// whoever has seen some of a commit in the table or through the view finds all of it in
// the view. snap replaces the snapshot, which has positions below flushed; nil leaves it.
func (v *view) advance(c journal.Commit, snap *snapshot, flushed uint64, publish func()) {
	v.mu.Lock()
	if len(c.Data) > 0 {
		v.current.commits = append(v.current.commits, c)
	}
	var old *snapshot
	if snap != nil {
		old, v.current.snap = v.current.snap, snap
		v.current.flush(flushed)
	}
	publish()
	v.mu.Unlock()
	v.drop(old)
}

// flush notes that positions below pos are flushed.
func (s *state) flush(pos uint64) {
	n := sort.Search(len(s.commits), func(i int) bool { return s.commits[i].End() > pos })
	if n > 0 {
		s.kept = newest(slices.Concat(s.kept, s.commits[:n]), keepBytes)
		s.commits = slices.Clone(s.commits[n:])
	}
	s.flushed = pos
}

// newest returns the last of commits that have so many bytes together, or a little more.
func newest(commits []journal.Commit, bytes int) []journal.Commit {
	i := len(commits)
	for ; i > 0 && bytes > 0; i-- {
		bytes -= len(commits[i-1].Data)
	}
	return slices.Clone(commits[i:])
}

// forget lets go of the journal that is kept though it is flushed.
func (v *view) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.current.kept = nil
}

// acquire returns the newest state; give it back with release.
func (v *view) acquire() state { return v.acquireWith(func() {}) }

// acquireWith is acquire, and runs look in the same step: what look finds in the table is
// what the state has. A position that is older than the state would be read on top of
// what came after it.
func (v *view) acquireWith(look func()) state {
	v.mu.Lock()
	defer v.mu.Unlock()
	look()
	v.current.snap.refs++
	return v.current
}

func (v *view) release(s state) { v.drop(s.snap) }

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

// accounts reads the accounts of ids into as, whose entries were found in the table
// before. It reads what lies in tables in the order of keys, with one iterator.
func (s state) accounts(app account.AppID, ids []account.UserID, entries []idtable.Entry, as []account.Account) error {
	order := make([]int, 0, len(ids))
	for i, id := range ids {
		as[i].ID = id
		if entries[i].Live() {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(string(ids[a]), string(ids[b])) })
	r := flushedReader{snap: s.snap}
	var key []byte
	for _, i := range order {
		key = append(binary.BigEndian.AppendUint32(append(key[:0], accountSpace, '/'), uint32(app)), ids[i]...)
		var err error
		if as[i], err = s.account(&r, key, entries[i].Pos); err != nil {
			return errors.Join(err, r.close())
		}
	}
	return r.close()
}

// account reads the account of a key. pos is where the table has seen its newest
// change; if that was flushed meanwhile, the flushed state is newer.
func (s state) account(r *flushedReader, key []byte, pos uint64) (account.Account, error) {
	if commits := s.inMemory(pos); len(commits) > 0 {
		c, err := journal.At(commits, pos)
		if err != nil {
			return account.Account{}, err
		}
		return c.Account(func() ([]byte, error) { return r.get(key) }) // which may have c already
	}
	value, err := r.get(key)
	if err != nil {
		return account.Account{}, err
	}
	return record.DecodeAccount(record.NameID(key[nameOffsetInKey:]), value)
}

// inMemory returns the commits that have the change at pos, or none if it is to be read
// from snap.
func (s state) inMemory(pos uint64) []journal.Commit {
	switch {
	case pos >= s.flushed:
		return s.commits
	case len(s.kept) > 0 && pos >= s.kept[0].Base:
		return s.kept
	}
	return nil
}

// A flushedReader reads accounts from a snapshot.
type flushedReader struct {
	snap *snapshot
	it   *pebble.Iterator // nil until something is read
}

// get returns the stored value of an account. It is valid until the next get. Keys are
// read faster if they come in order.
func (r *flushedReader) get(key []byte) (value []byte, err error) {
	if r.it == nil {
		lower, upper := spaceBounds(accountSpace)
		if r.it, err = r.snap.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper}); err != nil {
			return nil, err
		}
	}
	if !r.it.SeekPrefixGE(key) {
		return nil, cmp.Or(r.it.Error(), pebble.ErrNotFound)
	}
	return r.it.ValueAndErr()
}

// close ends the reading.
func (r *flushedReader) close() error {
	if r.it == nil {
		return nil
	}
	return r.it.Close()
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
