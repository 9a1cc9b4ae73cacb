// Package sealed wraps an [account.Engine] so that the HMAC secrets of apps are
// sealed in it: what reaches the engine, and with it disks and backups, is of no
// use without a file of keys that is kept apart. Public keys stay as they are.
//
// The file, by default seal.keys in the data folder, is made on the first start.
// The nodes of a cluster share it. To change the key, add a line (see
// [ReadRing]), restart every node, and reseal; then older lines may go.
package sealed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"rollcall/internal/account"
)

// Open wraps e with the keys in file, which is made if there is none and nothing
// is sealed yet. It opens every secret once: its error is one sentence that names
// what is missing.
func Open(ctx context.Context, e account.Engine, file string) (account.Engine, error) {
	ring, err := ReadRing(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := nothingSealed(ctx, e, file); err != nil {
			return nil, err
		}
		ring, err = createRing(file)
	}
	if err != nil {
		return nil, err
	}
	s := New(e, ring)
	if _, err := s.Apps(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Check does what [Open] would, but creates no file and changes nothing: it opens
// every secret of e with the keys in file, or sees that none is sealed.
func Check(ctx context.Context, e account.Engine, file string) error {
	ring, err := ReadRing(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nothingSealed(ctx, e, file)
	}
	if err != nil {
		return err
	}
	_, err = New(e, ring).Apps(ctx)
	return err
}

// nothingSealed returns an error if a new file of keys could not open what e
// holds.
func nothingSealed(ctx context.Context, e account.Engine, file string) error {
	as, err := e.Apps(ctx)
	if err != nil {
		return err
	}
	for _, a := range as {
		if slices.ContainsFunc(a.Keys, func(k account.Key) bool { return sealable(k) && isSealed(k.Secret) }) {
			return fmt.Errorf("the file of sealing keys %s is missing, and the store holds secrets that it sealed; restore it", file)
		}
	}
	return nil
}

// New wraps e with the keys of ring.
func New(e account.Engine, ring *Ring) account.Engine { return &engine{Engine: e, ring: ring} }

// An engine forwards to the embedded one, but for records of apps.
type engine struct {
	account.Engine
	ring   *Ring
	opened sync.Map // AppID → opened
}

// An opened is a record as it is stored, and what it is when its secrets are
// open. The engine returns the same record until the app changes.
type opened struct {
	stored, open *account.App
}

var _ account.Resealer = (*engine)(nil)

// Unwrap returns the engine that holds sealed secrets.
func (e *engine) Unwrap() account.Engine { return e.Engine }

// reveal returns stored with its secrets open.
func (e *engine) reveal(stored *account.App) (*account.App, error) {
	if v, ok := e.opened.Load(stored.ID); ok {
		if v := v.(opened); v.stored == stored {
			return v.open, nil
		}
	}
	open, err := e.unseal(stored)
	if err != nil {
		return nil, err
	}
	e.opened.Store(stored.ID, opened{stored, &open})
	return &open, nil
}

// unseal returns a copy of stored with its secrets open.
func (e *engine) unseal(stored *account.App) (account.App, error) {
	open := stored.Clone()
	for i, k := range open.Keys {
		if !sealable(k) {
			continue
		}
		secret, err := e.ring.open(open.ID, k)
		if err != nil {
			return account.App{}, err
		}
		open.Keys[i].Secret = secret
	}
	return open, nil
}

// seal returns a copy of a with its secrets sealed. A secret that before, the
// stored record, holds already keeps its stored form.
func (e *engine) seal(a account.App, before *account.App) account.App {
	a = a.Clone()
	for i, k := range a.Keys {
		if sealable(k) {
			a.Keys[i].Secret = e.sealKey(a.ID, k, before)
		}
	}
	return a
}

func (e *engine) sealKey(app account.AppID, k account.Key, before *account.App) string {
	if before != nil {
		for _, old := range before.Keys {
			if old.ID != k.ID || !isSealed(old.Secret) {
				continue
			}
			if secret, err := e.ring.open(app, old); err == nil && secret == k.Secret {
				return old.Secret
			}
		}
	}
	return e.ring.seal(app, k)
}

// CreateApp implements [account.Apps].
func (e *engine) CreateApp(ctx context.Context, a account.App, by account.AuditEntry) (*account.App, error) {
	stored, err := e.Engine.CreateApp(ctx, e.seal(a, nil), by)
	if err != nil {
		return nil, err
	}
	return e.reveal(stored)
}

// App implements [account.Apps].
func (e *engine) App(ctx context.Context, id account.AppID) (*account.App, error) {
	stored, err := e.Engine.App(ctx, id)
	if err != nil {
		return nil, err
	}
	return e.reveal(stored)
}

// Apps implements [account.Apps].
func (e *engine) Apps(ctx context.Context) ([]*account.App, error) {
	as, err := e.Engine.Apps(ctx)
	if err != nil {
		return nil, err
	}
	as = slices.Clone(as)
	for i, stored := range as {
		if as[i], err = e.reveal(stored); err != nil {
			return nil, err
		}
	}
	return as, nil
}

// UpdateApp implements [account.Apps].
func (e *engine) UpdateApp(ctx context.Context, id account.AppID, fn func(account.App) (account.App, error), by account.AuditEntry) (*account.App, error) {
	stored, err := e.Engine.UpdateApp(ctx, id, func(before account.App) (account.App, error) {
		open, err := e.unseal(&before)
		if err != nil {
			return account.App{}, err
		}
		next, err := fn(open)
		if err != nil {
			return account.App{}, err
		}
		next.ID = before.ID // it cannot be changed, and secrets are sealed to it
		return e.seal(next, &before), nil
	}, by)
	if err != nil {
		return nil, err
	}
	return e.reveal(stored)
}

// DeleteApp implements [account.Apps].
func (e *engine) DeleteApp(ctx context.Context, id account.AppID, by account.AuditEntry) error {
	err := e.Engine.DeleteApp(ctx, id, by)
	if err == nil {
		e.opened.Delete(id)
	}
	return err
}

// Reseal implements [account.Resealer]. A secret that changes meanwhile is
// sealed with the newest key anyhow.
func (e *engine) Reseal(ctx context.Context, by account.AuditEntry) (int, error) {
	as, err := e.Engine.Apps(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, a := range as {
		n, err := e.resealApp(ctx, a, by)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// resealApp seals the secrets of one app, unless all are as they should be or
// the app has gone.
func (e *engine) resealApp(ctx context.Context, a *account.App, by account.AuditEntry) (n int, err error) {
	if e.stale(a) == 0 {
		return 0, nil
	}
	_, err = e.Engine.UpdateApp(ctx, a.ID, func(before account.App) (account.App, error) {
		n = e.stale(&before)
		open, err := e.unseal(&before)
		if err != nil {
			return account.App{}, err
		}
		return e.seal(open, nil), nil
	}, by)
	switch account.CodeOf(err) {
	case account.OK:
		return n, nil
	case account.NoApp:
		return 0, nil
	}
	return 0, err
}

// stale returns how many secrets of a stored record are not sealed with the
// newest key.
func (e *engine) stale(stored *account.App) (n int) {
	for _, k := range stored.Keys {
		if sealable(k) && !e.ring.current(k.Secret) {
			n++
		}
	}
	return n
}
