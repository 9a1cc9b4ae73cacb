package pebble

import (
	"encoding/binary"

	"rollcall/internal/account"
)

// The layout of keys. BE4 and BE8 are big-endian numbers of that many bytes, so
// that keys sort as their numbers do; id is the UserID's bytes as they are.
//
//	m/format      decimal number: the format of everything else, see format
//	m/next-id     BE8: the next InternalID to give
//	a/ BE4(app) / id    an account that exists (codec.go)
//	p/ BE4(app)         an app: JSON of account.App
//	t/ BE4(app) / id    what is left of a deleted account (codec.go)
//	w/ BE8(seq)         an entry of the audit trail: JSON of account.AuditEntry
//
// An id has a key under a/ or under t/ or neither, never both.
const (
	accountSpace = 'a'
	metaSpace    = 'm'
	appSpace     = 'p'
	goneSpace    = 't'
	auditSpace   = 'w'
)

// format is the number of the layout and of the values. A program refuses data
// of a higher number than its own. Raise it when an older program would misread
// what this one writes.
const format = 1

var (
	formatKey = []byte("m/format")
	nextIDKey = []byte("m/next-id")
)

// appendAppKey appends the key of app in space, or the start of the keys of its
// ids.
func appendAppKey(b []byte, space byte, app account.AppID) []byte {
	return binary.BigEndian.AppendUint32(append(b, space, '/'), uint32(app))
}

// appendIDKey appends the key of an id in space.
func appendIDKey(b []byte, space byte, app account.AppID, id account.UserID) []byte {
	return append(append(appendAppKey(b, space, app), '/'), id...)
}

// idOffset is where the id begins in a key of appendIDKey.
const idOffset = 2 + 4 + 1

// splitIDKey returns the parts of a key of appendIDKey.
func splitIDKey(key []byte) (account.AppID, account.UserID, bool) {
	if len(key) < idOffset || key[1] != '/' || key[idOffset-1] != '/' {
		return 0, "", false
	}
	return account.AppID(binary.BigEndian.Uint32(key[2:])), account.UserID(key[idOffset:]), true
}

// auditKey returns the key of the audit entry seq.
func auditKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{auditSpace, '/'}, seq)
}

// spaceBounds returns the first key of a space and the first after it.
func spaceBounds(space byte) (lower, upper []byte) {
	return []byte{space, '/'}, []byte{space, '/' + 1}
}

// successor returns the first key after every key that starts with prefix,
// which must not be all 0xff: keys begin with the letter of their space.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; ; i-- {
		if prefix[i] != 0xff {
			next := append([]byte(nil), prefix[:i+1]...)
			next[i]++
			return next
		}
	}
}

// listBounds returns the bounds of the keys that q asks for.
func listBounds(app account.AppID, q account.ListQuery) (lower, upper []byte) {
	lower = appendIDKey(nil, accountSpace, app, q.Prefix)
	upper = successor(lower)
	if q.After >= q.Prefix && q.After != "" {
		lower = append(appendIDKey(nil, accountSpace, app, q.After), 0)
	}
	return lower, upper
}
