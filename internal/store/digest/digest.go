// Package digest computes the digests by which the contents of two stores are compared.
// Stores of different engines with the same accounts have the same digest.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// A Digest is the SHA-256 of accounts, or of deleted ids, in the order in which they are
// added: by app, then by id. What it is computed from is the form in which the embedded
// engine stores them. It never changes, because people keep digests of their backups.
type Digest struct {
	sum hash.Hash
	buf []byte
}

// bufferBytes is how much is hashed at once. Single accounts are too short for the
// processor's instructions.
const bufferBytes = 16 << 10

// New returns the digest of nothing.
func New() *Digest { return &Digest{sum: sha256.New(), buf: make([]byte, 0, bufferBytes)} }

// Add adds an account of an app.
func (d *Digest) Add(app account.AppID, a *account.Account) {
	d.buf = record.AppendAccount(record.AppendName(d.buf, app, a.ID), a)
	d.flush(bufferBytes)
}

// AddGone adds a deleted id of an app.
func (d *Digest) AddGone(app account.AppID, e *account.Exported) {
	g := record.Gone{Deleted: e.Deleted.UnixMilli(), Kicked: e.Kicked}
	d.buf = record.AppendGone(record.AppendName(d.buf, app, e.ID), g)
	d.flush(bufferBytes)
}

// flush hashes the buffer if it has at least n bytes.
func (d *Digest) flush(n int) {
	if len(d.buf) >= n {
		_, _ = d.sum.Write(d.buf) // never fails
		d.buf = d.buf[:0]
	}
}

// String returns the digest in hexadecimal.
func (d *Digest) String() string {
	d.flush(0)
	return hex.EncodeToString(d.sum.Sum(nil))
}
