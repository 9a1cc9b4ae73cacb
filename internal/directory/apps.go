package directory

import (
	"context"
	"fmt"
	"slices"

	"rollcall/internal/account"
)

// CreateApp stores a new app and imports its admins, who are accounts, counted
// but not bound by the quota. Administrator is an admin from the start.
//
// Codes: InvalidApp, Exists.
func (d *Directory) CreateApp(ctx context.Context, actor string, app account.App) (*account.App, error) {
	app.Created = account.Millis(d.Now(app.ID))
	if !app.IsAdmin(account.Administrator) {
		app.Admins = append([]account.UserID{account.Administrator}, app.Admins...)
	}
	if err := app.Validate(); err != nil {
		return nil, err
	}
	// Admins first: if this stops half way, a repeated call does the rest.
	if err := d.importAdmins(ctx, app.ID, app.Admins); err != nil {
		return nil, err
	}
	return d.store.CreateApp(ctx, app, d.entry(actor, "app.create", app.ID, "edition "+string(app.Edition)))
}

// ChangeApp applies fn to a copy of the app, judges the result and stores it.
// Action and detail go into the audit trail; they must not hold a secret.
//
// Codes: NoApp, InvalidApp, and those of fn.
func (d *Directory) ChangeApp(ctx context.Context, actor string, c AppChange) (*account.App, error) {
	return d.store.UpdateApp(ctx, c.App, func(app account.App) (account.App, error) {
		if err := c.Apply(&app); err != nil {
			return account.App{}, err
		}
		return app, app.Validate()
	}, d.entry(actor, c.Action, c.App, c.Detail))
}

// An AppChange is one change of an app's record.
type AppChange struct {
	App    account.AppID
	Action string // for the audit trail, as "key.add"
	Detail string // for the audit trail
	Apply  func(*account.App) error
}

// AddKey gives the app one more key. Keys that it had stay active.
//
// Codes: NoApp, InvalidApp.
func (d *Directory) AddKey(ctx context.Context, actor string, app account.AppID, k account.Key) (*account.App, error) {
	k.Created = account.Millis(d.Now(app))
	return d.ChangeApp(ctx, actor, AppChange{app, "key.add", k.String(), func(a *account.App) error {
		a.Keys = append(a.Keys, k)
		return nil
	}})
}

// RetireKey ends the use of a key now.
//
// Codes: NoApp, InvalidApp if the app has no such key.
func (d *Directory) RetireKey(ctx context.Context, actor string, app account.AppID, keyID string) (*account.App, error) {
	now := account.Millis(d.Now(app))
	return d.ChangeApp(ctx, actor, AppChange{app, "key.retire", keyID, func(a *account.App) error {
		i := slices.IndexFunc(a.Keys, func(k account.Key) bool { return k.ID == keyID })
		if i < 0 {
			return &account.Error{Code: account.InvalidApp, Detail: fmt.Sprintf("the app has no key %q", keyID)}
		}
		a.Keys[i].Retired = now
		return nil
	}})
}

// SetAdmins replaces the admins of an app. New ones are imported; those who
// are no longer admins stay accounts.
//
// Codes: NoApp, InvalidApp.
func (d *Directory) SetAdmins(ctx context.Context, actor string, app account.AppID, admins []account.UserID) (*account.App, error) {
	current, err := d.App(ctx, app)
	if err != nil {
		return nil, err
	}
	next := current.Clone()
	next.Admins = admins
	if err := next.Validate(); err != nil {
		return nil, err
	}
	if err := d.importAdmins(ctx, app, admins); err != nil {
		return nil, err
	}
	return d.ChangeApp(ctx, actor, AppChange{app, "admin.set", fmt.Sprint(admins), func(a *account.App) error {
		a.Admins = slices.Clone(admins)
		return nil
	}})
}

func (d *Directory) importAdmins(ctx context.Context, app account.AppID, admins []account.UserID) error {
	items := make([]account.Upsert, len(admins))
	for i, id := range admins {
		items[i].ID = id
	}
	_, err := d.store.Upsert(ctx, app, items, account.UpsertPolicy{Now: d.Now(app), TombstoneBefore: account.AnyTombstone})
	return err
}

func (d *Directory) entry(actor, action string, app account.AppID, detail string) account.AuditEntry {
	return account.AuditEntry{Time: account.Millis(d.Now(app)), Actor: actor, Action: action, App: app, Detail: detail}
}
