package journal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"rollcall/internal/store/pebble/record"
)

// An Item refers to a change that is to be sorted. It is small, because sorting moves it.
// It contains enough of the name to avoid most reads of the change, which may be anywhere
// in memory.
type Item struct {
	order  uint64 // the eight bytes of the name after what all names share
	commit uint32 // index
	offset uint32 // in the commit
}

// NewItem returns the item of the change at pos of c, where c is the commit at index.
func NewItem(index int, c Commit, pos uint64) Item {
	return Item{commit: uint32(index), offset: uint32(pos - c.Base)}
}

// In returns the change of the item. cs are the commits that the item was created from,
// which [Commit.Each] has read without an error.
func (it Item) In(cs []Commit) Change {
	c, _, _ := Next(cs[it.commit].Data[it.offset:])
	return c
}

// name returns the name of the change, without decoding the rest.
func (it Item) name(cs []Commit) []byte {
	b := cs[it.commit].Data[it.offset+1:]
	n, width := binary.Uvarint(b)
	return b[width : width+int(n)]
}

// EachChange calls fn with the change of each item until fn returns an error, and returns
// that error. It touches the changes of many items before it decodes them. They are
// anywhere in memory, and the processor then loads many of them at once instead of one by
// one.
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

// touch reads a byte in each cache line of a short change. It returns their sum, so that
// the compiler cannot remove the reads.
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

// Newest returns the newest change of each ID in cs, sorted by name, and whether there is
// a purge. Its only error is [record.ErrCorrupt].
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

// NewestItems sorts items by name and keeps the newest of each name. It reuses the memory
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

// sortItems sorts items by name, and items of the same name from the newest to the oldest.
// It returns items or a new slice.
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

// newer compares items of the same name. The newer one comes first.
func newer(a, b Item) int {
	return cmp.Or(cmp.Compare(b.commit, a.commit), cmp.Compare(b.offset, a.offset))
}

// setOrders sets the order of each item: the eight bytes after the prefix that all names
// share, as a number. These bytes differ for nearly all names.
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

// digitBits is the number of bits that a pass of radixSort sorts by. The counters of a
// pass fit into the first-level cache of the processor.
const digitBits = 11

// radixSort sorts items by their order only. It skips bits that are the same in all items.
// It returns items or a new slice of the same size.
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

// sortDigit copies items to sorted, ordered by digitBits bits of their order from shift
// on. The sort is stable.
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
