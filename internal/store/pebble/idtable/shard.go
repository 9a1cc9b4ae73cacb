package idtable

import (
	"encoding/binary"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// A shard is a hash table with open addressing over records in an arena.
//
// A slot is 0, or it has the place of a record in its lower 24 bits and a part of the
// hash in its upper 8. That part avoids most reads of records with another name. A
// place is an offset in units from the start of the arena. No record is at place 0.
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
)

// record returns the bytes of the page from the record at place on.
func (s *shard) record(place uint32) []byte {
	return s.pages[place/pageUnits][place%pageUnits*unitBytes:]
}

func (s *shard) name(place uint32) []byte {
	b := s.record(place)
	return b[nameOffset : nameOffset+int(b[lenOffset])]
}

func (s *shard) entry(place uint32) Entry {
	b := s.record(place)
	e := Entry{InternalID: binary.LittleEndian.Uint64(b) & MaxID, Pos: binary.LittleEndian.Uint64(b[5:]) & MaxPos}
	if len(s.kicked) > 0 {
		e.Kicked = s.kicked[place]
	}
	if !e.Live() {
		e.Deleted, e.Gone = s.deleted[place]
	}
	return e
}

func (s *shard) put(place uint32, e Entry) {
	putHead(s.record(place), e)
	switch {
	case e.Gone:
		s.deleted = set(s.deleted, place, e.Deleted)
	case len(s.deleted) > 0:
		delete(s.deleted, place)
	}
	switch {
	case e.Kicked != 0:
		s.kicked = set(s.kicked, place, e.Kicked)
	case len(s.kicked) > 0:
		delete(s.kicked, place)
	}
}

// putHead writes the InternalID and the position of e into a record.
func putHead(b []byte, e Entry) {
	binary.LittleEndian.PutUint64(b, e.InternalID|e.Pos<<40)
	binary.LittleEndian.PutUint32(b[8:], uint32(e.Pos>>24)|uint32(b[lenOffset])<<24)
}

func set(m map[uint32]int64, place uint32, v int64) map[uint32]int64 {
	if m == nil {
		m = map[uint32]int64{}
	}
	m[place] = v
	return m
}

// first returns the place that find reads first, which is nearly always the right one, or 0.
func (s *shard) first(h uint64) uint32 {
	if len(s.slots) == 0 {
		return 0
	}
	mask, tag := uint64(len(s.slots)-1), slotTag(h)
	for i := slotIndex(h) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i]&^placeMask == tag {
			return s.slots[i] & placeMask
		}
	}
	return 0
}

// find looks a name up in the slots.
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

// The low bits of a hash select the shard, and the high bits are the tag.
func slotIndex(h uint64) uint64 { return h >> 8 }
func slotTag(h uint64) uint32   { return uint32(h>>56) << placeBits }

// insert stores a new place in a free slot.
func (s *shard) insert(h uint64, place uint32) {
	mask := uint64(len(s.slots) - 1)
	i := slotIndex(h) & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = slotTag(h) | place
}

// add appends a record to the arena and returns its place. It returns 0 if the shard is
// full.
func (s *shard) add(a *arena, name []byte) uint32 {
	units := uint32(nameOffset+len(name)+unitBytes-1) / unitBytes
	if s.used == 0 {
		s.used = 1 // place 0 means no record
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

// fit allocates slots for all records, if there are too few, and fills them from the
// arena.
func (s *shard) fit(t *Table, i int) {
	if !s.full() {
		return
	}
	old := s.slots
	n := max(minSlots, len(old))
	for s.records > n*3/4 {
		n *= 2
	}
	s.slots = t.arena.slots(i, n)
	s.each(0, len(s.pages), func(place uint32, name []byte) { s.insert(t.Hash(name), place) })
	t.arena.drop(old)
}

// each calls fn for each record in the pages from from to before to.
func (s *shard) each(from, to int, fn func(place uint32, name []byte)) {
	for p := from; p < to; p++ {
		page, at := s.pages[p], 0
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

// count sets the number of records, and adds the number of records of each app to counts.
func (s *shard) count(counts map[account.AppID]int64) {
	app, n := account.AppID(0), int64(0)
	s.records = 0
	s.each(0, len(s.pages), func(_ uint32, name []byte) {
		if a := record.NameApp(name); a != app {
			counts[app] += n
			app, n = a, 0
		}
		n++
		s.records++
	})
	counts[app] += n
}
