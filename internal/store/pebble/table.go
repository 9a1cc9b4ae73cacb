package pebble

import (
	"encoding/binary"
	"hash/maphash"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// An entry is what the table knows of one id. The zero entry is an id that was
// never imported.
type entry struct {
	internalID uint64 // 0: there is no such account
	pos        uint64 // of the newest change in the journal; see state.account
	kicked     int64  // watermark, unix seconds
	deleted    int64  // time of deletion, unix milliseconds; only if gone
	gone       bool   // there was an account, and it is deleted
}

func (e entry) live() bool { return e.internalID != 0 }

// A table holds every id of every app, exactly: the ids themselves are in it
// and compared. Only the committer changes it, with mu locked; it needs no lock
// to read it. Everyone else reads it with mu locked for reading, many ids at a
// time.
//
// It is made of plain arrays outside the heap, and grows a shard at a time, so
// that nobody waits for all of it to move. An account takes 12 bytes and its
// name, rounded up to 4, and 5 to 11 bytes of slots.
type table struct {
	seed  maphash.Seed
	arena *arena

	mu     sync.RWMutex
	shards [tableShards]shard
	counts map[account.AppID]int64 // accounts that exist
}

const (
	tableShards = 256
	pageBytes   = 4 << 10 // of the arena of a shard
	unitBytes   = 4       // records begin at multiples of it
	pageUnits   = pageBytes / unitBytes
	minSlots    = 16
)

// A shard is a hash table with open addressing over records in an arena.
//
// A slot is 0 or has the record's place in its lower 24 bits and some of the
// hash in its upper 8, which spares most looks at records that are not meant.
// A place counts units from the start of the arena; no record is at place 0.
// A record is
//
//	5 bytes  InternalID
//	6 bytes  position in the journal
//	1 byte   length of the name
//	name     of the account, see record
type shard struct {
	slots   []uint32
	pages   []*[pageBytes]byte
	used    uint32 // units of the arena
	records int
	deleted map[uint32]int64 // by place: times of deletion of those that are gone
	kicked  map[uint32]int64 // by place: watermarks that are not 0
}

const (
	placeBits  = 24
	placeMask  = 1<<placeBits - 1
	lenOffset  = 11
	nameOffset = 12
	maxName    = 255 // ids of the protocol have 32 bytes at most

	maxID  = 1<<40 - 1 // a million million accounts
	maxPos = 1<<48 - 1 // what a process writes in years
)

// A ref names a record: its shard and its place. Zero names none.
type ref uint64

func newTable() *table {
	t := &table{seed: maphash.MakeSeed(), counts: map[account.AppID]int64{}, arena: new(arena)}
	runtime.AddCleanup(t, (*arena).free, t.arena)
	return t
}

func (t *table) hash(name []byte) uint64 { return maphash.Bytes(t.seed, name) }

func (r ref) place() uint32 { return uint32(r) }

// get returns what is known of a name.
func (t *table) get(name []byte) entry {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, e := t.find(t.hash(name), name)
	return e
}

// getAll calls fn with what is known of each id.
func (t *table) getAll(app account.AppID, ids []account.UserID, fn func(i int, e entry)) {
	var names []byte
	hashes, ends := make([]uint64, len(ids)), make([]int, len(ids))
	for i, id := range ids {
		start := len(names)
		names = record.AppendName(names, app, id)
		hashes[i], ends[i] = t.hash(names[start:]), len(names)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.warm(hashes)
	start := 0
	for i, end := range ends {
		_, e := t.find(hashes[i], names[start:end])
		fn(i, e)
		start = end
	}
}

// warm reads what looking hashes up is going to read, first one part for all of
// them, then the next. The processor waits for many places in memory at once
// then, rather than for one after the other: of millions of accounts a look-up
// is hardly anything else than that. It returns nothing of use, so that nothing
// is left out.
//
//go:noinline
func (t *table) warm(hashes []uint64) (sum uint32) {
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

// first returns the place in the slot at which the search for a hash begins, if
// it may be that of its record.
func (s *shard) first(h uint64) uint32 {
	if len(s.slots) == 0 {
		return 0
	}
	slot := s.slots[slotIndex(h)&uint64(len(s.slots)-1)]
	if slot&^placeMask != slotTag(h) {
		return 0
	}
	return slot & placeMask
}

// find returns the record of a name and its entry.
func (t *table) find(h uint64, name []byte) (ref, entry) {
	i := h % tableShards
	s := &t.shards[i]
	place, ok := s.find(h, name)
	if !ok {
		return 0, entry{}
	}
	return ref(i<<32 | uint64(place)), s.entry(place)
}

// add makes a record of a name that has none. It says nothing of the id yet. It
// returns 0 when the shard is full, at 2 million accounts in each of 256.
func (t *table) add(h uint64, name []byte) ref {
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
	return ref(i<<32 | uint64(place))
}

// A loader adds records while nobody reads the table. There may be several: each
// has pages of its own. When all are done call index of the table: until then no
// record is found.
type loader struct {
	t     *table
	pages [tableShards]*[pageBytes]byte
	used  [tableShards]int // bytes
}

// add adds a record, with an entry that has neither a watermark nor a tombstone.
// It reports whether there is room.
func (l *loader) add(name []byte, e entry) bool {
	i := l.t.hash(name) % tableShards
	size := (nameOffset + len(name) + unitBytes - 1) / unitBytes * unitBytes
	if l.pages[i] == nil || l.used[i]+size > pageBytes {
		if !l.turn(i) {
			return false
		}
	}
	b := l.pages[i][l.used[i]:]
	l.used[i] += size
	b[lenOffset] = byte(len(name))
	putHead(b, e)
	copy(b[nameOffset:], name)
	return true
}

// turn begins a page of a shard.
func (l *loader) turn(i uint64) bool {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	s := &l.t.shards[i]
	if s.used+2*pageUnits > placeMask {
		return false
	}
	p := l.t.arena.page()
	l.pages[i], l.used[i] = p, 0
	if len(s.pages) == 0 {
		l.used[i] = unitBytes // place 0 is for none
	}
	s.pages = append(s.pages, p)
	s.used = uint32(len(s.pages)) * pageUnits
	return true
}

// index makes what was loaded findable, and counts it: all of it exists. A shard
// at a time, its slots stay near the processor, which is several times faster
// than one record at a time.
func (t *table) index() {
	var next atomic.Int32
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			counts := map[account.AppID]int64{}
			for i := next.Add(1) - 1; i < tableShards; i = next.Add(1) - 1 {
				t.shards[i].count(counts)
				t.shards[i].fit(t, int(i))
			}
			t.mu.Lock()
			defer t.mu.Unlock()
			for app, n := range counts {
				t.counts[app] += n
			}
		})
	}
	wg.Wait()
}

