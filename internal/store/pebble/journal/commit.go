package journal

import (
	"sort"

	"rollcall/internal/store/pebble/record"
)

// A Commit is the part of the journal that one commit has added.
type Commit struct {
	Seq     uint64 // its number, from 1
	Base    uint64 // position of its first change
	NextID  uint64 // the next InternalID to assign after it
	Data    []byte // its changes, one after the other
	Changes int    // approximate number of changes
	Load    bool   // it is a part of a load of many accounts; false after a restart
}

// End returns the first position after it.
func (c Commit) End() uint64 { return c.Base + uint64(len(c.Data)) }

// Each calls fn for each change and its position, oldest first. It returns the first error
// of fn, or [record.ErrCorrupt] if Data is malformed.
func (c Commit) Each(fn func(pos uint64, ch Change) error) error {
	for at := 0; at < len(c.Data); {
		ch, n, err := Next(c.Data[at:])
		if err != nil {
			return err
		}
		if err := fn(c.Base+uint64(at), ch); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// At returns the change at pos. cs must be in order, and one of them must contain pos. Its
// only error is [record.ErrCorrupt].
func At(cs []Commit, pos uint64) (Change, error) {
	i := sort.Search(len(cs), func(i int) bool { return cs[i].End() > pos })
	if i == len(cs) || cs[i].Base > pos {
		return Change{}, record.ErrCorrupt
	}
	c, _, err := Next(cs[i].Data[pos-cs[i].Base:])
	return c, err
}
