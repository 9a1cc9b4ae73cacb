package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rollcall/internal/account"
)

// CanReplace reports whether the store can reset apps, take and restore snapshots, and
// remove apps with their accounts; see [account.Dumper].
func (d *Directory) CanReplace() bool {
	_, ok := account.Find[account.Dumper](d.store)
	return ok
}

// Actions of events of an app whose accounts were replaced as a whole.
const (
	ActionReset   = "app.reset"
	ActionRestore = "snapshot.restore"
)

// Reset removes all accounts, robots, tombstones, kicks and mutes of a test app, and lets
// its clock show real time. The admins get new accounts. Keys, admins and settings stay.
//
// Reset is atomic for an app with up to [account.MaxReplaced] accounts. It deletes those
// above this number beforehand.
//
// Codes: NoApp, InvalidApp if the app is no test app. The store must be able to; see
// [Directory.CanReplace].
func (d *Directory) Reset(ctx context.Context, actor string, id account.AppID) (*account.App, error) {
	app, err := d.App(ctx, id)
	if err == nil {
		err = d.mustBeTest(app)
	}
	if err == nil {
		err = d.thin(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	return d.replace(ctx, actor, replacement{ActionReset, "", new(account.Dump), savedRecords{}}, id, func(a *account.App) { a.Clock = account.AppClock{} })
}

// A replacement is new content for the accounts of an app. action and detail are for the
// audit trail.
type replacement struct {
	action, detail string
	dump           *account.Dump
	also           savedRecords
}

// replace replaces the accounts of a test app, and changes its record with apply.
func (d *Directory) replace(ctx context.Context, actor string, r replacement, id account.AppID, apply func(*account.App)) (*account.App, error) {
	by := d.entry(ctx, actor, r.action, id, r.detail)
	e, also := d.appEvent(account.EventAppChanged, by)
	void, err := d.records.DropImports(ctx, id) // their rows are gone
	if err != nil {
		return nil, err
	}
	mutes, err := d.records.ReplaceMutes(ctx, id, r.also.mutes)
	if err != nil {
		return nil, err
	}
	robots, err := d.records.ReplaceRobots(ctx, id, r.also.robots)
	if err != nil {
		return nil, err
	}
	also = slices.Concat(also, void, mutes, robots)
	changed, err := d.records.ReplaceAccounts(ctx, r.dump, func(app account.App) (account.App, error) {
		err := d.mustBeTest(&app)
		apply(&app)
		return app, err
	}, by, also...)
	if err != nil {
		return nil, tooManyToReplace(err)
	}
	d.removeSessions(e)
	d.announce(e)
	return changed, nil
}

// tooManyToReplace returns err with a sentence if accounts were imported too fast for thin.
func tooManyToReplace(err error) error {
	if account.CodeOf(err) == account.Conflict {
		return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("the app has more than %d accounts; stop importing, and try again", account.MaxReplaced)}
	}
	return err
}

// thin deletes accounts of an app until a commit can replace the rest.
func (d *Directory) thin(ctx context.Context, id account.AppID) error {
	for {
		n, err := d.store.Count(ctx, id)
		if err != nil || n <= account.MaxReplaced {
			return err
		}
		page, err := d.store.List(ctx, id, account.ListQuery{Limit: account.MaxListLimit})
		if err != nil {
			return err
		}
		ids := make([]account.UserID, len(page.Accounts))
		for i, a := range page.Accounts {
			ids[i] = a.ID
		}
		if _, err := d.store.Delete(ctx, id, ids, account.ChangePolicy{Now: d.Now(id)}); err != nil {
			return err
		}
	}
}

// RemoveExpired removes every test app whose Expires has passed, together with its
// accounts, and returns their ids. It goes on after an app that cannot be removed. It
// removes nothing on a server that does not allow test apps.
func (d *Directory) RemoveExpired(ctx context.Context) (removed []account.AppID, err error) {
	if !d.testApps {
		return nil, nil
	}
	apps, err := d.Apps(ctx)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, app := range apps {
		if !d.expired(app) {
			continue
		}
		switch err := d.removeExpired(ctx, app.ID); {
		case err == nil:
			removed = append(removed, app.ID)
		case account.CodeOf(err) != account.NoApp && !errors.Is(err, errNotExpired): // another node was faster
			errs = append(errs, fmt.Errorf("app %d: %w", app.ID, err))
		}
	}
	return removed, errors.Join(errs...)
}

func (d *Directory) expired(app *account.App) bool {
	return app.Test && !app.Expires.IsZero() && !d.clock(app.ID).Before(app.Expires)
}

// errNotExpired ends the removal of an app that has been replaced by another one.
var errNotExpired = errors.New("the app has not expired")

func (d *Directory) removeExpired(ctx context.Context, id account.AppID) error {
	if err := d.thin(ctx, id); err != nil {
		return err
	}
	by := d.entry(ctx, ServerActor, "app.expire", id, "")
	e, also, err := d.deletion(ctx, by)
	if err != nil {
		return err
	}
	err = d.records.DeleteWithAccounts(ctx, func(stored *account.App) error {
		if !d.expired(stored) {
			return errNotExpired
		}
		return nil
	}, by, also...)
	if err != nil {
		return tooManyToReplace(err)
	}
	d.announce(e)
	return nil
}

// checkExpiry refuses a new app whose Expires is not in the future, or that the store could
// not remove.
func (d *Directory) checkExpiry(app *account.App) error {
	switch {
	case app.Expires.IsZero():
		return nil
	case !app.Expires.After(d.clock(app.ID)):
		return notAllowed(fmt.Sprintf("the app would expire at %s, which is past; give a later time", app.Expires.UTC().Format(time.RFC3339)))
	case !d.CanReplace():
		return notAllowed("this store cannot remove an app with its accounts; create the app without expires_at")
	}
	return nil
}
