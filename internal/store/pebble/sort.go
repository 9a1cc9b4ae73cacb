package pebble

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"rollcall/internal/store/pebble/record"
)

// An item is a change of the journal that is to be put in order. It is small,
// because sorting moves it around, and says enough to spare most looks at the
// change, which is anywhere in memory.
type item struct {
	order  uint64 // the bytes of the name after what all names share
	commit uint32 // index
	offset uint32 // in the commit
}

func newItem(index int, c commit, pos uint64) item {
	return item{commit: uint32(index), offset: uint32(pos - c.base)}
}

// in returns the change in cs, which were read before without an error.
func (it item) in(cs []commit) change {
	c, _, _ := nextChange(cs[it.commit].data[it.offset:])
	return c
}

// eachChange calls fn with the change of each item. It touches those of many
// items first, because they are anywhere in memory, and then waits for all of
// them at once rather than for one after the other.
func eachChange(cs []commit, items []item, fn func(change) error) error {
	const most = 64
	for part := range slices.Chunk(items, most) {
		touch(cs, part)
		for _, it := range part {
			if err := fn(it.in(cs)); err != nil {
				return err
			}
		}
	}
	return nil
}

// touch reads a byte in each line of memory that a short change has. It returns
// nothing of use, so that nothing is left out.
//
//go:noinline
func touch(cs []commit, items []item) (sum byte) {
	const line = 64
	for _, it := range items {
		data := cs[it.commit].data[it.offset:]
		sum += data[0] + data[min(line, len(data)-1)] + data[min(2*line, len(data)-1)]
	}
	return sum
}

// newer orders items of the same name, the newest first.
func newer(a, b item) int {
	return cmp.Or(cmp.Compare(b.commit, a.commit), cmp.Compare(b.offset, a.offset))
}

// newestOf returns the newest change of each id in cs, by name, and whether
// there is a purge.
func newestOf(cs []commit) (items []item, purged bool, err error) {
	n := 0
	for _, c := range cs {
		n += c.changes
	}
	items = make([]item, 0, n)
	for i, c := range cs {
		err = c.each(func(pos uint64, ch change) error {
			if ch.kind == purgeKind {
				purged = true
			} else {
				items = append(items, newItem(i, c, pos))
			}
			return nil
		})
		if err != nil {
			return nil, false, err
		}
	}
	sortItems(cs, items)
	return newestItems(cs, items), purged, nil
}

// sortItems sorts by name, and the newest first for each. What all names share
// is left out of the comparison, and the eight bytes behind it are compared as
// a number, which decides nearly always.
func sortItems(cs []commit, items []item) {
	if len(items) == 0 {
		return
	}
	first := items[0].in(cs).name
	shared := len(first)
	for _, it := range items {
		shared = record.SharedPrefix(first[:shared], it.in(cs).name)
	}
	for i := range items {
		var b [8]byte
		copy(b[:], items[i].in(cs).name[shared:])
		items[i].order = binary.BigEndian.Uint64(b[:])
	}
	slices.SortFunc(items, func(a, b item) int {
		if a.order != b.order {
			return cmp.Compare(a.order, b.order)
		}
		if c := bytes.Compare(a.in(cs).name, b.in(cs).name); c != 0 {
			return c
		}
		return newer(a, b)
	})
}

// newestItems keeps the first item of each name.
func newestItems(cs []commit, items []item) []item {
	kept := items[:0]
	var last item
	for i, it := range items {
		if i > 0 && it.order == last.order && bytes.Equal(it.in(cs).name, last.in(cs).name) {
			continue
		}
		last = it
		kept = append(kept, it)
	}
	return kept
}
