package auth

import (
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// A keyring contains the parsed keys of an app. It is immutable: if the keys of
// the app change, another keyring replaces it.
type keyring struct {
	keys    []usersig.Key // in the order of the record
	records []account.Key // the records of keys, in the same order
	retires bool          // whether a key is retired or will be
	ecdsa   bool          // whether a key is an ECDSA key, which is slow to verify with
}

// newKeyring parses the keys of an app. Records are checked before they are
// stored. A record that cannot be parsed is left out and verifies nothing.
func newKeyring(records []account.Key) *keyring {
	ring := new(keyring)
	for _, record := range records {
		if key, err := record.Verifier(); err == nil {
			ring.keys, ring.records = append(ring.keys, key), append(ring.records, record)
			ring.retires = ring.retires || !record.Retired.IsZero()
			ring.ecdsa = ring.ecdsa || record.Kind == account.ECDSAKey
		}
	}
	return ring
}

// active returns the keys that are not retired at now, and the time at which
// the first of them retires, or the zero time if none does. All of these keys
// are active at any time before that, including times before now.
func (r *keyring) active(now time.Time) (keys []usersig.Key, until time.Time) {
	if !r.retires {
		return r.keys, time.Time{}
	}
	for i, record := range r.records {
		if !record.Active(now) {
			continue
		}
		keys = append(keys, r.keys[i])
		if t := record.Retired; !t.IsZero() && (until.IsZero() || t.Before(until)) {
			until = t
		}
	}
	return keys, until
}
