package idtable

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// Limits of a table.
const (
	MaxName = 255       // bytes of a name; IDs of the protocol have 32 at most
	MaxID   = 1<<40 - 1 // a million million accounts
	MaxPos  = 1<<48 - 1 // 256 TiB of journal
)

// ErrFull is the error of creating an account when the Table is full.
var ErrFull = &account.Error{Code: account.Internal, Detail: "the embedded store holds as many accounts as it can; use a cluster"}

// A Table contains every ID of every app. It is exact: it stores the IDs themselves and
// compares them.
//
// A table has a single writer, which locks it to write but not to read. Methods that only
// the writer may call say so. All other methods take the read lock, for many IDs at a time.
//
// The table consists of plain arrays outside the heap. It grows one shard at a time, so no
// caller waits for the whole table to move. An account takes 12 bytes and its name,
// rounded up to a multiple of 4, and 5 to 11 bytes of slots.
type Table struct {
	seed  maphash.Seed
	arena *arena

	mu     sync.RWMutex
	shards [tableShards]shard
	counts map[account.AppID]int64  // accounts that exist, by app
	purged map[account.AppID]uint64 // by app, the position below which deleted IDs are forgotten
}

const (
	tableShards = 256
	pageBytes   = 4 << 10 // of the arena of a shard
	unitBytes   = 4       // records begin at multiples of it
	pageUnits   = pageBytes / unitBytes
	minSlots    = 16
)

// A Ref identifies the record of an ID, as long as the Table lives. It consists of a shard
// and a place in it. Zero means no record.
type Ref uint64

func (r Ref) place() uint32 { return uint32(r) }

// New returns an empty Table. Its memory is freed when the Table is no longer reachable.
func New() *Table {
	t := &Table{seed: maphash.MakeSeed(), counts: map[account.AppID]int64{}, purged: map[account.AppID]uint64{}, arena: new(arena)}
	runtime.AddCleanup(t, (*arena).free, t.arena)
	return t
}

// Hash returns the hash of a name in this Table.
func (t *Table) Hash(name []byte) uint64 { return maphash.Bytes(t.seed, name) }

// Lock locks the table for changes. Only the writer may call it.
func (t *Table) Lock() { t.mu.Lock() }

// Unlock ends Lock.
func (t *Table) Unlock() { t.mu.Unlock() }

// Lookup returns the entry of a name.
func (t *Table) Lookup(name []byte) Entry {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, e := t.Find(t.Hash(name), name)
	return e
}

// LookupAll calls fn with the entry of each ID. fn must not use the Table.
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
	start := 0
	for i, end := range ends {
		if i%warmAtOnce == 0 {
			t.Warm(hashes[i:min(i+warmAtOnce, len(hashes))])
		}
		_, e := t.Find(hashes[i], names[start:end])
		fn(i, e)
		start = end
	}
}

// warmAtOnce is the number of look-ups whose memory stays in the nearest cache.
const warmAtOnce = 64

