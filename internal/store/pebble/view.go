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

// A view gives readers the newest durable state. Only the committer changes it, and reads
// the current state without acquiring it.
type view struct {
	failure *guard.Failure

	mu      sync.Mutex
	current state
}

// A state is the durable state at one time: a snapshot of the database and the part of the
// journal that the snapshot may lack. The snapshot may contain some of these changes
// already. That is harmless: applying a change twice has the same result.
type state struct {
	snap    *snapshot
	flushed uint64           // positions below it are in snap
	commits []journal.Commit // the journal from flushed on
	kept    []journal.Commit // the journal just below flushed
}

// A snapshot is a snapshot of the database. The last user to release it closes it.
type snapshot struct {
	*pebble.Snapshot
	refs int // of readers, and one while it is the newest; guarded by view.mu
}

func newSnapshot(db *pebble.DB) *snapshot { return &snapshot{Snapshot: db.NewSnapshot(), refs: 1} }

func newView(db *pebble.DB, f *guard.Failure) *view {
	return &view{failure: f, current: state{snap: newSnapshot(db), flushed: 1}}
}

// advance adds c to the newest durable state and runs publish under the same lock. So a
// reader that has seen some of a commit in the table or in the view finds all of it in the
// view. If snap is not nil, it replaces the snapshot, and contains all positions below
// flushed.
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

// flush records that positions below pos are flushed.
func (s *state) flush(pos uint64) {
	n := sort.Search(len(s.commits), func(i int) bool { return s.commits[i].End() > pos })
	if n > 0 {
		s.kept = newest(slices.Concat(s.kept, s.commits[:n]), keepBytes)
		s.commits = slices.Clone(s.commits[n:])
	}
	s.flushed = pos
}

// newest returns the last commits, as few as have at least the given number of bytes
// together, or all commits if they have fewer.
func newest(commits []journal.Commit, bytes int) []journal.Commit {
	i := len(commits)
	for ; i > 0 && bytes > 0; i-- {
		bytes -= len(commits[i-1].Data)
	}
	return slices.Clone(commits[i:])
}

// forget releases the journal that is kept after its flush.
func (v *view) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.current.kept = nil
}

// acquire returns the newest state. The caller must release it.
func (v *view) acquire() state { return v.acquireWith(func() {}) }

// acquireWith is acquire, and runs look under the same lock. So the state contains exactly
// what look finds in the table. A change at a position older than the state would be
// applied on top of newer ones.
func (v *view) acquireWith(look func()) state {
	v.mu.Lock()
	defer v.mu.Unlock()
	look()
	v.current.snap.refs++
	return v.current
}

func (v *view) release(s state) { v.drop(s.snap) }

// drop releases s, which may be nil. It closes nothing once the store has failed, because
// Pebble may have been stopped while it held a lock.
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

// close releases the view. No state may be in use any more.
func (v *view) close() { v.release(v.current) }

// bytes returns the size of the journal of s.
func (s state) bytes() (n int) {
	for _, c := range s.commits {
		n += len(c.Data)
	}
	return n
}

// accounts reads the accounts of ids into as. entries are their entries in the table, which
// acquireWith has looked up. Accounts in tables are read in the order of their keys, with
// one iterator.
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

// account reads the account of a key, whose newest change is at pos.
func (s state) account(r *flushedReader, key []byte, pos uint64) (account.Account, error) {
	if commits := s.inMemory(pos); len(commits) > 0 {
		c, err := journal.At(commits, pos)
		if err != nil {
			return account.Account{}, err
		}
		return c.Account(func() ([]byte, error) { return r.get(key) }) // the value may contain c already
	}
	value, err := r.get(key)
	if err != nil {
		return account.Account{}, err
	}
	return record.DecodeAccount(record.NameID(key[nameOffsetInKey:]), value)
}

// inMemory returns the commits that contain the change at pos, or none if the change must
// be read from snap.
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

// get returns the stored value of an account. The value is valid until the next get. Reads
// are faster if keys come in order.
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

// close closes the iterator.
func (r *flushedReader) close() error {
	if r.it == nil {
		return nil
	}
	return r.it.Close()
}

// copyOf returns the stored value of an account.
func copyOf(r pebble.Reader, name []byte) ([]byte, error) {
	return record.Stored(r, appendNameKey(nil, accountSpace, name))
}
