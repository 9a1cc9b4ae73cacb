package account

import (
	"context"
	"iter"
	"time"
)

// An Exporter is an engine that can return all accounts of an app, however many, as they
// are at one moment. Every engine may leave this out.
type Exporter interface {
	// Export returns the accounts of an app in the byte order of their ids, all as they
	// are at one moment after the iteration has begun and before its first value. They
	// include each change whose call returned before the iteration began. The export of
	// an app without a space is empty.
	//
	// A value is valid until the next one is asked for: the engine may reuse its memory,
	// that of its texts included.
	//
	// An export of any length delays no other call. Its memory does not depend on the
	// number of accounts, but on the number of deleted ids if they are asked for, and it
	// may keep what the engine had in memory when it began. The engine may need more disk
	// space meanwhile, because the data of that moment stays.
	//
	// An error ends the iteration, with a nil value. Codes: Unavailable if ctx ends or
	// the store is closed, Internal. Close does not wait for an export.
	Export(ctx context.Context, app AppID, q ExportQuery) iter.Seq2[*Exported, error]
}

// An ExportQuery selects what an export contains.
type ExportQuery struct {
	Prefix UserID // only ids that start with it; empty for all
	After  UserID // only ids after it; empty starts at the first
	Gone   bool   // also the ids of deleted accounts
}

// An Exported is an account of an export, or a deleted id.
type Exported struct {
	Account // of a deleted id only ID and Kicked are set

	Deleted time.Time // when the account was deleted, in whole milliseconds; zero for an account
}

// Gone reports whether e is a deleted id.
func (e *Exported) Gone() bool { return e.InternalID == 0 }
