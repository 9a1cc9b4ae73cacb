package pebble

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// A view hands out the newest durable state to readers.
type view struct {
	db *pebble.DB

	mu      sync.Mutex
	current *snapshot
}

// A snapshot is a state of the database, closed by the last who lets it go.
type snapshot struct {
	*pebble.Snapshot
	refs int // of readers, and one while it is the newest; guarded by view.mu
}

func newView(db *pebble.DB) *view {
	return &view{db: db, current: &snapshot{Snapshot: db.NewSnapshot(), refs: 1}}
}

// advance makes what the database holds now the newest durable state, and runs
// publish in the same step: whoever has seen some of a group in the table or
// through the view finds all of it in the view.
//
// Only the committer calls it, when nothing is on its way to the log.
func (v *view) advance(publish func()) {
	next := &snapshot{Snapshot: v.db.NewSnapshot(), refs: 1}
	v.mu.Lock()
	old := v.current
	v.current = next
	publish()
	v.mu.Unlock()
	v.release(old)
}

// acquire returns the newest state; give it back with release.
func (v *view) acquire() *snapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.current.refs++
	return v.current
}

func (v *view) release(s *snapshot) {
	v.mu.Lock()
	s.refs--
	last := s.refs == 0
	v.mu.Unlock()
	if last {
		_ = s.Close() // it cannot fail
	}
}

// close ends the view. Nobody may hold a snapshot any more.
func (v *view) close() { v.release(v.current) }
