package account

import (
	"context"
	"time"
)

// A Snapshotter is an engine that can copy itself while it serves calls.
type Snapshotter interface {
	// Snapshot writes a durable copy of the whole store, as it is at one moment of
	// the call, into the directory dir on the server's machine. An engine of the same
	// kind can be opened on the copy. The copy contains every change whose call
	// returned before Snapshot was called. The engine serves other calls meanwhile.
	//
	// dir is an absolute path at which nothing exists yet, and its parent exists. If
	// Snapshot fails, it may leave files in dir, which are of no use.
	// Codes: Unavailable, Internal.
	Snapshot(ctx context.Context, dir string) error
}

// A Rememberer is an engine that says when accounts were deleted. Every engine may leave
// this out.
type Rememberer interface {
	// Deleted returns the time in the tombstone of an id, in whole milliseconds. It returns
	// the zero time if the id has none: its account exists, or there never was one. The rules
	// and errors of reads of a [Store] apply.
	Deleted(ctx context.Context, app AppID, id UserID) (time.Time, error)
}

// Contents describes what a store contains. A check that reads every record returns it.
type Contents struct {
	Accounts   int64 `json:"accounts"`
	Tombstones int64 `json:"tombstones"` // deleted ids that are remembered

	// Orphans counts accounts of apps that do not exist, which nobody can see. A store of
	// format 3 may contain some after a crash; the next start removes them. In
	// other stores only damage causes orphans, and creating the app again makes them
	// visible.
	Orphans int64 `json:"orphans,omitempty"`

	Records map[Kind]int64 `json:"-"` // number of records of each kind

	// Apps, Tokens and Audit are copies of some numbers of Records. Package records fills
	// them in.
	Apps   int64 `json:"apps"`
	Tokens int64 `json:"tokens"`
	Audit  int64 `json:"audit_entries"`

	// Digest is the SHA-256 of all accounts in the order of apps and ids, in
	// hexadecimal. Stores with the same accounts have the same digest.
	Digest string `json:"digest"`
}

// Find returns e as a T, or the first engine below e that is a T. It finds the optional
// methods of an engine below its decorators. A decorator has a method Unwrap() Engine
// that returns the engine below it.
func Find[T any](e Engine) (T, bool) {
	for {
		if t, ok := e.(T); ok {
			return t, true
		}
		d, ok := e.(interface{ Unwrap() Engine })
		if !ok {
			var none T
			return none, false
		}
		e = d.Unwrap()
	}
}
