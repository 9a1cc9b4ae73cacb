package catalog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// A key in Pebble is recordPrefix, one byte with the kind, and the key of the record.
const (
	recordPrefix = "r/"
	keyOffset    = len(recordPrefix) + 1
	versionBytes = 8 // length of the version, which precedes the value
)

// commitsKey is the key of the number of the newest commit.
var commitsKey = []byte("m/commits")

// recordKey returns the key in Pebble of a record. For a prefix of keys of records it
// returns the prefix of their keys in Pebble.
func recordKey(kind account.Kind, key string) []byte {
	return append(append([]byte(recordPrefix), byte(kind)), key...)
}

// Get returns a record. The error has Code NoRecord if there is none.
func Get(db pebble.Reader, kind account.Kind, key string) (account.Record, error) {
	value, err := record.Stored(db, recordKey(kind, key))
	if errors.Is(err, pebble.ErrNotFound) {
		return account.Record{}, &account.Error{Code: account.NoRecord}
	}
	if err != nil {
		return account.Record{}, err
	}
	return decode(key, value)
}

// decode decodes a stored record, which shares the memory of value.
func decode(key string, value []byte) (account.Record, error) {
	if len(value) < versionBytes {
		return account.Record{}, record.ErrCorrupt
	}
	return account.Record{
		Key: key, Value: value[versionBytes:], Version: binary.BigEndian.Uint64(value),
	}, nil
}

// Version returns the version of a record, or 0 if there is none.
func Version(db pebble.Reader, kind account.Kind, key string) (uint64, error) {
	r, err := Get(db, kind, key)
	if account.CodeOf(err) == account.NoRecord {
		return 0, nil
	}
	return r.Version, err
}

// At returns the records with keys, in the order of keys; see
// [account.Records.RecordsAt]. It stops when ctx ends.
func At(ctx context.Context, db pebble.Reader, kind account.Kind, keys []string) ([]account.Record, error) {
	lower := recordKey(kind, "")
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: record.Successor(lower)})
	if err != nil {
		return nil, err
	}
	rs, err := at(ctx, it, kind, keys)
	return rs, errors.Join(err, it.Close()) // Close returns errors of the iteration
}

// at is At with an iterator over the records of kind. It seeks in the order of the keys,
// because a seek forward from the last one is short.
func at(ctx context.Context, it *pebble.Iterator, kind account.Kind, keys []string) ([]account.Record, error) {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	rs := make([]account.Record, len(keys))
	name := recordKey(kind, "")
	for _, i := range order {
		if err := account.Ended(ctx); err != nil {
			return nil, err
		}
		name = append(name[:keyOffset], keys[i]...)
		value, err := seek(it, name)
		switch {
		case errors.Is(err, pebble.ErrNotFound):
			rs[i].Key = keys[i]
			continue
		case err != nil:
			return nil, err
		}
		if rs[i], err = decode(keys[i], bytes.Clone(value)); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

// seek returns the value of a key, which is valid until the next seek. A prefix is a whole
// key here, so the filters of tables apply. The error is [pebble.ErrNotFound] if there is no
// such key; the next seek forgets any other error.
func seek(it *pebble.Iterator, key []byte) ([]byte, error) {
	if !it.SeekPrefixGE(key) {
		return nil, cmp.Or(it.Error(), pebble.ErrNotFound)
	}
	return it.ValueAndErr()
}

// Page returns the page that q selects. It stops when ctx ends, because a page may be
// large.
func Page(ctx context.Context, db pebble.Reader, q account.RecordQuery) (account.RecordPage, error) {
	var page account.RecordPage
	lower, upper := bounds(q)
	err := iterate(db, lower, upper, q.Reverse, func(key, value []byte) (more bool, err error) {
		if err := account.Ended(ctx); err != nil {
			return false, err
		}
		if len(page.Records) == q.Limit {
			page.Next = page.Records[q.Limit-1].Key
			return false, nil
		}
		r, err := decode(string(key[keyOffset:]), bytes.Clone(value))
		page.Records = append(page.Records, r)
		return true, err
	})
	return page, err
}

// bounds returns the bounds of the keys that q selects.
func bounds(q account.RecordQuery) (lower, upper []byte) {
	lower = recordKey(q.Kind, q.Prefix)
	upper = record.Successor(lower)
	after := recordKey(q.Kind, q.After)
	switch {
	case q.After == "":
	case q.Reverse && bytes.Compare(after, upper) < 0:
		upper = after
	case !q.Reverse && bytes.Compare(after, lower) >= 0:
		lower = append(after, 0)
	}
	return lower, upper
}

// Count reads every record and counts them by kind.
func Count(ctx context.Context, db pebble.Reader) (map[account.Kind]int64, error) {
	counts := map[account.Kind]int64{}
	err := each(db, recordPrefix, func(key, value []byte) error {
		if len(key) < keyOffset || len(value) < versionBytes {
			return record.ErrCorrupt
		}
		counts[account.Kind(key[keyOffset-1])]++
		return account.Ended(ctx)
	})
	return counts, err
}

// Set adds the write w to a batch. number is the number of its commit.
func Set(b *pebble.Batch, w account.Write, number uint64) error {
	key := recordKey(w.Kind, w.KeyIn(number))
	if w.Value == nil {
		return b.Delete(key, nil)
	}
	d := b.SetDeferred(len(key), versionBytes+len(w.Value))
	copy(d.Key, key)
	binary.BigEndian.PutUint64(d.Value, number)
	copy(d.Value[versionBytes:], w.Value)
	return d.Finish()
}

// SetNumber stores the number of the newest commit.
func SetNumber(b *pebble.Batch, number uint64) error {
	return b.Set(commitsKey, binary.BigEndian.AppendUint64(nil, number), nil)
}

// Number returns the number of the newest commit, or 0 if there was none.
func Number(db pebble.Reader) (uint64, error) {
	value, err := record.Stored(db, commitsKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, record.ErrCorrupt
	}
	return binary.BigEndian.Uint64(value), nil
}

// each calls fn with each key that starts with prefix, and its value.
func each(db pebble.Reader, prefix string, fn func(key, value []byte) error) error {
	lower := []byte(prefix)
	return iterate(db, lower, record.Successor(lower), false, func(key, value []byte) (bool, error) { return true, fn(key, value) })
}

// iterate calls fn with the keys from lower to before upper, until fn returns false or an
// error.
func iterate(db pebble.Reader, lower, upper []byte, reverse bool, fn func(key, value []byte) (more bool, err error)) error {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	first, next := it.First, it.Next
	if reverse {
		first, next = it.Last, it.Prev
	}
	more := true
	for ok := first(); ok && more && err == nil; ok = next() {
		more, err = fn(it.Key(), it.Value())
	}
	return errors.Join(err, it.Close()) // Close returns errors of the iteration
}
