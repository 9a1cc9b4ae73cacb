package records

import (
	"context"
	"errors"

	"rollcall/internal/account"
	"rollcall/internal/seal"
)

// openApp decodes the stored form of an app and opens its secrets.
func (r *Registry) openApp(value []byte) (*account.App, error) {
	stored, err := decode[account.App](value)
	if err != nil {
		return nil, err
	}
	return r.unseal(stored)
}

// unseal returns a copy of stored with opened secrets.
func (r *Registry) unseal(stored *account.App) (*account.App, error) {
	open := stored.Clone()
	for i, k := range open.Keys {
		if r.ring.Load() == nil || !seal.Sealable(k) {
			continue
		}
		secret, err := r.ring.Load().Open(open.ID, k)
		if err != nil {
			return nil, err
		}
		open.Keys[i].Secret = secret
	}
	return &open, nil
}

// seal returns a copy of a with sealed secrets. keep is the stored form of an app, or nil.
// A secret that keep already contains retains its stored form.
func (r *Registry) seal(a, keep *account.App) account.App {
	sealed := a.Clone()
	for i, k := range sealed.Keys {
		if r.ring.Load() != nil && seal.Sealable(k) {
			sealed.Keys[i].Secret = r.sealKey(a.ID, k, keep)
		}
	}
	return sealed
}

func (r *Registry) sealKey(app account.AppID, k account.Key, keep *account.App) string {
	if keep != nil {
		for _, old := range keep.Keys {
			if old.ID != k.ID || !seal.Sealed(old) {
				continue
			}
			if secret, err := r.ring.Load().Open(app, old); err == nil && secret == k.Secret {
				return old.Secret
			}
		}
	}
	return r.ring.Load().Seal(app, k)
}

// Reseal seals every secret that is not sealed with the newest key, and returns their
// number. Each app that changes gets an entry like by in the audit trail. A secret that
// is changed meanwhile is sealed with the newest key in any case. able is false if the
// Registry does not seal secrets.
func (r *Registry) Reseal(ctx context.Context, by account.AuditEntry) (total int, able bool, err error) {
	if r.ring.Load() == nil {
		return 0, false, nil
	}
	apps, err := r.Apps(ctx)
	if err != nil {
		return 0, true, err
	}
	for _, a := range apps {
		n, err := r.resealApp(ctx, a.ID, by)
		if err != nil {
			return total, true, err
		}
		total += n
	}
	n, err := r.resealWebhooks(ctx, by)
	return total + n, true, err
}

// errSealed ends the change of an app that needs no resealing.
var errSealed = errors.New("every secret is sealed with the newest key")

// resealApp seals the secrets of one app and returns how many were outdated. It returns 0
// if the app does not exist any more.
func (r *Registry) resealApp(ctx context.Context, id account.AppID, by account.AuditEntry) (n int, err error) {
	_, err = r.changeApp(ctx, appCommit{id: id, by: by}, func(stored *account.App) (next, keep *account.App, err error) {
		if n = r.outdated(stored); n == 0 {
			return nil, nil, errSealed
		}
		open, err := r.unseal(stored)
		if err != nil {
			return nil, nil, err
		}
		next, err = open.Next(func(a account.App) (account.App, error) { return a, nil })
		return next, nil, err
	})
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, errSealed) || account.CodeOf(err) == account.NoApp:
		return 0, nil
	}
	return 0, err
}

// outdated returns the number of secrets of a stored app that are not sealed with the
// newest key.
func (r *Registry) outdated(stored *account.App) (n int) {
	for _, k := range stored.Keys {
		if !r.ring.Load().Current(k) {
			n++
		}
	}
	return n
}
