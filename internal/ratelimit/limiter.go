package ratelimit

import (
	"hash/maphash"
	"sync"
	"time"
)

const (
	// shardCount spreads keys over locks. One lock held for a map update
	// carries millions of calls a second, so the number only has to keep
	// unrelated apps apart.
	shardCount = 64

	// keepKeys is the size up to which a shard's map is cleared and used
	// again. A larger one is dropped: clearing costs time in proportion to the
	// largest size a map ever had.
	keepKeys = 1024
)

// A Limiter counts calls in the memory of one process. It keeps the counts of two
// seconds, the newest one and the one before it. It is safe for concurrent use.
type Limiter struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

// New returns a Limiter that has counted nothing.
func New() *Limiter { return &Limiter{seed: maphash.MakeSeed()} }

// Take counts a call of key at now and reports whether it fits under limit. A limit
// of 0 or less means no limit; nothing is counted then.
//
// A call that does not fit is counted too: a window that is over stays over until
// it ends. Now is real time, also for apps that have a time of their own.
func (l *Limiter) Take(key Key, limit int, now time.Time) Decision {
	if limit <= 0 {
		return Decision{}
	}
	return Decide(l.count(key, now.Unix()), limit, now)
}

// count adds a call to the count of key in a second and returns the new total. Each
// total is returned once: two concurrent calls never see the same one.
func (l *Limiter) count(key Key, second int64) int64 {
	s := &l.shards[maphash.Comparable(l.seed, key)%shardCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.window(second)
	total := counts[key] + 1
	counts[key] = total
	return total
}

// A shard counts the keys that hash to it.
type shard struct {
	mu     sync.Mutex
	newest int64          // the second that counts belongs to
	counts map[Key]int64  // of second newest
	before map[Key]int64  // of second newest-1
	_      [64 - 8*4]byte // shards of a cache line each do not slow each other
}

// window returns the counts of second and forgets those that are older than
// the second before it.
//
// A caller may read its clock just before a second ends and arrive just after,
// so the second before the newest is still counted. Any other second in the
// past means that the clock was set back: the shard starts anew, because otherwise
// every call until the clock catches up would share one window.
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

// emptied returns an empty map, m itself if it is small.
func emptied(m map[Key]int64) map[Key]int64 {
	if len(m) > keepKeys {
		return map[Key]int64{}
	}
	clear(m)
	return m
}
