package pebble

import (
	"encoding/binary"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// The layout of keys. BE4 and BE8 are big-endian numbers of 4 and 8 bytes, so keys sort by
// number. id is the bytes of the UserID.
//
//	m/format      decimal number: the format of all data, see format
//	m/folded      BE8: number of the last commit of the journal that is flushed;
//	              BE8: the next InternalID to assign after it
//	m/ids         BE8: the least InternalID to assign next; only after a load of records
//	a/ BE4(app) id          an account that exists (record)
//	c/ BE8(seq) BE4(page)   changes of ids (index.go)
//	i/ BE8(seq) BE4(page)   new ids (index.go)
//	j/ BE8(seq)             a commit of the journal that is not flushed yet (package journal)
//
// A change of an ID in j/ is newer than the data of that ID in the other spaces. The key of
// an account is the letter of its space, a slash, and its name (package record). The keys
// of records are in package catalog.
const (
	accountSpace = 'a'
	changeSpace  = 'c'
	idSpace      = 'i'
	journalSpace = 'j'
	metaSpace    = 'm'
)

// format is the number of the format of keys and values. A program refuses data with a
// higher number than its own. Increase the number if an older program would misread the
// data that this program writes.
//
// Format 4 added a record of the logs and the manifest (see [guard.Checksums]), which a
// program of format 3 would not keep up to date. Format 5 replaced apps, tokens and the
// audit trail by records. A store of format 3 or 4 is converted when it is opened (see
// takeover.go).
const format = 5

// Format is the number of the format that this program writes.
const Format = format

// checkedFormat is the lowest format that has a record of the logs and the manifest.
const checkedFormat = 4

// oldestFormat is the lowest format that can be converted.
const oldestFormat = 3

// nameOffsetInKey is the offset of the name in the key of an account.
const nameOffsetInKey = 2

var (
	formatKey  = []byte("m/format")
	flushedKey = []byte("m/folded")
	leastIDKey = []byte("m/ids")
)

// appendNameKey appends the key in space of the account with the given name.
func appendNameKey(b []byte, space byte, name []byte) []byte {
	return append(append(b, space, '/'), name...)
}

// journalKey returns the key of the commit seq of the journal.
func journalKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{journalSpace, '/'}, seq)
}

// pageKey returns the key of a page of the index.
func pageKey(space byte, seq uint64, page uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte{space, '/'}, seq), page)
}

// pageSeq returns the seq in a key of pageKey.
func pageSeq(key []byte) (seq uint64, err error) {
	if len(key) != len(pageKey(0, 0, 0)) {
		return 0, record.ErrCorrupt
	}
	return binary.BigEndian.Uint64(key[2:]), nil
}

// spaceBounds returns the first key of a space and the first after it.
func spaceBounds(space byte) (lower, upper []byte) {
	return []byte{space, '/'}, []byte{space, '/' + 1}
}

// listBounds returns the bounds of the keys that q selects.
func listBounds(app account.AppID, q account.ListQuery) (lower, upper []byte) {
	lower = appendNameKey(nil, accountSpace, record.AppendName(nil, app, q.Prefix))
	upper = record.Successor(lower)
	if q.After >= q.Prefix && q.After != "" {
		lower = append(appendNameKey(nil, accountSpace, record.AppendName(nil, app, q.After)), 0)
	}
	return lower, upper
}
