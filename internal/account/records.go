package account

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Records keeps everything in an engine that is not an account: apps, tokens, the audit
// trail and what later parts add. A record is a small value with a kind and a key.
// Records knows nothing of values: package records gives them types.
// Implementations are safe for concurrent use.
//
// # Commits
//
// All changes go through Commit. A commit carries any number of writes, and the accounts
// that belong to them. It happens as a whole or not at all, and is durable as a [Store]
// is when Commit returns. A write can depend on the version of its record, so a caller
// that reads a record, changes it and commits it never loses the change of another.
//
// # Several handles
//
// Several processes can share one engine; each has a handle of its own. A read sees every
// commit that returned before it began, on whatever handle. Changes is the exception: it
// can tell of a commit on another handle up to [MaxStale] late.
//
// # Errors
//
// The rules of [Store] hold. A commit that fails with [Unavailable] has changed nothing;
// one that fails with [Unknown] may have happened, and the caller reads the records to
// find out.
type Records interface {
	// Record returns one record. The caller owns it.
	// Codes: NoRecord.
	Record(ctx context.Context, kind Kind, key string) (Record, error)

	// Records returns a page of the records of a kind, in the byte order of their keys.
	// The caller owns them.
	Records(ctx context.Context, q RecordQuery) (RecordPage, error)

	// Commit applies c and returns its number. Numbers rise with the commits of a handle
	// and are never given twice.
	//
	// Codes: Stale if a write expects another version of its record; Conflict if a space
	// that c removes holds other accounts than those of its admins.
	Commit(ctx context.Context, c Commit) (number uint64, err error)

	// Changes returns a number that is another one after each commit that writes records
	// of a kind: a cache is valid as long as the number is the same. It costs no more
	// than a look-up in memory. A number means nothing to another handle.
	Changes(kind Kind) uint64
}

// MaxStale is how much later than a commit another handle of a shared engine can tell of
// it: in [Records.Changes] and in [Store.Watermark]. Everything else is exact.
const MaxStale = time.Second

// A Kind tells records of different types apart. Kinds are numbered for ever: a number
// stands in stored data.
type Kind uint8

// Limits of a record.
const (
	MaxRecordKey   = 256     // bytes of a key; 1 is the least
	MaxRecordValue = 4 << 20 // bytes of a value
	MaxWrites      = 1000    // writes of a commit
)

// A Record is one value as it is stored.
type Record struct {
	Key     string
	Value   []byte
	Version uint64 // number of the commit that wrote it; never 0, never that of another write
}

// A RecordQuery asks for a page of records.
type RecordQuery struct {
	Kind    Kind
	Prefix  string // only keys that start with it; empty for all
	After   string // only keys after it, or before it if Reverse; empty starts at the first
	Reverse bool   // in descending order
	Limit   int    // 1 to MaxListLimit
}

// A RecordPage is one page of records.
type RecordPage struct {
	Records []Record
	Next    string // After of the next page; empty when there is none
}

// A Commit is a set of changes that happen together. No two of its writes name the same
// record, and no two of its spaces the same app.
type Commit struct {
	Writes []Write
	Spaces []Space
}

// A Write is what a commit makes of one record.
type Write struct {
	Kind  Kind
	Key   string
	Value []byte // nil removes the record, also one that does not exist

	// If is the version that the record must have: 0 if there must be none, AnyVersion
	// if it does not matter. Any other version refuses the commit with Stale.
	If uint64

	// Append creates a record under a key of its own: Key followed by the number of the
	// commit, see [AppendedKey]. If is ignored.
	Append bool
}

// AnyVersion is a [Write.If] that every record meets, also one that does not exist.
const AnyVersion = math.MaxUint64

// A Space is what a commit makes of the accounts of an app. An app has accounts only as
// long as it has a space: see [Store].
type Space struct {
	App AppID

	// Admins are the ids that [Store.Delete] protects from now on. Those without an
	// account get one, created at Now, past any quota and tombstone. The space is opened
	// if the app has none.
	Admins []UserID
	Now    time.Time

	// Remove removes the space instead, together with the accounts of its admins. It is
	// refused with Conflict while the space has any other account. Tombstones and
	// watermarks go too, so that a new space of the same app starts clean. A space that
	// does not exist may be removed.
	Remove bool
}

// AppendedKey returns the key of a record that a commit has appended, see
// [Write.Append]: prefix and sixteen hexadecimal digits, so that keys sort as numbers do.
func AppendedKey(prefix string, number uint64) string { return fmt.Sprintf("%s%016x", prefix, number) }
