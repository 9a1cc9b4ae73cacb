package records

import (
	"hash/maphash"
	"sync"

	"rollcall/internal/account"
)

// A presenceShard keeps the entries of some accounts. It has no pointers to them, so the
// garbage collector does not look at millions of entries again and again.
type presenceShard struct {
	mu     sync.RWMutex // protects everything below
	index  map[presenceHash]span
	data   []byte // packed entries
	unused int    // bytes of data in no span

	online, devices int // devices of all entries: those that are online, and all
}

// A presenceHash names an account in the memory of login sessions. It is a hash of 128 bits
// with secret seeds, so no two accounts have the same one in all probability.
type presenceHash [2]uint64

// A span is a part of the data of a shard.
type span struct{ at, size uint32 }

// place returns the shard and the key of an account.
func (m *presenceMemory) place(app account.AppID, user account.UserID) (*presenceShard, presenceHash) {
	id := presenceID{app, user}
	k := presenceHash{maphash.Comparable(m.seeds[0], id), maphash.Comparable(m.seeds[1], id)}
	return &m.shards[k[0]%presenceShards], k
}

// get returns the entry of an account.
func (s *presenceShard) get(k presenceHash) (e presenceEntry, ok bool) {
	s.mu.RLock()
	packed := string(s.packed(k))
	s.mu.RUnlock()
	if packed == "" {
		return presenceEntry{version: account.AnyVersion}, false
	}
	return unpackEntry(packed), true
}

// packed returns the packed entry of an account, or nil. The caller holds mu.
func (s *presenceShard) packed(k presenceHash) []byte {
	sp := s.index[k]
	return s.data[sp.at : sp.at+sp.size]
}

// put replaces the entry of an account. It reports whether the account was online.
func (s *presenceShard) put(k presenceHash, e presenceEntry) (was bool) {
	var buf [256]byte
	packed := e.appendTo(buf[:0])
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.index[k]
	was = s.count(s.data[old.at:old.at+old.size], -1)
	s.count(packed, 1)
	if int(old.size) == len(packed) {
		copy(s.data[old.at:], packed)
		return was
	}
	s.unused += int(old.size)
	s.index[k] = span{uint32(len(s.data)), uint32(len(packed))}
	s.data = append(s.data, packed...)
	s.compact()
	return was
}

// drop removes the entry of an account. It reports whether the account was online.
func (s *presenceShard) drop(k presenceHash) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was = s.count(s.packed(k), -1)
	s.unused += int(s.index[k].size)
	delete(s.index, k)
	s.compact()
	return was
}

// count adds the devices of an entry to those of s, or takes them away. It reports whether one
// of them is online. The caller holds mu.
func (s *presenceShard) count(packed []byte, sign int) (online bool) {
	n, all := packedDevices(packed)
	s.online, s.devices = s.online+sign*n, s.devices+sign*all
	return n > 0
}

// leastCompact is the number of unused bytes from which on a shard is compacted.
const leastCompact = 4096

// compact copies the entries if half of the data is unused. The caller holds mu.
func (s *presenceShard) compact() {
	if s.unused < max(leastCompact, len(s.data)/2) {
		return
	}
	data := make([]byte, 0, len(s.data)-s.unused)
	for k, sp := range s.index {
		s.index[k] = span{uint32(len(data)), sp.size}
		data = append(data, s.data[sp.at:sp.at+sp.size]...)
	}
	s.data, s.unused = data, 0
}
