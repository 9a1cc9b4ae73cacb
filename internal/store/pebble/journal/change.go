package journal

import (
	"encoding/binary"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// A Kind is what a change does. Its numbers are in the stored data.
type Kind byte

// The kinds of changes.
const (
	Set    Kind = 1 // the account as a whole
	Merge  Kind = 2 // operands for the account that was flushed before
	Delete Kind = 3 // the account is deleted
	Purge  Kind = 4 // the deleted ids of an app are forgotten
)

// again is added to a kind if the index may name the id already.
const again = 0x80

// Overhead is how many bytes a change takes at most, besides its name and value.
const Overhead = 1 + 2 + binary.MaxVarintLen32

// A Change is one record of the journal. Its slices are the journal's own.
type Change struct {
	Kind  Kind
	Again bool   // the index may name the id already: it was deleted before
	Name  []byte // of the account, see [record.AppendName]
	Value []byte // by its kind
}

// Append appends c, and returns where its value begins in out.
func Append(b []byte, c Change) (out []byte, value int) {
	k := byte(c.Kind)
	if c.Again {
		k |= again
	}
	b = binary.AppendUvarint(append(b, k), uint64(len(c.Name)))
	b = append(b, c.Name...)
	b = binary.AppendUvarint(b, uint64(len(c.Value)))
	return append(b, c.Value...), len(b)
}

// Next reads the change that b begins with, and returns its length. Its only error
// is [record.ErrCorrupt].
func Next(b []byte) (c Change, n int, err error) {
	if len(b) == 0 {
		return c, 0, record.ErrCorrupt
	}
	c.Kind, c.Again = Kind(b[0]&^again), b[0]&again != 0
	n = 1
	for _, part := range []*[]byte{&c.Name, &c.Value} {
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

func (c Change) valid() bool {
	if c.Kind == Purge {
		return len(c.Name) == 4
	}
	return c.Kind >= Set && c.Kind <= Delete && len(c.Name) >= record.MinName
}

// Account returns the account that c and base, its flushed state, make; base is
// asked only if c does not say all. InternalID is 0 if there is none. It returns an
// error of base, or [record.ErrCorrupt].
func (c Change) Account(base func() ([]byte, error)) (account.Account, error) {
	value := c.Value
	switch c.Kind {
	case Set:
	case Merge:
		flushed, err := base()
		if err != nil {
			return account.Account{}, err
		}
		if value, err = record.Apply(nil, flushed, c.Value); err != nil {
			return account.Account{}, err
		}
	default:
		return account.Account{ID: record.NameID(c.Name)}, nil
	}
	return record.DecodeAccount(record.NameID(c.Name), value)
}
