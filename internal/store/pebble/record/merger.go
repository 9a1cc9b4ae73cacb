package record

import (
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// Merger merges an account and its operands in Pebble. Its name is part of the stored
// data.
var Merger = &pebble.Merger{
	Name: "rollcall.account",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		return &merging{newest: append([]byte(nil), value...)}, nil
	},
}

// A merging collects the values of one key, in both directions of time.
type merging struct {
	older  [][]byte // values older than newest, from newer to older
	newest []byte   // the first value and all newer ones
}

// MergeNewer implements [pebble.ValueMerger].
func (m *merging) MergeNewer(value []byte) error {
	m.newest = append(m.newest, value...)
	return nil
}

// MergeOlder implements [pebble.ValueMerger].
func (m *merging) MergeOlder(value []byte) error {
	m.older = append(m.older, append([]byte(nil), value...))
	return nil
}

// Finish implements [pebble.ValueMerger].
func (m *merging) Finish(bool) ([]byte, io.Closer, error) {
	var all []byte
	for i := len(m.older) - 1; i >= 0; i-- {
		all = append(all, m.older[i]...)
	}
	all = append(all, m.newest...)
	if !isAccount(all) { // the account is at a lower level
		return all, nil, nil
	}
	base, operands, err := splitAccount(all)
	if err != nil {
		return nil, nil, err
	}
	value, err := Apply(nil, base, operands)
	return value, nil, err
}

// splitAccount splits a value that begins with an account into the account and its
// operands.
func splitAccount(value []byte) (base, operands []byte, err error) {
	r := peek(value)
	r.head()
	r.Text()
	r.Text()
	r.fields()
	if r.bad {
		return nil, nil, ErrCorrupt
	}
	n := len(value) - len(r.rest)
	return value[:n], value[n:], nil
}
