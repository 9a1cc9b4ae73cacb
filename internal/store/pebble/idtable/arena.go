package idtable

import (
	"math/bits"
	"sync"
	"unsafe"
)

// An arena allocates memory outside the heap. It lives as long as its table, so no reader
// can outlive it.
type arena struct {
	mu     sync.Mutex
	mapped [][]byte
	size   int                         // bytes allocated for pages
	rest   []byte                      // the part of the newest allocation that is still free
	slices [bits.UintSize + 1][]uint32 // slots of all shards, by the logarithm of their number
}

// The size of a mapping grows with the table. The system may use large pages for a mapping
// of megabytes, which makes random look-ups several times cheaper.
const (
	minMapped = 1 << 20
	maxMapped = 64 << 20
)

// page returns a new page.
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

// minArray is the fewest slots that are allocated outside the heap. They fill a page of
// the system, which is 64 KiB at most, so the slots of two shards never share one.
const minArray = 16 << 10

// slots returns n slots for a shard. n is a power of two, and larger than any n of that
// shard before.
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

// drop frees slots that no reader uses any more.
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

// free returns all memory to the system.
func (a *arena) free() {
	for _, b := range a.mapped {
		release(b)
	}
}
