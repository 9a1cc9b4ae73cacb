package auth

import (
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// A keyring holds the parsed keys of an app. It never changes: when the keys of the
// app change, another keyring takes its place.
type keyring struct {
	keys    []usersig.Key // in the order of the record
	records []account.Key // of the keys
	retires bool          // one of the keys is retired or will be
	ecdsa   bool          // one of the keys is slow to verify with
}

// newKeyring parses the keys of an app. Records were checked before they were
// stored; one that does not parse all the same verifies nothing.
func newKeyring(records []account.Key) *keyring {
	ring := new(keyring)
	for _, record := range records {
		if key, err := parseKey(record); err == nil {
			ring.keys, ring.records = append(ring.keys, key), append(ring.records, record)
			ring.retires = ring.retires || !record.Retired.IsZero()
			ring.ecdsa = ring.ecdsa || record.Kind == account.ECDSAKey
		}
	}
	return ring
}

func parseKey(k account.Key) (usersig.Key, error) {
	if k.Kind == account.ECDSAKey {
		return usersig.ParsePublicKey([]byte(k.Secret))
	}
	return usersig.HMACKey(k.Secret), nil
}

// active returns the keys that are not retired at now, and when the first of
// them retires: the zero time if none does. At any time before that, also one
// before now, all of them are active.
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
