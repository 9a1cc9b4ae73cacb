// Package records keeps apps, tokens, the audit trail and the outbox: typed code above
// the records of an engine (see [account.Records]), written once for all engines.
//
// [Registry] is all of it. Apps and tokens are kept in memory as long as no commit
// changes them. A new type of record is a kind in kinds.go and methods of Registry.
package records

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/seal"
)

// A Registry keeps the typed records of an engine. It is safe for concurrent use.
//
// Its errors are those of [account.Records]: Unavailable, Unknown and Internal can come
// from each method.
type Registry struct {
	e      account.Records
	ring   *seal.Ring // nil: secrets stay as they are
	apps   *table[account.AppID, *account.App]
	tokens *table[account.TokenHash, *account.Token]
}

// New returns a Registry of the records of e. The keys of ring seal the secrets of apps;
// if ring is nil, secrets are stored as they are.
func New(e account.Records, ring *seal.Ring) *Registry {
	r := &Registry{e: e, ring: ring}
	r.apps = newTable(e, kindApp, parseAppKey, r.openApp)
	r.tokens = newTable(e, kindToken, parseTokenKey, decode[account.Token])
	return r
}

// Open returns a Registry whose secrets are sealed with the keys in file. The file is
// created if there is none and nothing is sealed yet. Open opens every secret once. Its
// error is one sentence that names what is missing.
func Open(ctx context.Context, e account.Records, file string) (*Registry, error) {
	ring, err := seal.ReadRing(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := nothingSealed(ctx, e, file); err != nil {
			return nil, err
		}
		ring, err = seal.CreateRing(file)
	}
	if err != nil {
		return nil, err
	}
	r := New(e, ring)
	_, err = r.Apps(ctx)
	return r, err
}

// Check does what [Open] would, but creates no file and changes nothing: it opens
// every secret of e with the keys in file, or sees that none is sealed.
func Check(ctx context.Context, e account.Records, file string) error {
	ring, err := seal.ReadRing(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nothingSealed(ctx, e, file)
	}
	if err != nil {
		return err
	}
	_, err = New(e, ring).Apps(ctx)
	return err
}

// nothingSealed returns an error if a new file of keys could not open the secrets of e.
func nothingSealed(ctx context.Context, e account.Records, file string) error {
	apps, err := New(e, nil).Apps(ctx)
	if err != nil {
		return err
	}
	for _, a := range apps {
		if slices.ContainsFunc(a.Keys, seal.Sealed) {
			return fmt.Errorf("the file of sealing keys %s is missing, and the store holds secrets that it sealed; restore it", file)
		}
	}
	return nil
}
