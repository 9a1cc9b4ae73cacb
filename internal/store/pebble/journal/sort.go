package journal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"rollcall/internal/store/pebble/record"
)

// An Item is a change of the journal that is to be put in order. It is small,
// because sorting moves it around, and holds enough of the name to spare most looks at
// the change, which is anywhere in memory.
type Item struct {
	order  uint64 // the eight bytes of the name after what all names share
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

// name returns the name of the change without reading the rest of it.
func (it Item) name(cs []Commit) []byte {
	b := cs[it.commit].Data[it.offset+1:]
	n, width := binary.Uvarint(b)
	return b[width : width+int(n)]
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

// NewestItems sorts items by name, and keeps the newest of each. It reuses the memory
// of items.
func NewestItems(cs []Commit, items []Item) []Item {
	items = sortItems(cs, items)
	kept := items[:0]
	var last Item
	for i, it := range items {
		if i > 0 && it.order == last.order && bytes.Equal(it.name(cs), last.name(cs)) {
			continue
		}
		last = it
		kept = append(kept, it)
	}
	return kept
}

// sortItems sorts items by name, and the newest first for each name. It returns items
// or a slice that it made for the sort.
func sortItems(cs []Commit, items []Item) []Item {
	setOrders(cs, items)
	items = radixSort(items)
	for start := 0; start < len(items); {
		end := start + 1
		for end < len(items) && items[end].order == items[start].order {
			end++
		}
		if end-start > 1 {
			slices.SortFunc(items[start:end], func(a, b Item) int {
				if c := bytes.Compare(a.name(cs), b.name(cs)); c != 0 {
					return c
				}
				return newer(a, b)
			})
		}
		start = end
	}
	return items
}

// newer orders items of the same name, the newest first.
func newer(a, b Item) int {
	return cmp.Or(cmp.Compare(b.commit, a.commit), cmp.Compare(b.offset, a.offset))
}

// setOrders sets the order of each item: what all names share is left out, and the
// eight bytes behind it, as a number, tell names apart nearly always.
func setOrders(cs []Commit, items []Item) {
	if len(items) == 0 {
		return
	}
	first := items[0].name(cs)
	shared := len(first)
	for _, it := range items {
		shared = record.SharedPrefix(first[:shared], it.name(cs))
	}
	for i := range items {
		var b [8]byte
		copy(b[:], items[i].name(cs)[shared:])
		items[i].order = binary.BigEndian.Uint64(b[:])
	}
}

// digitBits is how many bits a pass of radixSort looks at: its counters stay in the
// processor's first cache.
const digitBits = 11

// radixSort sorts items by their order alone. It takes no pass over bits that are the
// same in all of them. It returns items or a slice of the same size that it made.
func radixSort(items []Item) []Item {
	var vary uint64
	for i := range items {
		vary |= items[i].order ^ items[0].order
	}
	var spare []Item
	for vary != 0 {
		shift := bits.TrailingZeros64(vary)
		if spare == nil {
			spare = make([]Item, len(items))
		}
		sortDigit(spare, items, shift)
		items, spare = spare, items
		vary = vary >> shift >> digitBits << shift << digitBits
	}
	return items
}

// sortDigit copies items to sorted by digitBits bits of their order, from shift on, and
// leaves items in their order where those are the same.
func sortDigit(sorted, items []Item, shift int) {
	const mask = 1<<digitBits - 1
	var at [mask + 1]uint32
	for i := range items {
		at[items[i].order>>shift&mask]++
	}
	sum := uint32(0)
	for i, n := range at {
		at[i] = sum
		sum += n
	}
	for i := range items {
		digit := items[i].order >> shift & mask
		sorted[at[digit]] = items[i]
		at[digit]++
	}
}
