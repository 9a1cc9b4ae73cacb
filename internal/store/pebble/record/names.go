package record

import (
	"encoding/binary"

	"rollcall/internal/account"
)

// MinName is the length of the name of an empty ID, in bytes. The name of an account is
// its app, as four big-endian bytes, followed by the bytes of its ID. So names sort by
// app, then by ID.
const MinName = 4

// AppendName appends the name of an account.
func AppendName(b []byte, app account.AppID, id account.UserID) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(app)), id...)
}

// NameApp returns the app of a name, which has at least MinName bytes.
func NameApp(name []byte) account.AppID { return account.AppID(binary.BigEndian.Uint32(name)) }

// NameID returns a copy of the ID in a name, which has at least MinName bytes.
func NameID(name []byte) account.UserID { return account.UserID(name[MinName:]) }

// SharedPrefix returns the length of the common prefix of two names.
func SharedPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// Successor returns the first key after every key that starts with prefix, which must not
// be all 0xff: keys begin with a letter.
func Successor(prefix []byte) []byte {
	for i := len(prefix) - 1; ; i-- {
		if prefix[i] != 0xff {
			next := append([]byte(nil), prefix[:i+1]...)
			next[i]++
			return next
		}
	}
}
