package idtable

import (
	"hash/maphash"
	"maps"
	"runtime"
	"slices"
	"sync"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// Bounds of what a table can hold.
const (
	MaxName = 255       // bytes of a name; ids of the protocol have 32 at most
	MaxID   = 1<<40 - 1 // a million million accounts
	MaxPos  = 1<<48 - 1 // 256 TiB of journal
)

// ErrFull is the answer to whoever makes an account that a Table has no room for.
var ErrFull = &account.Error{Code: account.Internal, Detail: "the embedded store holds as many accounts as it can; use a cluster"}

// A Table holds every id of every app, exactly: the ids themselves are in it
// and compared.
//
// One goroutine changes it, its owner, and locks it for that; it needs no lock to
// read it. What is for the owner says so. Everything else is for everyone and locks
// the table for reading, many ids at a time.
//
// It is made of plain arrays outside the heap, and grows a shard at a time, so
// that nobody waits for all of it to move. An account takes 12 bytes and its
// name, rounded up to 4, and 5 to 11 bytes of slots.
type Table struct {
	seed  maphash.Seed
	arena *arena

	mu     sync.RWMutex
	shards [tableShards]shard
	counts map[account.AppID]int64  // accounts that exist
	purged map[account.AppID]uint64 // positions before which nothing is known of deleted ids
}

const (
	tableShards = 256
	pageBytes   = 4 << 10 // of the arena of a shard
	unitBytes   = 4       // records begin at multiples of it
	pageUnits   = pageBytes / unitBytes
	minSlots    = 16
)

// A Ref names the record of an id, as long as the Table lives. Zero names none. It
// is a shard and a place in it.
type Ref uint64

func (r Ref) place() uint32 { return uint32(r) }

// New returns an empty Table. Its memory is given back when nobody refers to it any
// more.
func New() *Table {
	t := &Table{seed: maphash.MakeSeed(), counts: map[account.AppID]int64{}, purged: map[account.AppID]uint64{}, arena: new(arena)}
	runtime.AddCleanup(t, (*arena).free, t.arena)
	return t
}

// Hash returns the hash of a name, by which this Table finds it.
func (t *Table) Hash(name []byte) uint64 { return maphash.Bytes(t.seed, name) }

// Lock keeps readers out for changes. It is for the owner.
func (t *Table) Lock() { t.mu.Lock() }

// Unlock lets readers in again.
func (t *Table) Unlock() { t.mu.Unlock() }

// Lookup returns what is known of a name.
func (t *Table) Lookup(name []byte) Entry {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, e := t.Find(t.Hash(name), name)
	return e
}

// LookupAll calls fn with what is known of each id. fn must not use the Table.
func (t *Table) LookupAll(app account.AppID, ids []account.UserID, fn func(i int, e Entry)) {
	var names []byte
	hashes, ends := make([]uint64, len(ids)), make([]int, len(ids))
	for i, id := range ids {
		start := len(names)
		names = record.AppendName(names, app, id)
		hashes[i], ends[i] = t.Hash(names[start:]), len(names)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.Warm(hashes)
	start := 0
	for i, end := range ends {
		_, e := t.Find(hashes[i], names[start:end])
		fn(i, e)
		start = end
	}
}

// Warm reads what looking hashes up is going to read, first one part for all of
// them, then the next. The processor waits for many places in memory at once
// then, rather than for one after the other: of millions of accounts a look-up
// is hardly anything else than that. It returns nothing of use, so that nothing
// is left out. The caller is the owner or holds t.mu, as [Table.LookupAll] does.
//
//go:noinline
func (t *Table) Warm(hashes []uint64) (sum uint32) {
	const most = 128
	var places [most]uint32
	for part := range slices.Chunk(hashes, most) {
		for i, h := range part {
			places[i] = t.shards[h%tableShards].first(h)
		}
		for i, h := range part {
			if places[i] != 0 {
				sum += uint32(t.shards[h%tableShards].record(places[i])[0])
			}
		}
	}
	return sum
}

// Find returns the record of a name with the hash h, 0 if there is none, and what is
// known of it. It is for the owner.
func (t *Table) Find(h uint64, name []byte) (Ref, Entry) {
	i := h % tableShards
	s := &t.shards[i]
	place, ok := s.find(h, name)
	if !ok {
		return 0, Entry{}
	}
	return Ref(i<<32 | uint64(place)), t.entry(s, place)
}

// entry returns the entry at a place, and the zero Entry if it was forgotten.
func (t *Table) entry(s *shard, place uint32) Entry {
	e := s.entry(place)
	if !e.Live() && e.Pos < t.purged[record.NameApp(s.name(place))] {
		return Entry{}
	}
	return e
}

// Add makes a record of a name with the hash h that has none and at most MaxName
// bytes. It says nothing of the id yet. It returns 0 when the shard is full, at 2
// million accounts in each of 256. It is for the owner, who has locked the Table.
func (t *Table) Add(h uint64, name []byte) Ref {
	i := h % tableShards
	s := &t.shards[i]
	place := s.add(t.arena, name)
	if place == 0 {
		return 0
	}
	if s.records++; s.full() {
		s.fit(t, int(i))
	} else {
		s.insert(h, place)
	}
	return Ref(i<<32 | uint64(place))
}

// Put stores e in the record r. It is for the owner, who has locked the Table.
func (t *Table) Put(r Ref, e Entry) { t.shards[r>>32].put(r.place(), e) }

// Forget makes the Table know nothing of ids of app that do not exist, where that
// is older than the position before. It is for the owner, who has locked the Table.
func (t *Table) Forget(app account.AppID, before uint64) { t.purged[app] = before }

// eachPages is how many pages of a shard are looked through while others wait.
const eachPages = 16

// Each calls fn for each id, in no order, and then now and again. Changes may come
// in between. fn must not use the Table, nor keep the name.
func (t *Table) Each(fn func(name []byte, e Entry), then func()) {
	for i := range t.shards {
		for from := 0; t.eachOf(&t.shards[i], from, fn); from += eachPages {
		}
		then()
	}
}

// eachOf calls fn for the ids in some pages of s, and reports whether there are
// more.
func (t *Table) eachOf(s *shard, from int, fn func(name []byte, e Entry)) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	to := min(from+eachPages, len(s.pages))
	s.each(from, to, func(place uint32, name []byte) { fn(name, t.entry(s, place)) })
	return to < len(s.pages)
}

// SetCounts says how many accounts of some apps exist. It is for the owner, who has
// locked the Table.
func (t *Table) SetCounts(counts map[account.AppID]int64) { maps.Copy(t.counts, counts) }

// Counted is Count without a lock. It is for the owner, who may have locked the
// Table.
func (t *Table) Counted(app account.AppID) int64 { return t.counts[app] }

// Records returns how many ids have a record, also of those of which nothing is
// known any more.
func (t *Table) Records() (n int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i := range t.shards {
		n += int64(t.shards[i].records)
	}
	return n
}

// Count returns how many accounts of app exist.
func (t *Table) Count(app account.AppID) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.counts[app]
}

// Apps returns the apps that have accounts or had some, in order.
func (t *Table) Apps() []account.AppID {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Sorted(maps.Keys(t.counts))
}

// Total returns how many accounts of all apps exist.
func (t *Table) Total() (n int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, of := range t.counts {
		n += of
	}
	return n
}

// Tombstones returns of how many ids it is known that they are deleted.
func (t *Table) Tombstones() (n int64) {
	t.Each(func(_ []byte, e Entry) {
		if e.Gone {
			n++
		}
	}, func() {})
	return n
}
