package account

import (
	"context"
	"math"
)

// A Loader is an engine that can take over the content of another store as it is. Copies
// of whole stores use it. Every engine may leave it out.
//
// A load is for a store that serves nobody yet. It keeps the rules of [Store] and
// [Records] about durability and errors, but none of the rules of an import: quotas,
// tombstones and the protection of admins do not apply.
type Loader interface {
	// Numbers returns the largest numbers that the engine has assigned, or larger ones.
	// They include those of records and accounts that were removed since.
	//
	// Codes: Unavailable, Internal.
	Numbers(ctx context.Context) (Numbers, error)

	// LoadAccounts writes accounts and deleted ids of an app as they are in rows, together
	// with the writes of ws. All of it is one commit: a crash leaves everything or nothing,
	// so a write can record how far a copy is, and its If can refuse the rows of a copy that
	// another one has taken over.
	//
	//   - A row without an InternalID is a deleted id: a tombstone with its time, and a
	//     watermark.
	//   - An id that exists, or existed, becomes what its row says.
	//   - Count is exact after each call.
	//   - Accounts that are imported later, also after a restart, get InternalIDs above
	//     every InternalID that was ever loaded. The caller ensures that no InternalID is
	//     in the store already.
	//   - The caller may reuse rows, and the memory of their texts, after the call has
	//     returned without an error.
	//
	// Codes: NoApp if the app has no space, BadParameter if [ValidateLoad] refuses the
	// arguments or the engine cannot keep an InternalID, Stale if a write expects another
	// version of its record, Unavailable, Unknown, Internal.
	LoadAccounts(ctx context.Context, app AppID, rows []Exported, ws []Write) error

	// LoadRecords writes records as they are, with the keys of ws, in one commit. Commits
	// and accounts that follow, also after a restart, have numbers above those of above.
	// An engine of several handles ensures this for handles that are opened later.
	//
	// Codes: BadParameter if [ValidateLoadRecords] refuses ws or the engine cannot keep the
	// numbers, Stale if a write expects another version of its record, Unavailable, Unknown,
	// Internal.
	LoadRecords(ctx context.Context, ws []Write, above Numbers) error
}

// Numbers are numbers that an engine assigns in ascending order.
type Numbers struct {
	Commit     uint64 // of a commit; see [Records.Commit]
	InternalID uint64 // of an account
}

// Max returns the larger number of each kind.
func (n Numbers) Max(other Numbers) Numbers {
	return Numbers{max(n.Commit, other.Commit), max(n.InternalID, other.InternalID)}
}

// ValidateLoad reports whether rows and ws keep the rules of [Loader.LoadAccounts]: there
// are at most [LoadBatch] rows, in the byte order of their ids and each id once, with
// profiles in the order of their tags; and the writes are within the limits of a commit,
// each of another record. The error has Code [BadParameter].
func ValidateLoad(rows []Exported, ws []Write) error {
	if len(rows) > LoadBatch {
		return badCommit("it loads more than %d accounts", LoadBatch)
	}
	for i := range rows {
		if i > 0 && rows[i-1].ID >= rows[i].ID {
			return badCommit("the account %s that it loads is out of order or named twice", Quote(rows[i].ID))
		}
		if fault := rows[i].fault(); fault != "" {
			return badCommit("%s, which it loads, %s", Quote(rows[i].ID), fault)
		}
	}
	return validateWrites(ws)
}

// ValidateLoadRecords reports whether ws keeps the rules of [Loader.LoadRecords]: those of
// [ValidateLoad], and no write appends. The error has Code [BadParameter].
func ValidateLoadRecords(ws []Write) error {
	for _, w := range ws {
		if w.Append {
			return badCommit("it loads the record %s without its key", Quote(w.Key))
		}
	}
	return validateWrites(ws)
}

// fault returns what is wrong with a row of a load, or "".
func (e *Exported) fault() string {
	if e.ID == "" {
		return "has no id"
	}
	if e.Gone() {
		switch {
		case e.Deleted.IsZero():
			return "has neither an InternalID nor a time of deletion"
		case e.Nick != "" || e.FaceURL != "" || len(e.Profile) > 0 || !e.Created.IsZero() || !e.Updated.IsZero():
			return "is deleted and has a profile"
		}
		return ""
	}
	switch {
	case e.InternalID > math.MaxInt64:
		return "has an InternalID of more than 63 bits"
	case !e.Deleted.IsZero():
		return "has both an InternalID and a time of deletion"
	}
	for i := 1; i < len(e.Profile); i++ {
		if e.Profile[i-1].Tag >= e.Profile[i].Tag {
			return "has a profile out of order"
		}
	}
	return ""
}
