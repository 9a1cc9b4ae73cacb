package account

import "context"

// A Snapshotter is an engine that can copy itself while it works.
type Snapshotter interface {
	// Snapshot writes a durable copy of the whole store, as it is at one
	// moment of the call, into the folder dir of the server's machine. An
	// engine of the same kind can be opened on the copy. It holds every change
	// whose call returned before Snapshot was called. The engine goes on
	// serving meanwhile.
	//
	// The caller gives an absolute path at which nothing exists yet; its parent
	// must. If Snapshot fails, what it made there is of no use and may be
	// left behind.
	// Codes: Unavailable, Internal.
	Snapshot(ctx context.Context, dir string) error
}

// Contents is what a store holds, as a check of every record has found it.
type Contents struct {
	Accounts   int64 `json:"accounts"`
	Tombstones int64 `json:"tombstones"` // deleted ids that are remembered

	// Orphans are accounts of apps that do not exist, which nobody can see. A store of
	// format 3 may hold some from a crash; the next start removes them. In others
	// only damage leaves them; creating the app again brings them back.
	Orphans int64 `json:"orphans,omitempty"`

	Records map[Kind]int64 `json:"-"` // how many there are of each kind

	// Apps, Tokens and Audit are some of Records under their names; package records fills
	// them in.
	Apps   int64 `json:"apps"`
	Tokens int64 `json:"tokens"`
	Audit  int64 `json:"audit_entries"`

	// Digest is the SHA-256 of all accounts in the order of apps and ids, in
	// hexadecimal. Stores with the same accounts have the same digest.
	Digest string `json:"digest"`
}

// Find returns what e, or an engine that it decorates, offers beyond [Engine].
// A decorator tells what it decorates by a method Unwrap() Engine.
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
