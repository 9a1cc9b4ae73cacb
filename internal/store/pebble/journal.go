package pebble

import (
	"encoding/binary"
	"sort"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// The journal is what Pebble holds in the order in which it was committed: one
// value for each commit, the changes of all its calls. The newest of it is in
// memory too (view.go). A background step folds it into the spaces of accounts
// and of deleted ids, sorted, many commits at a time, and drops it (fold.go).
//
// A change is
//
//	byte     kind, + again if the id had a tombstone
//	uvarint  length of the name
//	name     of the account (record); of a purge, BE4(app) alone
//	uvarint  length of the value
//	value    an account, operands, what is left (record), or nothing
//
// Changes are numbered by their position: the number of bytes that the journal
// has had before, since the store was opened, plus one. Of several changes of
// an id the newest holds all that the older ones said, back to the last fold.
const (
	setKind    = 1 // the account as a whole
	mergeKind  = 2 // operands for the account that was folded before
	deleteKind = 3 // the account is deleted
	purgeKind  = 4 // the deleted ids of an app are forgotten

	again = 0x80 // the folded state may hold a tombstone of the id

	changeBytes = 1 + 2 + binary.MaxVarintLen32 // of a change besides its name and value, at most
)

// A change is one record of the journal. Its slices are the journal's own.
type change struct {
	kind  byte
	again bool
	name  []byte
	value []byte
}

// appendChange appends c and returns where its value begins.
func appendChange(b []byte, c change) (out []byte, value int) {
	kind := c.kind
	if c.again {
		kind |= again
	}
	b = binary.AppendUvarint(append(b, kind), uint64(len(c.name)))
	b = append(b, c.name...)
	b = binary.AppendUvarint(b, uint64(len(c.value)))
	return append(b, c.value...), len(b)
}

// nextChange reads the change that b begins with, and returns its length.
func nextChange(b []byte) (c change, n int, err error) {
	if len(b) == 0 {
		return c, 0, record.ErrCorrupt
	}
	c.kind, c.again = b[0]&^again, b[0]&again != 0
	n = 1
	for _, part := range []*[]byte{&c.name, &c.value} {
		size, width := binary.Uvarint(b[n:])
		n += width
		if width <= 0 || size > uint64(len(b)-n) {
			return c, 0, record.ErrCorrupt
		}
		*part = b[n : n+int(size)]
		n += int(size)
	}
	if !c.valid() {
		return c, 0, record.ErrCorrupt
	}
	return c, n, nil
}

func (c change) valid() bool {
	if c.kind == purgeKind {
		return len(c.name) == 4
	}
	return c.kind >= setKind && c.kind <= deleteKind && len(c.name) >= record.MinName
}

// A commit is what one commit has added to the journal.
type commit struct {
	seq    uint64 // of its key
	base   uint64 // position of its first change
	nextID uint64 // the next InternalID to give after it
	data   []byte

	changes int // about how many there are
}

func (c commit) end() uint64 { return c.base + uint64(len(c.data)) }

// each calls fn for each change and its position, oldest first.
func (c commit) each(fn func(pos uint64, ch change) error) error {
	for at := 0; at < len(c.data); {
		ch, n, err := nextChange(c.data[at:])
		if err != nil {
			return err
		}
		if err := fn(c.base+uint64(at), ch); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// changeAt returns the change at pos, which one of cs holds.
func changeAt(cs []commit, pos uint64) (change, error) {
	i := sort.Search(len(cs), func(i int) bool { return cs[i].end() > pos })
	if i == len(cs) || cs[i].base > pos {
		return change{}, record.ErrCorrupt
	}
	c, _, err := nextChange(cs[i].data[pos-cs[i].base:])
	return c, err
}

// account returns the account that c and base, the folded state, make; base is
// asked only if c does not say all. InternalID is 0 if there is none.
func (c change) account(base func() ([]byte, error)) (account.Account, error) {
	value := c.value
	switch c.kind {
	case setKind:
	case mergeKind:
		folded, err := base()
		if err != nil {
			return account.Account{}, err
		}
		if value, err = record.Apply(nil, folded, c.value); err != nil {
			return account.Account{}, err
		}
	default:
		return account.Account{ID: record.NameID(c.name)}, nil
	}
	return record.DecodeAccount(record.NameID(c.name), value)
}