// put stores e under r.
func (t *table) put(r ref, e entry) { t.shards[r>>32].put(r.place(), e) }

// record returns the page from a record on.
func (s *shard) record(place uint32) []byte {
	return s.pages[place/pageUnits][place%pageUnits*unitBytes:]
}

func (s *shard) name(place uint32) []byte {
	b := s.record(place)
	return b[nameOffset : nameOffset+int(b[lenOffset])]
}

func (s *shard) entry(place uint32) entry {
	b := s.record(place)
	e := entry{internalID: binary.LittleEndian.Uint64(b) & maxID, pos: binary.LittleEndian.Uint64(b[5:]) & maxPos}
	if len(s.kicked) > 0 {
		e.kicked = s.kicked[place]
	}
	if !e.live() {
		e.deleted, e.gone = s.deleted[place]
	}
	return e
}

func (s *shard) put(place uint32, e entry) {
	putHead(s.record(place), e)
	switch {
	case e.gone:
		s.deleted = set(s.deleted, place, e.deleted)
	case len(s.deleted) > 0:
		delete(s.deleted, place)
	}
	switch {
	case e.kicked != 0:
		s.kicked = set(s.kicked, place, e.kicked)
	case len(s.kicked) > 0:
		delete(s.kicked, place)
	}
}

// putHead writes what a record has of e.
func putHead(b []byte, e entry) {
	binary.LittleEndian.PutUint64(b, e.internalID|e.pos<<40)
	binary.LittleEndian.PutUint32(b[8:], uint32(e.pos>>24)|uint32(b[lenOffset])<<24)
}

func set(m map[uint32]int64, place uint32, v int64) map[uint32]int64 {
	if m == nil {
		m = map[uint32]int64{}
	}
	m[place] = v
	return m
}

