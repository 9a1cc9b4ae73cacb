package idtable

import (
	"math/bits"
	"sync"
	"unsafe"
)

// An arena hands out memory from outside the heap. It lives as long as its
// table, so that no reader can outlive it.
type arena struct {
	mu     sync.Mutex
	mapped [][]byte
	size   int                         // of all that was cut into pages
	rest   []byte                      // of the last of it
	slices [bits.UintSize + 1][]uint32 // slots of all shards, by the logarithm of their number
}

// Memory is mapped in larger and larger steps. What is mapped at once in
// megabytes may lie in large pages, which makes look-ups at random several times
// cheaper.
const (
	minMapped = 1 << 20
	maxMapped = 64 << 20
)

// page returns a page.
func (a *arena) page() *[pageBytes]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.rest) == 0 {
		a.rest = a.allocate(min(max(minMapped, 1<<bits.Len(uint(a.size)/8)), maxMapped))
		a.size += len(a.rest)
	}
	p := (*[pageBytes]byte)(a.rest)
	a.rest = a.rest[pageBytes:]
	return p
}

// minArray is the fewest slots that are not kept on the heap. They fill a page of
// the system, which has 64 KiB at most: no shard's slots share one.
const minArray = 16 << 10

// slots returns n slots, a power of two, for a shard that has not had as many.
func (a *arena) slots(shard, n int) []uint32 {
	if n < minArray {
		return make([]uint32, n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	all := &a.slices[bits.Len(uint(n))]
	if *all == nil {
		b := a.allocate(4 * n * tableShards)
		*all = unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
	}
	return (*all)[shard*n : (shard+1)*n : (shard+1)*n]
}

// drop takes slots back that nobody reads any more.
func (a *arena) drop(s []uint32) {
	if len(s) >= minArray {
		forget(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s)))
	}
}

func (a *arena) allocate(n int) []byte {
	b := allocate(n)
	a.mapped = append(a.mapped, b)
	return b
}

// free gives everything back.
func (a *arena) free() {
	for _, b := range a.mapped {
		release(b)
	}
}
