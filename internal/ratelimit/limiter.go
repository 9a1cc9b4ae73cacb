package ratelimit

import (
	"hash/maphash"
	"maps"
	"sync"
)

const (
	// shardCount is the number of locks that the keys are spread over. One lock
	// for a map update is fast enough for millions of calls a second, so the
	// number only needs to keep unrelated apps apart.
	shardCount = 64

	// keepKeys is the number of keys up to which the map of a shard is cleared
	// and reused. A larger map is dropped, because the time to clear a map
	// grows with the largest size that it ever had.
	keepKeys = 1024
)

// A Limiter counts calls in the memory of one process. It keeps the counts of
// the newest second and of the one before. It is safe for concurrent use.
type Limiter struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

// New returns a Limiter without counts.
func New() *Limiter { return &Limiter{seed: maphash.MakeSeed()} }

// count adds a call to the count of key in a second and returns the new total.
// It returns each total once: two concurrent calls never get the same one.
func (l *Limiter) count(key Key, second int64) int64 {
	s := &l.shards[maphash.Comparable(l.seed, key)%shardCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.window(second)
	total := counts[key] + 1
	counts[key] = total
	return total
}

// Forget implements [Counter].
func (l *Limiter) Forget(app uint32) {
	for i := range l.shards {
		l.shards[i].forget(app)
	}
}

// A shard counts the keys that hash to it.
type shard struct {
	mu     sync.Mutex
	newest int64          // the second that counts belongs to
	counts map[Key]int64  // of the second newest
	before map[Key]int64  // of the second newest-1
	_      [64 - 8*4]byte // pads a shard to a cache line, so shards do not slow each other down
}

func (s *shard) forget(app uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ofApp := func(key Key, _ int64) bool { return key.App == app }
	maps.DeleteFunc(s.counts, ofApp)
	maps.DeleteFunc(s.before, ofApp)
}

// window returns the counts of second. It drops counts that are older than the
// second before it.
//
// A caller may read its clock just before a second ends and arrive just after,
// so the second before the newest is still counted. Any other second in the
// past means that the clock was set back. The shard then starts again, because
// otherwise all calls until the clock catches up would share one window.
func (s *shard) window(second int64) map[Key]int64 {
	switch {
	case s.counts == nil:
		s.counts, s.before = map[Key]int64{}, map[Key]int64{}
	case second == s.newest:
		return s.counts
	case second == s.newest-1:
		return s.before
	case second == s.newest+1:
		s.counts, s.before = emptied(s.before), s.counts
	default:
		s.counts, s.before = emptied(s.counts), emptied(s.before)
	}
	s.newest = second
	return s.counts
}

// emptied returns an empty map, which is m itself if m is small.
func emptied(m map[Key]int64) map[Key]int64 {
	if len(m) > keepKeys {
		return map[Key]int64{}
	}
	clear(m)
	return m
}