// find looks for a name in the slots.
func (s *shard) find(h uint64, name []byte) (place uint32, ok bool) {
	if len(s.slots) == 0 {
		return 0, false
	}
	mask, tag := uint64(len(s.slots)-1), slotTag(h)
	for i := slotIndex(h) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i]&^placeMask == tag {
			if place = s.slots[i] & placeMask; string(s.name(place)) == string(name) {
				return place, true
			}
		}
	}
	return 0, false
}

// The shard is in the low bits of a hash, the tag in the high ones.
func slotIndex(h uint64) uint64 { return h >> 8 }
func slotTag(h uint64) uint32   { return uint32(h>>56) << placeBits }

// insert puts a place that is not there yet into a free slot.
func (s *shard) insert(h uint64, place uint32) {
	mask := uint64(len(s.slots) - 1)
	i := slotIndex(h) & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = slotTag(h) | place
}

// add appends a record to the arena and returns its place, or 0.
func (s *shard) add(a *arena, name []byte) uint32 {
	units := uint32(nameOffset+len(name)+unitBytes-1) / unitBytes
	if s.used == 0 {
		s.used = 1 // place 0 is for none
	}
	if s.used+pageUnits > placeMask {
		return 0
	}
	if len(s.pages) == 0 || s.used%pageUnits+units > pageUnits || s.used%pageUnits == 0 {
		s.used = max(1, uint32(len(s.pages))*pageUnits)
		s.pages = append(s.pages, a.page())
	}
	place := s.used
	s.used += units
	b := s.record(place)
	b[lenOffset] = byte(len(name))
	copy(b[nameOffset:], name)
	return place
}

func (s *shard) full() bool { return s.records > len(s.slots)*3/4 }

// fit makes slots for all records and fills them from the arena.
func (s *shard) fit(t *table, i int) {
	if !s.full() {
		return
	}
	old := s.slots
	n := max(minSlots, len(old))
	for s.records > n*3/4 {
		n *= 2
	}
	s.slots = t.arena.slots(i, n)
	s.each(func(place uint32, name []byte) { s.insert(t.hash(name), place) })
	t.arena.drop(old)
}

// each calls fn for each record, in the order in which they were added.
func (s *shard) each(fn func(place uint32, name []byte)) {
	for p, page := range s.pages {
		at := 0
		if p == 0 {
			at = unitBytes
		}
		for at+nameOffset < pageBytes {
			n := int(page[at+lenOffset])
			if n == 0 {
				break // no name is empty: the rest of the page is free
			}
			fn(uint32(p*pageUnits+at/unitBytes), page[at+nameOffset:at+nameOffset+n])
			at += (nameOffset + n + unitBytes - 1) / unitBytes * unitBytes
		}
	}
}

// count counts the records, and adds to counts how many each app has.
func (s *shard) count(counts map[account.AppID]int64) {
	app, n := account.AppID(0), int64(0)
	s.records = 0
	s.each(func(_ uint32, name []byte) {
		if a := record.NameApp(name); a != app {
			counts[app] += n
			app, n = a, 0
		}
		n++
		s.records++
	})
	counts[app] += n
}

// forget clears what is known of ids of app that do not exist, where it is
// older than the position before.
func (t *table) forget(app account.AppID, before uint64) {
	for i := range t.shards {
		s := &t.shards[i]
		s.each(func(place uint32, name []byte) {
			if e := s.entry(place); record.NameApp(name) == app && !e.live() && e.pos < before {
				s.put(place, entry{})
			}
		})
	}
}

// each calls fn for each id, and then after each shard. Changes may come in
// between.
func (t *table) each(fn func(name []byte, e entry), then func()) {
	for i := range t.shards {
		t.eachOf(&t.shards[i], fn)
		then()
	}
}

func (t *table) eachOf(s *shard, fn func(name []byte, e entry)) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s.each(func(place uint32, name []byte) { fn(name, s.entry(place)) })
}

// records returns how many ids the table has, also of those it knows nothing of.
func (t *table) records() (n int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i := range t.shards {
		n += int64(t.shards[i].records)
	}
	return n
}

// count returns how many accounts of app exist.
func (t *table) count(app account.AppID) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.counts[app]
}
