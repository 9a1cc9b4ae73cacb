package account

import (
	"context"
	"time"
)

// A Dumper is an engine that can return all accounts of an app at once, and that can
// replace them in a commit; see [Space.Replace]. Every engine may leave this out.
type Dumper interface {
	// Dump returns everything that the engine contains of the accounts of an app, as it is
	// at one moment of the call. It includes each change whose call returned before Dump
	// was called. The dump of an app without a space is empty. The caller owns the dump,
	// which shares no memory with the engine.
	//
	// Codes: Conflict if the app has more than limit ids, deleted ids included.
	Dump(ctx context.Context, app AppID, limit int) (*Dump, error)
}

// MaxReplaced is the largest number of accounts that a commit can replace, and the largest
// number of ids in a dump. A commit is one write, so its size needs a bound.
const MaxReplaced = 1_000_000

// MaxSnapshotName is the maximum length of the name of a snapshot in bytes.
const MaxSnapshotName = 64

// A Dump contains the accounts of an app at one moment. It is valid for the app and the
// engine that it was taken from. The zero Dump is an app that never had an account.
type Dump struct {
	Accounts []Account // in the byte order of their ids
	Gone     []Gone    // in the byte order of their ids; no id is also in Accounts
}

// A Gone is what remains of a deleted account.
type Gone struct {
	ID      UserID
	Deleted time.Time // tombstone, in whole milliseconds
	Kicked  int64     // watermark in unix seconds, 0 or [Unkicked]
}

// Len returns the number of ids in d, deleted ids included.
func (d *Dump) Len() int { return len(d.Accounts) + len(d.Gone) }

// NewestID returns the largest InternalID in d, or 0 if d has no account.
func (d *Dump) NewestID() (newest uint64) {
	for i := range d.Accounts {
		newest = max(newest, d.Accounts[i].InternalID)
	}
	return newest
}

// ErrForeignDump is the error of a commit that replaces accounts by a dump of another
// engine.
var ErrForeignDump = &Error{Code: BadParameter, Detail: "the accounts to restore are not of this store; restore them on the server that they come from"}

// validate reports whether d keeps the rules of its fields and its bound.
func (d *Dump) validate() error {
	if d.Len() > MaxReplaced {
		return badCommit("it replaces accounts by more than %d ids", MaxReplaced)
	}
	gone := d.Gone
	for i := range d.Accounts {
		a := &d.Accounts[i]
		for len(gone) > 0 && gone[0].ID < a.ID {
			gone = gone[1:]
		}
		switch {
		case a.InternalID == 0:
			return badCommit("it restores %s without its internal id", Quote(a.ID))
		case i > 0 && d.Accounts[i-1].ID >= a.ID, len(gone) > 0 && gone[0].ID == a.ID:
			return badCommit("the account %s that it restores is out of order or named twice", Quote(a.ID))
		}
	}
	for i := range max(0, len(d.Gone)-1) {
		if d.Gone[i].ID >= d.Gone[i+1].ID {
			return badCommit("the deleted id %s that it restores is out of order or named twice", Quote(d.Gone[i].ID))
		}
	}
	return nil
}
