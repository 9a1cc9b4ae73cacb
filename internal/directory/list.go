package directory

import (
	"context"
	"time"

	"rollcall/internal/account"
)

// Apps returns all apps in the order of their ids. They are shared and must not be
// changed.
func (d *Directory) Apps(ctx context.Context) ([]*account.App, error) { return d.records.Apps(ctx) }

// Record adds an entry to the audit trail for an action that changes no app and no
// token. app is 0 if the action concerns no app. detail must not contain a secret.
func (d *Directory) Record(ctx context.Context, actor, action string, app account.AppID, detail string) error {
	return d.records.Record(ctx, d.entry(ctx, actor, action, app, detail))
}

// Entry returns the entry of the audit trail that [Directory.Record] adds, for a commit of
// the caller.
func (d *Directory) Entry(ctx context.Context, actor, action string, app account.AppID, detail string) account.AuditEntry {
	return d.entry(ctx, actor, action, app, detail)
}

// Audit returns entries of the audit trail, newest first.
func (d *Directory) Audit(ctx context.Context, q account.AuditQuery) ([]account.AuditEntry, error) {
	return d.records.Audit(ctx, q)
}

// List returns accounts of an app in the byte order of their ids.
// Codes: NoApp.
func (d *Directory) List(ctx context.Context, app account.AppID, q account.ListQuery) (account.ListPage, error) {
	if _, err := d.App(ctx, app); err != nil {
		return account.ListPage{}, err
	}
	return d.store.List(ctx, app, q)
}

// Count returns the exact number of accounts of an app.
// Codes: NoApp.
func (d *Directory) Count(ctx context.Context, app account.AppID) (int64, error) {
	if _, err := d.App(ctx, app); err != nil {
		return 0, err
	}
	return d.store.Count(ctx, app)
}

// Account returns one account.
// Codes: NoApp, NoAccount.
func (d *Directory) Account(ctx context.Context, app account.AppID, id account.UserID) (account.Account, error) {
	if _, err := d.App(ctx, app); err != nil {
		return account.Account{}, err
	}
	as, err := d.store.Lookup(ctx, app, []account.UserID{id})
	if err != nil {
		return account.Account{}, err
	}
	if as[0].InternalID == 0 {
		return account.Account{}, &account.Error{Code: account.NoAccount, Detail: "the app has no account with that UserID"}
	}
	return as[0], nil
}

// Tombstone returns when an account was deleted, and until when its id cannot be imported
// again. deleted is zero if the account was not deleted, or if the store does not say. until
// is zero if the app has no ban.
//
// Codes: NoApp.
func (d *Directory) Tombstone(ctx context.Context, id account.AppID, user account.UserID) (deleted, until time.Time, err error) {
	app, err := d.App(ctx, id)
	if err != nil {
		return deleted, until, err
	}
	r, ok := account.Find[account.Rememberer](d.store)
	if !ok {
		return deleted, until, nil
	}
	deleted, err = r.Deleted(ctx, id, user)
	if ban := app.TombstoneBan(); err == nil && !deleted.IsZero() && ban > 0 {
		until = deleted.Add(ban)
	}
	return deleted, until, err
}
