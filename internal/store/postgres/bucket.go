package postgres

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/cespare/xxhash/v2"

	"rollcall/internal/account"
)

// buckets is the number of parts that accounts and counters are divided into. Citus
// distributes the buckets over its workers. The number is a part of the stored data and
// never changes.
const buckets = 1024

// bucketOf returns the bucket of an id: its xxHash64 after the app in four bytes, big-endian.
// It is a part of the stored data and never changes.
func bucketOf(app account.AppID, id account.UserID) int32 {
	var b [4 + 64]byte
	binary.BigEndian.PutUint32(b[:], uint32(app))
	return int32(xxhash.Sum64(append(b[:4], id...)) % buckets)
}

// bucket returns the bucket of the row of spaces that a transaction uses for n ids. On Citus
// it is the bucket of one of them, so that the row is on the same worker.
func (s *Store) bucket(app account.AppID, n int, id func(int) account.UserID) int32 {
	if n > 0 && s.placement.Load() != nil {
		return bucketOf(app, id(rand.IntN(n)))
	}
	return s.anyBucket()
}

// anyBucket returns the bucket of any row of spaces.
func (s *Store) anyBucket() int32 { return rand.Int32N(s.spread) }
