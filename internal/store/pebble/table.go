package pebble

import (
	"hash/maphash"
	"strings"
	"sync"

	"rollcall/internal/account"
)

// An entry is what the table knows of one id. The zero entry is an id that was
// never imported.
type entry struct {
	internalID uint64 // 0: there is no such account
	kicked     int64  // watermark, unix seconds
	deleted    int64  // time of deletion, unix milliseconds; only if gone
	gone       bool   // there was an account, and it is deleted
}

func (e entry) live() bool { return e.internalID != 0 }

// A key names an account.
type key struct {
	app account.AppID
	id  account.UserID
}

// shards is how many locks the table has. The committer holds one of them for
// the time of one assignment.
const shards = 64

// A table holds every id of every app, exactly. Only the committer changes it,
// after the change is durable; everyone reads it.
type table struct {
	seed   maphash.Seed
	shards [shards]shard

	mu     sync.RWMutex
	counts map[account.AppID]int64
}

// A shard keeps apart what few ids have, so that most cost one word beside
// their name.
type shard struct {
	mu      sync.RWMutex
	live    map[key]uint64 // internal ids of the accounts that exist
	deleted map[key]int64  // times of deletion of those that are gone
	kicked  map[key]int64  // watermarks that are not 0
}

func newTable() *table {
	t := &table{seed: maphash.MakeSeed(), counts: map[account.AppID]int64{}}
	for i := range t.shards {
		t.shards[i] = shard{live: map[key]uint64{}, deleted: map[key]int64{}, kicked: map[key]int64{}}
	}
	return t
}

// shard returns the shard of k. An app's ids spread over all shards.
func (t *table) shard(k key) *shard {
	return &t.shards[maphash.String(t.seed, string(k.id))%shards]
}

// get returns what is known of k.
func (t *table) get(k key) entry {
	s := t.shard(k)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := entry{internalID: s.live[k], kicked: s.kicked[k]}
	if !e.live() {
		e.deleted, e.gone = s.deleted[k]
	}
	return e
}

// put replaces old, which is what get returns, by e.
func (t *table) put(k key, old, e entry) {
	s := t.shard(k)
	k.id = account.UserID(strings.Clone(string(k.id))) // not the request's body
	s.mu.Lock()
	if e.live() {
		s.live[k] = e.internalID
		delete(s.deleted, k)
	} else {
		delete(s.live, k)
		s.deleted[k] = e.deleted
	}
	if e.kicked != 0 {
		s.kicked[k] = e.kicked
	}
	s.mu.Unlock()
	if old.live() != e.live() {
		t.count(k.app, e.live())
	}
}

func (t *table) count(app account.AppID, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if more {
		t.counts[app]++
	} else {
		t.counts[app]--
	}
}

// size returns how many accounts of app exist.
func (t *table) size(app account.AppID) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.counts[app]
}
