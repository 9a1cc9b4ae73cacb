package account

import (
	"context"
	"fmt"
	"math"
	"slices"
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
	// that c removes holds other accounts than those of its admins; BadParameter if c
	// breaks a rule of [Commit.Validate].
	Commit(ctx context.Context, c Commit) (number uint64, err error)

	// Changes returns a number that is another one after each commit that writes records
	// of a kind, and not before reads see the commit: a cache is valid as long as the number
	// is the same. It costs no more than a look-up in memory. A number means nothing to
	// another handle.
	Changes(kind Kind) uint64
}

// MaxStale is how much later than a commit another handle of a shared engine can tell of
// it: in [Records.Changes] and in [Store.Watermark]. Everything else is exact.
const MaxStale = time.Second

// A Kind tells records of different types apart. Kinds are numbered for ever: a number
// stands in stored data.
type Kind uint8

// Limits of records and of a commit.
const (
	MaxRecordKey   = 256     // bytes of a key; 1 is the least
	MaxRecordValue = 4 << 20 // bytes of a value
	MaxWrites      = 1000    // writes of a commit, and as many spaces
	MaxCommitBytes = 8 << 20 // keys and values of a commit
)

// A Record is one value as it is stored.
type Record struct {
	Key     string
	Value   []byte // never nil
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

	// Append creates a record under a key of its own: Key, which may be empty, followed by
	// the number of the commit, see [AppendedKey]. If is ignored. In a shared engine
	// a record can be seen after one with a higher number: a reader of a queue removes
	// what it is done with, and does not go by the last key that it saw.
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

// Validate reports whether c is within the limits, names each record and each app once,
// and appends only values. The error has Code [BadParameter].
func (c Commit) Validate() error {
	if len(c.Spaces) > MaxWrites {
		return badCommit("it has more than %d spaces", MaxWrites)
	}
	apps := make(map[AppID]bool, len(c.Spaces))
	for _, s := range c.Spaces {
		if apps[s.App] {
			return badCommit("it has two spaces of app %d", s.App)
		}
		apps[s.App] = true
	}
	return validateWrites(c.Writes)
}

func validateWrites(ws []Write) error {
	if len(ws) > MaxWrites {
		return badCommit("it has more than %d writes", MaxWrites)
	}
	type name struct {
		kind Kind
		key  string
	}
	size, names := 0, make(map[name]bool, len(ws))
	for _, w := range ws {
		n := name{w.Kind, w.KeyIn(0)}
		switch {
		case n.key == "" || len(n.key) > MaxRecordKey:
			return badCommit("a key has %d bytes, and may have 1 to %d", len(n.key), MaxRecordKey)
		case len(w.Value) > MaxRecordValue:
			return badCommit("a value has %d bytes, and may have %d", len(w.Value), MaxRecordValue)
		case w.Append && w.Value == nil:
			return badCommit("it appends a record without a value")
		case names[n]:
			return badCommit("it writes the record %s of kind %d twice", Quote(n.key), n.kind)
		}
		names[n] = true
		size += len(n.key) + len(w.Value)
	}
	if size > MaxCommitBytes {
		return badCommit("it has %d bytes, and may have %d", size, MaxCommitBytes)
	}
	return nil
}

func badCommit(format string, args ...any) error {
	return &Error{Code: BadParameter, Detail: "the change is too large or has a fault: " + fmt.Sprintf(format, args...)}
}

// KeyIn returns the key of the record that w writes in the commit of a number.
func (w Write) KeyIn(number uint64) string {
	if w.Append {
		return AppendedKey(w.Key, number)
	}
	return w.Key
}

// CallOutbox returns what an Outbox adds to the commit of the changes with these results,
// for an engine to call where the changes happen. It gives outbox a copy. The error has
// Code [Internal] if outbox panics, or returns what it may not.
func CallOutbox[R any](outbox func([]R) []Write, results []R) (ws []Write, err error) {
	if outbox == nil {
		return nil, nil
	}
	defer func() {
		if p := recover(); p != nil {
			ws, err = nil, &Error{Detail: "the records of a change broke; see the server's log", Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	ws = outbox(slices.Clone(results))
	for _, w := range ws {
		if !w.Append && w.If != AnyVersion {
			return nil, &Error{Err: fmt.Errorf("an outbox wrote %q of kind %d with a condition", w.Key, w.Kind)}
		}
	}
	if err := validateWrites(ws); err != nil {
		return nil, &Error{Err: err}
	}
	return ws, nil
}
