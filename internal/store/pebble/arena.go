package pebble

import (
	"sync"
	"unsafe"
)

// An arena hands out memory from outside the heap. It lives as long as its
// table, so that no reader can outlive it.
type arena struct {
	mu     sync.Mutex
	slabs  [][]byte             // cut into pages
	rest   []byte               // of the last slab
	arrays map[*uint32][]uint32 // of slots, by their first
}

const slabBytes = 1 << 20

// page returns a page.
func (a *arena) page() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.rest) == 0 {
		a.rest = allocate(slabBytes)
		a.slabs = append(a.slabs, a.rest)
	}
	p := a.rest[:pageBytes:pageBytes]
	a.rest = a.rest[pageBytes:]
	return p
}

// minArray is the fewest slots that are not kept on the heap.
const minArray = 4 << 10

// slots returns n slots.
func (a *arena) slots(n int) []uint32 {
	if n < minArray {
		return make([]uint32, n)
	}
	b := allocate(4 * n)
	s := unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(b))), n)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.arrays == nil {
		a.arrays = map[*uint32][]uint32{}
	}
	a.arrays[&s[0]] = s
	return s
}

// drop takes slots back that nobody reads any more.
func (a *arena) drop(s []uint32) {
	if len(s) < minArray {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.arrays, &s[0])
	releaseSlots(s)
}

func releaseSlots(s []uint32) {
	release(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s)))
}

// free gives everything back.
func (a *arena) free() {
	for _, b := range a.slabs {
		release(b)
	}
	for _, s := range a.arrays {
		releaseSlots(s)
	}
}