// Warm reads the memory that looking hashes up will need, first the slots of all of them,
// then the records. The processor then loads many of these places at once, not one after
// the other, which is most of the cost of a look-up among millions of accounts. The sum
// that it returns has no meaning: it keeps the compiler from removing the reads. The
// caller is the writer or holds t.mu, as [Table.LookupAll] does.
//
//go:noinline
func (t *Table) Warm(hashes []uint64) (sum uint32) {
	var places [warmAtOnce]uint32
	for part := range slices.Chunk(hashes, warmAtOnce) {
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

// Find returns the record of a name with the hash h, or 0 if there is none, and its entry.
// Only the writer may call it.
func (t *Table) Find(h uint64, name []byte) (Ref, Entry) {
	i := h % tableShards
	s := &t.shards[i]
	place, ok := s.find(h, name)
	if !ok {
		return 0, Entry{}
	}
	return Ref(i<<32 | uint64(place)), t.entry(s, place)
}

// entry returns the entry at a place, or the zero Entry if it has been forgotten.
func (t *Table) entry(s *shard, place uint32) Entry {
	e := s.entry(place)
	if !e.Live() && e.Pos < t.purged[record.NameApp(s.name(place))] {
		return Entry{}
	}
	return e
}

// Add creates a record for a name that has none. h is the hash of the name, which has at
// most MaxName bytes. The entry of the record is zero. Add returns 0 if the shard is full,
// at 2 million accounts in each of 256 shards. Only the writer may call it, with the Table
// locked.
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

// Put stores e in the record r. Only the writer may call it, with the Table locked.
func (t *Table) Put(r Ref, e Entry) { t.shards[r>>32].put(r.place(), e) }

// Forget makes the Table forget the deleted IDs of app whose position is below before. Only
// the writer may call it, with the Table locked.
func (t *Table) Forget(app account.AppID, before uint64) { t.purged[app] = before }

// eachPages is how many pages of a shard are read under one lock.
const eachPages = 16

// Each calls fn for each ID, in no order, and then after each shard. The table may change
// between two calls of fn. fn must not use the Table or keep name.
func (t *Table) Each(fn func(name []byte, e Entry), then func()) {
	for i := range t.shards {
		for from := 0; t.eachOf(&t.shards[i], from, fn); from += eachPages {
		}
		then()
	}
}

// eachOf calls fn for the IDs in some pages of s, from the page from on. It reports
// whether there are more pages.
func (t *Table) eachOf(s *shard, from int, fn func(name []byte, e Entry)) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	to := min(from+eachPages, len(s.pages))
	s.each(from, to, func(place uint32, name []byte) { fn(name, t.entry(s, place)) })
	return to < len(s.pages)
}

// SetCounts sets the number of accounts of some apps. Only the writer may call it, with the
// Table locked.
func (t *Table) SetCounts(counts map[account.AppID]int64) { maps.Copy(t.counts, counts) }

// Counted is Count without taking the read lock. Only the writer may call it, even with the
// Table locked.
func (t *Table) Counted(app account.AppID) int64 { return t.counts[app] }

// GoneOf returns the deleted IDs of app that the table remembers, in order. It stops after
// any most of them.
func (t *Table) GoneOf(app account.AppID, most int) []account.Gone {
	return t.gone(app, "", most).List()
}

// Gone returns all deleted IDs of app that start with prefix.
func (t *Table) Gone(app account.AppID, prefix account.UserID) *Tombstones {
	return t.gone(app, prefix, math.MaxInt)
}

// Tombstones contains deleted IDs. It is cheap to collect while others wait.
type Tombstones struct {
	names []byte // one after the other
	items []tombstone
}

type tombstone struct {
	end             int // of the name
	deleted, kicked int64
}

// List returns the deleted IDs in order. A nil Tombstones has none.
func (ts *Tombstones) List() (gone []account.Gone) {
	if ts == nil {
		return nil
	}
	names, start := string(ts.names), 0
	for _, it := range ts.items {
		id := account.UserID(names[start+record.MinName : it.end])
		gone = append(gone, account.Gone{ID: id, Deleted: time.UnixMilli(it.deleted).UTC(), Kicked: it.kicked})
		start = it.end
	}
	slices.SortFunc(gone, func(a, b account.Gone) int { return cmp.Compare(a.ID, b.ID) })
	return gone
}

func (t *Table) gone(app account.AppID, prefix account.UserID, most int) *Tombstones {
	ts, start := new(Tombstones), record.AppendName(nil, app, prefix)
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i := range t.shards {
		s := &t.shards[i]
		for place := range s.deleted {
			if len(ts.items) == most {
				return ts
			}
			name := s.name(place)
			if !bytes.HasPrefix(name, start) {
				continue
			}
			if e := t.entry(s, place); e.Gone {
				ts.names = append(ts.names, name...)
				ts.items = append(ts.items, tombstone{len(ts.names), e.Deleted, e.Kicked})
			}
		}
	}
	return ts
}

// Records returns the number of records, including those of forgotten IDs, and how many of
// them at most have a tombstone or a watermark.
func (t *Table) Records() (n, changed int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i := range t.shards {
		s := &t.shards[i]
		n += int64(s.records)
		changed += int64(len(s.deleted) + len(s.kicked))
	}
	return n, changed
}

// Count returns the number of accounts of app.
func (t *Table) Count(app account.AppID) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.counts[app]
}

// Apps returns the apps that have or had accounts, in order.
func (t *Table) Apps() []account.AppID {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Sorted(maps.Keys(t.counts))
}

// Total returns the number of accounts of all apps.
func (t *Table) Total() (n int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, of := range t.counts {
		n += of
	}
	return n
}

// Tombstones returns the number of deleted IDs that the table remembers.
func (t *Table) Tombstones() (n int64) {
	t.Each(func(_ []byte, e Entry) {
		if e.Gone {
			n++
		}
	}, func() {})
	return n
}
