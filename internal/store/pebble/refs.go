package pebble

import "rollcall/internal/store/pebble/idtable"

// A refIndex finds the place of a record in a list. It is emptied at no cost. A map that
// was once large costs as much as its size each time that it is cleared.
type refIndex struct {
	slots []refSlot // a power of two; at most half of them are used
	used  int
	round uint32 // slots of other rounds are free
}

type refSlot struct {
	ref   idtable.Ref
	round uint32
	place uint32
}

const minRefSlots = 256

// reset empties x.
func (x *refIndex) reset() {
	x.used = 0
	if x.round++; x.round == 0 || x.slots == nil {
		x.slots, x.round = make([]refSlot, max(minRefSlots, len(x.slots))), 1
	}
}

// find returns the place of r, and false if x does not contain r.
func (x *refIndex) find(r idtable.Ref) (place int, ok bool) {
	s := x.slot(r)
	return int(s.place), s.round == x.round
}

// add adds r, which x does not contain.
func (x *refIndex) add(r idtable.Ref, place int) {
	if x.used++; x.used > len(x.slots)/2 {
		x.grow()
	}
	*x.slot(r) = refSlot{ref: r, round: x.round, place: uint32(place)}
}

// slot returns the slot of r, or the free slot for it.
func (x *refIndex) slot(r idtable.Ref) *refSlot {
	const golden = 0x9e3779b97f4a7c15 // spreads the bits of r
	mask := uint64(len(x.slots) - 1)
	for i := uint64(r) * golden >> 32; ; i++ {
		if s := &x.slots[i&mask]; s.round != x.round || s.ref == r {
			return s
		}
	}
}

func (x *refIndex) grow() {
	old := x.slots
	x.slots = make([]refSlot, 2*len(old))
	for i := range old {
		if old[i].round == x.round {
			*x.slot(old[i].ref) = old[i]
		}
	}
}
