package journal

import (
	"encoding/binary"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// A Kind is the kind of a change. The numbers are part of the stored data.
type Kind byte

// The kinds of changes.
const (
	Set    Kind = 1 // the account as a whole
	Merge  Kind = 2 // operands for an account that is flushed
	Delete Kind = 3 // the account is deleted
	Purge  Kind = 4 // removes what is known of the deleted IDs of an app
)

// again is a flag in the stored kind: the index may contain the ID already.
const again = 0x80

// Overhead is the largest size of a change in bytes, without its name and value.
const Overhead = 1 + 2 + binary.MaxVarintLen32

// A Change is one change in the journal. Its slices share the journal's memory.
type Change struct {
	Kind  Kind
	Again bool   // the index may contain the ID already: it was deleted before
	Name  []byte // of the account, see [record.AppendName]
	Value []byte // depends on the kind
}

// Append appends c to b. value is the offset of its value in out.
func Append(b []byte, c *Change) (out []byte, value int) {
	k := byte(c.Kind)
	if c.Again {
		k |= again
	}
	b = binary.AppendUvarint(append(b, k), uint64(len(c.Name)))
	b = append(b, c.Name...)
	b = binary.AppendUvarint(b, uint64(len(c.Value)))
	return append(b, c.Value...), len(b)
}

// Next decodes the change at the start of b and returns its length n. Its only error is
// [record.ErrCorrupt].
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

// Account returns the account after c. base returns the flushed account; it is called only
// if c does not contain the whole account. The InternalID is 0 if the account does not
// exist. Account returns an error of base, or [record.ErrCorrupt].
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
