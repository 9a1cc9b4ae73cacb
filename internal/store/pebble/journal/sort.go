package journal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"rollcall/internal/store/pebble/record"
)

// An Item is a change of the journal that is to be put in order. It is small,
// because sorting moves it around, and says enough to spare most looks at the
// change, which is anywhere in memory.
type Item struct {
	order  uint64 // the bytes of the name after what all names share
	commit uint32 // index
	offset uint32 // in the commit
}

// NewItem returns the item of the change at pos of c, which is the commit of that
// index.
func NewItem(index int, c Commit, pos uint64) Item {
	return Item{commit: uint32(index), offset: uint32(pos - c.Base)}
}

// In returns the change, which is in one of cs. They were read before without an
// error, see [Commit.Each].
func (it Item) In(cs []Commit) Change {
	c, _, _ := Next(cs[it.commit].Data[it.offset:])
	return c
}

// EachChange calls fn with the change of each item, until fn returns an error, and
// returns that. It touches the changes of many items first, because they are
// anywhere in memory, and then waits for all of them at once rather than for one
// after the other.
func EachChange(cs []Commit, items []Item, fn func(Change) error) error {
	const most = 64
	for part := range slices.Chunk(items, most) {
		touch(cs, part)
		for _, it := range part {
			if err := fn(it.In(cs)); err != nil {
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
func touch(cs []Commit, items []Item) (sum byte) {
	const line = 64
	for _, it := range items {
		data := cs[it.commit].Data[it.offset:]
		sum += data[0] + data[min(line, len(data)-1)] + data[min(2*line, len(data)-1)]
	}
	return sum
}

// newer orders items of the same name, the newest first.
func newer(a, b Item) int {
	return cmp.Or(cmp.Compare(b.commit, a.commit), cmp.Compare(b.offset, a.offset))
}

// Newest returns the newest change of each id in cs, by name, and whether there is a
// purge. Its only error is [record.ErrCorrupt].
func Newest(cs []Commit) (items []Item, purged bool, err error) {
	n := 0
	for _, c := range cs {
		n += c.Changes
	}
	items = make([]Item, 0, n)
	for i, c := range cs {
		err = c.Each(func(pos uint64, ch Change) error {
			if ch.Kind == Purge {
				purged = true
			} else {
				items = append(items, NewItem(i, c, pos))
			}
			return nil
		})
		if err != nil {
			return nil, false, err
		}
	}
	return NewestItems(cs, items), purged, nil
}

// sortItems sorts by name, and the newest first for each. What all names share
// is left out of the comparison, and the eight bytes behind it are compared as
// a number, which decides nearly always.
func sortItems(cs []Commit, items []Item) {
	if len(items) == 0 {
		return
	}
	first := items[0].In(cs).Name
	shared := len(first)
	for _, it := range items {
		shared = record.SharedPrefix(first[:shared], it.In(cs).Name)
	}
	for i := range items {
		var b [8]byte
		copy(b[:], items[i].In(cs).Name[shared:])
		items[i].order = binary.BigEndian.Uint64(b[:])
	}
	slices.SortFunc(items, func(a, b Item) int {
		if a.order != b.order {
			return cmp.Compare(a.order, b.order)
		}
		if c := bytes.Compare(a.In(cs).Name, b.In(cs).Name); c != 0 {
			return c
		}
		return newer(a, b)
	})
}

// NewestItems sorts items by name, and keeps the newest of each, in place.
func NewestItems(cs []Commit, items []Item) []Item {
	sortItems(cs, items)
	kept := items[:0]
	var last Item
	for i, it := range items {
		if i > 0 && it.order == last.order && bytes.Equal(it.In(cs).Name, last.In(cs).Name) {
			continue
		}
		last = it
		kept = append(kept, it)
	}
	return kept
}
