package records

import (
	"context"

	"rollcall/internal/account"
)

// CreateApp stores a with Version 1, opens its space with accounts for its admins, and
// puts by into the audit trail, in one commit. Those accounts are created at the Time of
// by, past any quota and tombstone. also is written in the same commit.
//
// Codes: Exists, BadParameter if the record is too large.
func (r *Registry) CreateApp(ctx context.Context, a account.App, by account.AuditEntry, also ...account.Write) (*account.App, error) {
	a = a.Clone()
	a.Version = 1
	writes := entered(a.ID, by, r.writeApp(&a, nil, 0))
	_, err := r.e.Commit(ctx, account.Commit{Writes: append(writes, also...), Spaces: spaceOf(&a, by)})
	switch account.CodeOf(err) {
	case account.OK:
		return &a, nil
	case account.Stale:
		return nil, &account.Error{Code: account.Exists, Detail: "an app of that SDKAppID exists"}
	}
	return nil, err
}

// spaceOf returns what a commit makes of the accounts of a.
func spaceOf(a *account.App, by account.AuditEntry) []account.Space {
	return []account.Space{{App: a.ID, Admins: a.Admins, Now: by.Time}}
}

// App returns one app. It costs no more than a look-up in memory. If another handle of
// the engine has changed the app, App can answer what was true up to [account.MaxStale]
// ago. The app is shared and must not be changed.
//
// Codes: NoApp.
func (r *Registry) App(ctx context.Context, id account.AppID) (*account.App, error) {
	a, ok, err := r.apps.get(ctx, id)
	if err == nil && !ok {
		return nil, errNoApp
	}
	return a, err
}

// errNoApp is shared: it is made on the path of each request of an unknown app.
var errNoApp error = &account.Error{Code: account.NoApp, Detail: "no app has that SDKAppID"}

// Apps returns all apps in the order of their ids, as late as [Registry.App] does. They
// are shared and must not be changed.
func (r *Registry) Apps(ctx context.Context) ([]*account.App, error) { return r.apps.all(ctx) }

// UpdateApp stores what fn makes of the app, with the next Version, puts by into the
// audit trail and gives new admins their accounts, in one commit. also is written in the
// same commit.
//
// fn gets a copy of its own. It may run several times, because another change may come
// first, and must have no side effects. If it returns an error, nothing is stored and
// UpdateApp returns that error as it is. ID, Created and Version cannot be changed.
//
// Codes: NoApp, BadParameter if the record is too large, and those of fn.
func (r *Registry) UpdateApp(ctx context.Context, id account.AppID, fn func(account.App) (account.App, error), by account.AuditEntry, also ...account.Write) (*account.App, error) {
	return r.changeApp(ctx, id, by, also, func(stored *account.App) (next, keep *account.App, err error) {
		open, err := r.unseal(stored)
		if err != nil {
			return nil, nil, err
		}
		next, err = open.Next(fn)
		return next, stored, err
	})
}

// changeApp stores the app next that fn makes of the stored form of an app; secrets that
// keep holds already stay in their stored form. It repeats that as long as another change
// of the app comes first.
func (r *Registry) changeApp(ctx context.Context, id account.AppID, by account.AuditEntry, also []account.Write, fn func(stored *account.App) (next, keep *account.App, err error)) (*account.App, error) {
	for {
		stored, version, err := r.storedApp(ctx, id)
		if err != nil {
			return nil, err
		}
		next, keep, err := fn(stored)
		if err != nil {
			return nil, err
		}
		writes := entered(id, by, r.writeApp(next, keep, version))
		_, err = r.e.Commit(ctx, account.Commit{Writes: append(writes, also...), Spaces: spaceOf(next, by)})
		switch account.CodeOf(err) {
		case account.OK:
			return next, nil
		case account.Stale:
			continue
		}
		return nil, err
	}
}

// DeleteApp removes an app together with the accounts of its admins, and puts by into the
// audit trail, in one commit. It is refused while the app has any other account. also is
// written in the same commit.
//
// Codes: NoApp, Conflict.
func (r *Registry) DeleteApp(ctx context.Context, id account.AppID, by account.AuditEntry, also ...account.Write) error {
	for {
		_, version, err := r.storedApp(ctx, id)
		if err != nil {
			return err
		}
		gone := account.Write{Kind: kindApp, Key: appKey(id), If: version}
		_, err = r.e.Commit(ctx, account.Commit{
			Writes: append(entered(id, by, gone), also...),
			Spaces: []account.Space{{App: id, Remove: true}},
		})
		switch account.CodeOf(err) {
		case account.Stale:
			continue
		case account.Conflict:
			return &account.Error{Code: account.Conflict, Detail: "the app has accounts besides its admins; delete them first"}
		}
		return err
	}
}

// storedApp returns the stored form of an app and its version in the engine, exactly as
// they are now.
func (r *Registry) storedApp(ctx context.Context, id account.AppID) (*account.App, uint64, error) {
	rec, err := r.e.Record(ctx, kindApp, appKey(id))
	if account.CodeOf(err) == account.NoRecord {
		return nil, 0, errNoApp
	}
	if err != nil {
		return nil, 0, err
	}
	a, err := decode[account.App](rec.Value)
	if err != nil {
		return nil, 0, damaged(kindApp, rec.Key, err)
	}
	return a, rec.Version, nil
}

// writeApp returns the write of a over the record of a version. It seals the secrets but
// those that keep, a stored form or nil, holds already.
func (r *Registry) writeApp(a, keep *account.App, version uint64) account.Write {
	sealed := r.seal(a, keep)
	return account.Write{Kind: kindApp, Key: appKey(a.ID), Value: encode(sealed.Stored()), If: version}
}
