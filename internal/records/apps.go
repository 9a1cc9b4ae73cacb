package records

import (
	"context"

	"rollcall/internal/account"
)

// CreateApp stores a with Version 1, creates its space with accounts for its admins, and
// adds by to the audit trail, in one commit. These accounts are created at the Time of
// by, regardless of quota and tombstones. The commit contains the writes in extra, too.
//
// Codes: Exists, BadParameter if the record is too large.
func (r *Registry) CreateApp(ctx context.Context, a account.App, by account.AuditEntry, extra ...account.Write) (*account.App, error) {
	a = a.Clone()
	a.Version = 1
	writes := withEntry(a.ID, by, r.writeApp(&a, nil, 0))
	_, err := r.e.Commit(ctx, account.Commit{Writes: append(writes, extra...), Spaces: spaceOf(&a, by, nil)})
	switch account.CodeOf(err) {
	case account.OK:
		return &a, nil
	case account.Stale:
		return nil, &account.Error{Code: account.Exists, Detail: "an app with that SDKAppID exists"}
	}
	return nil, err
}

// spaceOf returns the space of a, for a commit. replace is its Replace.
func spaceOf(a *account.App, by account.AuditEntry, replace *account.Dump) []account.Space {
	return []account.Space{{App: a.ID, Admins: a.Admins, Now: a.Clock.Now(by.Time), Replace: replace}}
}

// App returns one app. It costs no more than a look-up in memory. If another handle of
// the engine has changed the app, App can return the state of up to [account.MaxStale]
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

// errNoApp is shared because each request for an unknown app returns it.
var errNoApp error = &account.Error{Code: account.NoApp, Detail: "no app has that SDKAppID"}

// Apps returns all apps in the order of their ids, with the delay of [Registry.App]. They
// are shared and must not be changed.
func (r *Registry) Apps(ctx context.Context) ([]*account.App, error) { return r.apps.all(ctx) }

// UpdateApp stores the app that fn returns, with the next Version, adds by to the audit
// trail and creates accounts for new admins, in one commit. The commit
// contains the writes in extra, too.
//
// fn gets a copy of the app. It may run several times, because another change may come
// first, and must have no side effects. If fn returns an error, nothing is stored and
// UpdateApp returns that error unchanged. ID, Created and Version cannot be changed.
//
// Codes: NoApp, BadParameter if the record is too large, and those of fn.
func (r *Registry) UpdateApp(ctx context.Context, id account.AppID, fn func(account.App) (account.App, error), by account.AuditEntry, extra ...account.Write) (*account.App, error) {
	return r.changeApp(ctx, appCommit{id, by, nil, extra}, r.opened(fn))
}

// ReplaceAccounts is UpdateApp, and replaces all accounts of the app by those of dump in
// the same commit; see [account.Space.Replace]. The engine must be an [account.Dumper].
//
// Codes: NoApp, Conflict if the app has too many accounts, and those of fn.
func (r *Registry) ReplaceAccounts(ctx context.Context, dump *account.Dump, fn func(account.App) (account.App, error), by account.AuditEntry, extra ...account.Write) (*account.App, error) {
	return r.changeApp(ctx, appCommit{by.App, by, dump, extra}, r.opened(fn))
}

// opened returns fn as a function of changeApp. It passes the app to fn with opened
// secrets.
func (r *Registry) opened(fn func(account.App) (account.App, error)) changeFunc {
	return func(stored *account.App) (next, keep *account.App, err error) {
		open, err := r.unseal(stored)
		if err != nil {
			return nil, nil, err
		}
		next, err = open.Next(fn)
		return next, stored, err
	}
}

// An appCommit is what belongs to the commit of a changed app.
type appCommit struct {
	id      account.AppID
	by      account.AuditEntry
	replace *account.Dump
	extra   []account.Write
}

// A changeFunc returns the app next to store in place of the stored form of an app.
type changeFunc func(stored *account.App) (next, keep *account.App, err error)

// changeApp passes the stored form of an app to fn and stores the app next that fn
// returns. Secrets that keep already contains remain in their stored form. changeApp
// retries as long as another change of the app comes first.
func (r *Registry) changeApp(ctx context.Context, c appCommit, fn changeFunc) (*account.App, error) {
	for {
		stored, version, err := r.storedApp(ctx, c.id)
		if err != nil {
			return nil, err
		}
		next, keep, err := fn(stored)
		if err != nil {
			return nil, err
		}
		writes := withEntry(c.id, c.by, r.writeApp(next, keep, version))
		_, err = r.e.Commit(ctx, account.Commit{Writes: append(writes, c.extra...), Spaces: spaceOf(next, c.by, c.replace)})
		switch account.CodeOf(err) {
		case account.OK:
			return next, nil
		case account.Stale:
			continue
		}
		return nil, err
	}
}

// DeleteApp removes an app together with the accounts of its admins and its webhook, and
// adds by to the audit trail, in one commit. It is refused while the app has any other account. The
// commit contains the writes in extra, too.
//
// Codes: NoApp, Conflict.
func (r *Registry) DeleteApp(ctx context.Context, id account.AppID, by account.AuditEntry, extra ...account.Write) error {
	err := r.removeApp(ctx, appCommit{id, by, nil, extra}, func(*account.App) error { return nil })
	if account.CodeOf(err) == account.Conflict {
		return &account.Error{Code: account.Conflict, Detail: "the app has accounts besides its admins; delete them first"}
	}
	return err
}

// DeleteWithAccounts is DeleteApp for an app with any accounts, if check returns nil for
// the app that is stored. The engine must be an [account.Dumper].
//
// Codes: NoApp, Conflict if the app has too many accounts, and those of check.
func (r *Registry) DeleteWithAccounts(ctx context.Context, check func(*account.App) error, by account.AuditEntry, extra ...account.Write) error {
	return r.removeApp(ctx, appCommit{by.App, by, new(account.Dump), extra}, check)
}

// removeApp removes an app. It retries as long as a change of the app comes first.
func (r *Registry) removeApp(ctx context.Context, c appCommit, check func(stored *account.App) error) error {
	for {
		stored, version, err := r.storedApp(ctx, c.id)
		if err == nil {
			err = check(stored)
		}
		if err != nil {
			return err
		}
		gone := account.Write{Kind: kindApp, Key: appKey(c.id), If: version}
		_, err = r.e.Commit(ctx, account.Commit{
			Writes: append(withEntry(c.id, c.by, append(removeWebhook(c.id), gone)...), c.extra...),
			Spaces: []account.Space{{App: c.id, Remove: true, Replace: c.replace}},
		})
		if account.CodeOf(err) != account.Stale {
			return err
		}
	}
}

// StoredApp is [Registry.App] without the delay, because it reads from the engine.
func (r *Registry) StoredApp(ctx context.Context, id account.AppID) (*account.App, error) {
	stored, _, err := r.storedApp(ctx, id)
	if err != nil {
		return nil, err
	}
	return r.unseal(stored)
}

// storedApp returns the current stored form of an app and its version in the engine.
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

// writeApp returns the write that replaces the record with the given version by a. It
// seals all secrets except those that keep already contains. keep is a stored form or nil.
func (r *Registry) writeApp(a, keep *account.App, version uint64) account.Write {
	sealed := r.seal(a, keep)
	return account.Write{Kind: kindApp, Key: appKey(a.ID), Value: encode(sealed.Stored()), If: version}
}
