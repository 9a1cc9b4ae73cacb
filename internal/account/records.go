package account

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Records stores everything in an engine that is not an account, such as apps, tokens
// and the audit trail. A record is a small value with a kind and a key. An engine does
// not interpret values; package records gives them types.
// Implementations are safe for concurrent use.
//
// # Commits
//
// All changes go through Commit. A commit contains up to [MaxWrites] writes of records,
// and up to as many spaces, which are the accounts of apps. It is atomic. When Commit
// returns, it is as durable as a change of a [Store]. A write can depend on the version
// of its record. A caller that reads a record, changes it and commits it thus never
// overwrites another caller's change.
//
// # Several handles
//
// Several processes can share one engine; each has a handle of its own. A read sees every
// commit that returned before the read began, on any handle. Changes is the exception: it
// can report a commit on another handle up to [MaxStale] late.
//
// # Errors
//
// The rules of [Store] apply. A commit that fails with [Unavailable] has changed nothing.
// A commit that fails with [Unknown] may have happened; the caller can read the records
// to find out.
type Records interface {
	// Record returns one record. The caller owns it.
	// Codes: NoRecord.
	Record(ctx context.Context, kind Kind, key string) (Record, error)

	// RecordsAt returns the records with keys, in the order of keys, which may repeat. A
	// record that does not exist has its Key, Version 0 and a nil Value. All records are
	// those of one moment of the call: it shows a commit in each record that the commit
	// wrote, or in none. The caller owns the records, and those of a repeated key share no
	// memory. keys has at most [MaxListLimit] keys, and may be empty.
	RecordsAt(ctx context.Context, kind Kind, keys []string) ([]Record, error)

	// Records returns a page of the records of a kind, in the byte order of their keys.
	// The caller owns them.
	Records(ctx context.Context, q RecordQuery) (RecordPage, error)

	// Commit applies c and returns its number. The numbers of a handle's commits increase,
	// and no number is used twice.
	//
	// Codes:
	//
	//   - Stale if a write expects another version of its record
	//   - Conflict if c removes a space with accounts that are not those of its admins, or
	//     replaces more than [MaxReplaced] accounts
	//   - BadParameter if c breaks a rule of [Commit.Validate]
	Commit(ctx context.Context, c Commit) (number uint64, err error)

	// Changes returns a number that differs after each commit that writes records of a
	// kind. It does not change before reads see the commit, so a cache is valid as long as
	// the number stays the same. While a handle cannot learn what other handles commit, the
	// number differs each time. Changes costs no more than a look-up in memory. Numbers of
	// different handles cannot be compared.
	Changes(kind Kind) uint64
}

// MaxStale is the longest delay after which another handle of a shared engine reports a
// commit in [Records.Changes] and a kick in [Store.Watermark]. All other reads are exact.
const MaxStale = time.Second

// A Kind tells records of different types apart. A number is never changed or reused,
// because it is part of stored data.
type Kind uint8

// Limits of records and of a commit.
const (
	MaxRecordKey   = 256     // bytes of a key; the least is 1
	MaxRecordValue = 4 << 20 // bytes of a value
	MaxWrites      = 1000    // writes of a commit, and as many spaces
	MaxCommitBytes = 8 << 20 // bytes of all keys and values of a commit
)

// A Record is one value as it is stored. [Records.RecordsAt] also returns records that do
// not exist: their Value is nil and their Version is 0.
type Record struct {
	Key     string
	Value   []byte // never nil
	Version uint64 // number of the commit that wrote it; never 0, and different for each write of the record
}

// A RecordQuery selects a page of records.
type RecordQuery struct {
	Kind    Kind
	Prefix  string // only keys that start with it; empty for all
	After   string // only keys after it, or before it if Reverse is set; empty starts at the first
	Reverse bool   // in descending order
	Limit   int    // 1 to MaxListLimit
}

// A RecordPage is one page of records.
type RecordPage struct {
	Records []Record
	Next    string // After of the next page; empty when there is none
}

// A Commit is a set of changes that happen together. Each of its writes names another
// record, and each of its spaces another app.
type Commit struct {
	Writes []Write
	Spaces []Space
}

// A Write is the change of one record in a commit.
type Write struct {
	Kind  Kind
	Key   string
	Value []byte // nil removes the record, which need not exist

	// If is the version that the record must have. 0 means that it must not exist, and
	// AnyVersion accepts any version. If the record has another version, the commit is
	// refused with Stale.
	If uint64

	// Append creates a record under a new key: Key, which may be empty, followed by the
	// number of the commit; see [AppendedKey]. If is ignored. In a shared engine a record
	// can appear after one with a higher number. A reader of a queue therefore removes what
	// it has processed, and does not continue after the last key that it saw. Records of the
	// Outbox of changes of the same account appear in the order of the changes.
	Append bool
}

// AnyVersion is a [Write.If] that every record meets, even a record that does not exist.
const AnyVersion = math.MaxUint64

// A Space is the change of the accounts of an app in a commit. An app can have accounts
// only while it has a space; see [Store].
type Space struct {
	App AppID

	// Admins are the ids that [Store.Delete] protects from now on. Each admin without an
	// account gets one, created at Now, regardless of quota and tombstones. The commit
	// creates the space if the app has none.
	Admins []UserID
	Now    time.Time

	// Remove removes the space instead, together with the accounts of its admins and all
	// tombstones and watermarks. A new space of the same app starts empty. The commit is
	// refused with Conflict if the space has any other account. The space need not exist.
	Remove bool

	// Replace, if it is not nil, replaces all accounts, tombstones and watermarks of the
	// space by those of a dump of the same app and engine. Accounts keep the InternalIDs of
	// the dump. Admins without an account get one afterwards. With Remove the dump must be
	// empty, and all accounts go, not only those of the admins. The commit is refused with
	// Conflict if the space has more than [MaxReplaced] accounts. Only an engine that is a
	// [Dumper] accepts Replace; others refuse the commit with BadParameter.
	Replace *Dump
}

// AppendedKey returns the key of a record that a commit has appended; see
// [Write.Append]. The key is prefix and sixteen hexadecimal digits, and sorts by number.
func AppendedKey(prefix string, number uint64) string { return fmt.Sprintf("%s%016x", prefix, number) }

// Validate reports whether c is within the limits, names each record and each app at
// most once, and has a value in each write that appends. The error has Code
// [BadParameter].
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
		if err := s.validateReplace(); err != nil {
			return err
		}
	}
	return validateWrites(c.Writes)
}

func (s *Space) validateReplace() error {
	switch {
	case s.Replace == nil:
		return nil
	case s.Remove && s.Replace.Len() > 0:
		return badCommit("it removes the space of app %d and restores accounts in it", s.App)
	}
	return s.Replace.validate()
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
	return &Error{Code: BadParameter, Detail: "the change is too large or breaks a rule: " + fmt.Sprintf(format, args...)}
}

// KeyIn returns the key of the record that w writes in the commit with this number.
func (w Write) KeyIn(number uint64) string {
	if w.Append {
		return AppendedKey(w.Key, number)
	}
	return w.Key
}

// CallOutbox calls the Outbox of a policy with a copy of results, and returns the writes
// to add to the commit. An engine calls it where the changes happen. The error has Code
// [Internal] if outbox panics, or if its writes break a rule.
func CallOutbox[R any](outbox func([]R) []Write, results []R) (ws []Write, err error) {
	if outbox == nil {
		return nil, nil
	}
	defer func() {
		if p := recover(); p != nil {
			ws, err = nil, &Error{Detail: "the records of a change could not be created; see the server's log", Err: fmt.Errorf("panic: %v", p)}
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
