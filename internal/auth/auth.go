// Package auth identifies callers from an app, an identifier, a UserSig and the
// address that the call came from. All entry points use it, so a kick and a
// lockout hold for all of them. It knows neither HTTP nor the codes of the
// wire.
//
// A newcomer can skip cache.go, ecdsa.go and diagnose.go at first. They are for
// speed and for bounded costs.
package auth

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/usersig"
)

// Credentials are what a caller sends to be identified.
type Credentials struct {
	App        *account.App
	Identifier account.UserID
	UserSig    string
	Peer       netip.Addr // address of the caller; bad UserSigs are counted for it
}

// An Identity is a caller with a genuine UserSig. Its account need not exist.
type Identity struct {
	User  account.UserID
	Admin bool // User is an admin of the app

	Sig *usersig.Sig // what the UserSig says; shared, so it must not be changed
}

// ErrLockedOut refuses a peer that sent too many bad UserSigs, without a look
// at its current UserSig. See [account.Settings.LockoutAfter].
var ErrLockedOut = errors.New("too many bad UserSigs came from this address; wait a minute")

// An Authenticator identifies callers. It is safe for concurrent use.
type Authenticator struct {
	dir      *directory.Directory
	keys     *account.Derived[account.Key, *keyring]
	sigs     *sigCache
	ecdsa    *queue
	lockout  *lockout
	explains budget
	now      func() time.Time // real time, for lockouts and the budget
}

// New returns an Authenticator for the apps of dir.
func New(dir *directory.Directory) *Authenticator {
	a := &Authenticator{
		dir:      dir,
		keys:     account.NewDerived(func(app *account.App) []account.Key { return app.Keys }, newKeyring),
		sigs:     newSigCache(),
		ecdsa:    newQueue(),
		lockout:  newLockout(),
		explains: budget{perApp: explainsPerApp, total: explainsTotal},
		now:      time.Now,
	}
	dir.Listen(account.EventAppDeleted, func(e account.Event) { a.keys.Drop(e.App) })
	return a
}

// Identify returns the identity of the caller if its UserSig is genuine and was
// not signed before a kick of its user. The error is one of these:
//   - [ErrLockedOut].
//   - A [*usersig.Error]. Its Detail may be sent to the caller. The Detail
//     reveals nothing about a key to a caller who does not have the key.
//   - An error of the directory. Codes: Unavailable if ctx ends first.
func (a *Authenticator) Identify(ctx context.Context, c Credentials) (Identity, error) {
	now := a.dir.Now(c.App.ID)
	sig, err := a.verify(ctx, c, now)
	if err != nil {
		return Identity{}, err
	}
	kicked, err := a.dir.Watermark(ctx, c.App, c.Identifier)
	if err != nil {
		return Identity{}, err
	}
	if err := sig.CheckKick(kicked, now); err != nil {
		return Identity{}, err
	}
	return Identity{User: c.Identifier, Admin: c.App.IsAdmin(c.Identifier), Sig: sig}, nil
}

// verify checks the UserSig of c at now, which is the time of the app. If the
// app has a lockout, verify counts bad UserSigs and locks out their peer.
func (a *Authenticator) verify(ctx context.Context, c Credentials, now time.Time) (*usersig.Sig, error) {
	limit := c.App.Settings.LockoutAfter
	if limit <= 0 {
		return a.check(ctx, c, now)
	}
	who, at := suspect{c.App.ID, c.Peer}, a.now()
	if a.lockout.locked(who, limit, at) {
		return nil, ErrLockedOut
	}
	sig, err := a.check(ctx, c, now)
	if _, bad := errors.AsType[*usersig.Error](err); bad {
		a.lockout.strike(who, at)
	}
	return sig, err
}

// check checks the UserSig of c without counting, and explains why it refuses
// one.
func (a *Authenticator) check(ctx context.Context, c Credentials, now time.Time) (sig *usersig.Sig, err error) {
	if c.App.Settings.AnySignature && a.dir.MayFalsify(c.App) {
		if sig, err = usersig.Parse(c.UserSig); err == nil {
			err = sig.Check(uint32(c.App.ID), string(c.Identifier), now)
		}
	} else {
		sig, err = a.verifyCached(ctx, c, now)
	}
	if e, ok := errors.AsType[*usersig.Error](err); ok {
		return nil, a.explain(c, e, now)
	}
	return sig, err
}

// verifyCached verifies the UserSig of c, or finds it in the cache.
func (a *Authenticator) verifyCached(ctx context.Context, c Credentials, now time.Time) (*usersig.Sig, error) {
	ring := a.keys.Of(c.App)
	if sig := a.sigs.find(ring, c.UserSig, now); sig != nil {
		return sig, sig.Check(uint32(c.App.ID), string(c.Identifier), now)
	}
	keys, until := ring.active(now)
	verify := usersig.Verify
	if ring.ecdsa {
		if err := a.ecdsa.enter(ctx); err != nil {
			return nil, err
		}
		defer a.ecdsa.leave()
		verify = pauseAfterFailure
	}
	sig, err := verify(c.UserSig, c.request(keys, now))
	if err == nil {
		a.sigs.add(ring, c.UserSig, sig, until)
	}
	return sig, err
}

// request returns what the UserSig of c is verified against.
func (c *Credentials) request(keys []usersig.Key, now time.Time) usersig.Request {
	return usersig.Request{SDKAppID: uint32(c.App.ID), Identifier: string(c.Identifier), Keys: keys, Now: now}
}

// Forgive ends the lockouts of an app.
func (a *Authenticator) Forgive(app account.AppID) { a.lockout.forgive(app) }
