// Package records stores apps, tokens, sessions, the audit trail and the outbox as records
// of an engine (see [account.Records]). It adds types, encodings and sealing of secrets, and
// works with every engine.
//
// [Registry] has all methods. It caches apps, tokens and sessions in memory until a commit
// changes them. To add a type of record, add a kind to kinds.go and methods to Registry.
package records

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"

	"rollcall/internal/account"
	"rollcall/internal/seal"
)

// A Registry reads and writes the typed records of an engine. It is safe for concurrent
// use.
//
// Every method can return the errors of [account.Records] with the Codes Unavailable,
// Unknown and Internal.
type Registry struct {
	e        account.Records
	ring     atomic.Pointer[seal.Ring] // nil: secrets are not sealed
	apps     *table[account.AppID, *account.App]
	tokens   *table[account.TokenHash, *account.Token]
	sessions *table[string, *Session]
	nodes    *table[string, *Node]

	webhooks *table[account.AppID, *Webhook]

	presenceLocks presenceLocks
	memory        atomic.Pointer[presenceMemory] // nil if other processes use the engine
	seenPresence  atomic.Bool                    // there was a login session once
	nonePresence  atomic.Uint64                  // Changes + 1 of login sessions when there was none
}

// New returns a Registry of the records of e. It seals the secrets of apps with the keys
// of ring. If ring is nil, it stores secrets unsealed.
func New(e account.Records, ring *seal.Ring) *Registry {
	r := withKeys(ring)
	r.e = e
	r.apps = newTable(e, kindApp, parseAppKey, r.openApp)
	r.tokens = newTable(e, kindToken, parseTokenKey, decode[account.Token])
	r.sessions = newTable(e, kindSession, sessionKey, decode[Session])
	r.nodes = newTable(e, kindNode, nodeKey, decode[Node])
	r.webhooks = newTable(e, kindWebhook, parseAppKey, r.openWebhook)
	return r
}

// withKeys returns a Registry without an engine, which only opens and seals secrets.
func withKeys(ring *seal.Ring) *Registry {
	r := new(Registry)
	r.ring.Store(ring)
	return r
}

// Open returns a Registry that seals secrets with the keys in file. It creates the file
// if it does not exist and no secret is sealed yet. Open opens every secret once to check
// the keys. Its error is one sentence that names what is missing. It refuses a store that is
// an unfinished copy of another one.
func Open(ctx context.Context, e account.Records, file string) (*Registry, error) {
	if err := refuseUnfinished(ctx, e); err != nil {
		return nil, err
	}
	ring, err := openRing(ctx, e, file)
	if err != nil {
		return nil, err
	}
	return open(ctx, e, ring)
}

// OpenShared is [Open] for an engine that several servers use, which all need the same keys.
// It keeps the fingerprints of the keys in the engine, and refuses a file with other keys
// even if no secret is sealed yet. Otherwise a server could seal a secret that another
// server, which runs already, cannot open.
func OpenShared(ctx context.Context, e account.Records, file string) (*Registry, error) {
	if err := refuseUnfinished(ctx, e); err != nil {
		return nil, err
	}
	if err := missingShared(ctx, e, file); err != nil {
		return nil, err
	}
	ring, err := openRing(ctx, e, file)
	if err != nil {
		return nil, err
	}
	r, err := open(ctx, e, ring) // before its keys become those of all servers
	if err != nil {
		return nil, err
	}
	return r, shareKeys(ctx, e, ring)
}

// openRing reads the keys in file. It creates the file if no secret is sealed yet.
func openRing(ctx context.Context, e account.Records, file string) (*seal.Ring, error) {
	ring, err := seal.ReadRing(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := nothingSealed(ctx, e, file); err != nil {
			return nil, err
		}
		return seal.CreateRing(file)
	}
	return ring, err
}

func open(ctx context.Context, e account.Records, ring *seal.Ring) (*Registry, error) {
	r := New(e, ring)
	return r, r.readSecrets(ctx)
}

// readSecrets opens every secret.
func (r *Registry) readSecrets(ctx context.Context) error {
	_, err := r.Apps(ctx)
	if err == nil {
		_, err = r.Webhooks(ctx)
	}
	return err
}

// Check reports whether [Open] would succeed, without creating the file. It opens every
// secret of e with the keys in file. If there is no file, it checks that no secret is
// sealed.
func Check(ctx context.Context, e account.Records, file string) error {
	if err := refuseUnfinished(ctx, e); err != nil {
		return err
	}
	ring, err := seal.ReadRing(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nothingSealed(ctx, e, file)
	}
	if err != nil {
		return err
	}
	return New(e, ring).readSecrets(ctx)
}

// nothingSealed returns an error if e contains a sealed secret, which a new file of keys
// could not open.
func nothingSealed(ctx context.Context, e account.Records, file string) error {
	apps, err := New(e, nil).Apps(ctx)
	if err != nil {
		return err
	}
	sealed := slices.ContainsFunc(apps, func(a *account.App) bool { return slices.ContainsFunc(a.Keys, seal.Sealed) })
	if !sealed {
		hooks, err := New(e, nil).Webhooks(ctx)
		if err != nil {
			return err
		}
		sealed = slices.ContainsFunc(hooks, func(w *Webhook) bool { return slices.ContainsFunc(w.keys(), seal.Sealed) })
	}
	if sealed {
		return fmt.Errorf("the file of sealing keys %s is missing, and the store contains secrets that it sealed; restore it, or copy it from another server of the database", file)
	}
	return nil
}
