package pebble

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"rollcall/internal/account"
)

// An item is a change of the journal that is to be put in order. It is small,
// because sorting moves it around, and says enough to spare most looks at the
// change, which is anywhere in memory.
type item struct {
	order  uint64 // the bytes of the name after what all names share
	commit uint32 // index
	offset uint32 // in the commit, times 2; + 1 if it concerns a tombstone
}

func newItem(index int, c commit, pos uint64, ch change) item {
	it := item{commit: uint32(index), offset: uint32(pos-c.base) << 1}
	if ch.kind == deleteKind || ch.again {
		it.offset++
	}
	return it
}

// tombstone reports whether the change leaves or lifts a tombstone.
func (it item) tombstone() bool { return it.offset&1 != 0 }

// in returns the change in cs, which were read before without an error.
func (it item) in(cs []commit) change {
	c, _, _ := nextChange(cs[it.commit].data[it.offset>>1:])
	return c
}

// newer orders items of the same name, the newest first.
func newer(a, b item) int {
	return cmp.Or(cmp.Compare(b.commit, a.commit), cmp.Compare(b.offset, a.offset))
}

// newestOf returns the newest change of each id in cs, by name, and the position
// of the newest purge of each app. Before a purge all accounts of the app were
// deleted: what older changes say of tombstones does not hold any more.
func newestOf(cs []commit) (items []item, purges map[account.AppID]uint64, err error) {
	n := 0
	for _, c := range cs {
		n += c.changes
	}
	items = make([]item, 0, n)
	purges = map[account.AppID]uint64{}
	for i, c := range cs {
		err = c.each(func(pos uint64, ch change) error {
			if ch.kind == purgeKind {
				purges[nameApp(ch.name)] = pos
			} else {
				items = append(items, newItem(i, c, pos, ch))
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	sortItems(cs, items)
	return newestItems(cs, items), purges, nil
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
		shared = sharedPrefix(first[:shared], it.in(cs).name)
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

// sharedPrefix returns for how many bytes a and b are the same.
func sharedPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
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

// purged reports whether the tombstones that it concerns were forgotten later.
func (it item) purged(cs []commit, purges map[account.AppID]uint64) bool {
	return len(purges) > 0 && purges[nameApp(it.in(cs).name)] > cs[it.commit].base+uint64(it.offset>>1)
}
