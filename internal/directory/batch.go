package directory

import (
	"context"
	"slices"
	"time"

	"rollcall/internal/account"
)

// A CheckResult reports whether an id is imported. Its Code is OK or InvalidID.
type CheckResult struct {
	Result
	Exists bool
}

// Check reports which ids are imported. Results are in the order of ids, and a repeated
// id has a result each time. A deleted account is not imported.
func (d *Directory) Check(ctx context.Context, app *account.App, ids []account.UserID) ([]CheckResult, error) {
	return d.CheckInto(ctx, app, ids, nil)
}

// CheckInto is Check for callers that reuse memory. It returns the results in the memory
// of results if that is large enough, and overwrites its content.
func (d *Directory) CheckInto(ctx context.Context, app *account.App, ids []account.UserID, results []CheckResult) ([]CheckResult, error) {
	status, err := d.store.Status(ctx, app.ID, ids)
	if err != nil {
		return nil, err
	}
	results = slices.Grow(results[:0], len(ids))
	for i, id := range ids {
		r := CheckResult{Result{Code: account.OK}, status[i].Exists()}
		if !r.Exists { // an id that exists was validated when it was imported
			if err := id.Validate(app.Settings.StrictIDs); err != nil {
				r.Result = failed(err)
			}
		}
		results = append(results, r)
	}
	return results, nil
}

// Delete removes accounts and leaves tombstones. A repeated id is deleted once; its
// further results have the Code NoAccount.
//
// Codes of results: OK, NoAccount, InvalidID, AdminProtected. Codes of the
// whole call: DeletionOff.
func (d *Directory) Delete(ctx context.Context, app *account.App, ids []account.UserID) ([]Result, error) {
	if !app.DeletionAllowed() {
		return nil, &account.Error{Code: account.DeletionOff}
	}
	results := make([]Result, len(ids))
	var good []account.UserID
	for i, id := range ids {
		results[i].Code = account.OK
		if err := id.Validate(false); err != nil {
			results[i] = failed(err)
			continue
		}
		good = append(good, id)
	}
	if len(good) == 0 {
		return results, nil
	}
	p := account.ChangePolicy{Now: d.Now(app.ID)}
	event := d.deletionEvent(app.ID, p.Now, good)
	p.Outbox = event.outbox()
	codes, err := d.store.Delete(ctx, app.ID, good, p)
	if err != nil {
		return nil, err
	}
	event.announce(codes)
	d.countDeleted(app.ID, codes)
	for i := range results {
		if results[i].Code == account.OK {
			results[i], codes = outcome(app, ids[i], codes[0]), codes[1:]
		}
	}
	return results, nil
}

// outcome returns the Result for the store's Code of a change of an account.
func outcome(app *account.App, id account.UserID, c account.Code) Result {
	switch c {
	case account.AdminProtected:
		return Result{c, "the account is an admin; take the role away first"}
	case account.NoAccount:
		return Result{c, app.WhyUnknown(id)}
	}
	return Result{Code: c}
}

// Kick sets the watermark of an account to now, in whole seconds. UserSigs that were
// signed before are refused from then on. Admins can be kicked, too.
//
// Codes: InvalidID, NoAccount.
func (d *Directory) Kick(ctx context.Context, app *account.App, id account.UserID) error {
	if err := id.Validate(false); err != nil {
		return err
	}
	now := d.Now(app.ID)
	return d.update(ctx, app, account.EventKicked, now, account.Patch{ID: id, Kicked: now.Unix()})
}

// Unkick clears the watermark of an account. UserSigs that were signed before its kicks
// are valid again. The audit entry is written first, because no watermark may be
// cleared without one.
//
// Codes: NoApp, InvalidID, NoAccount.
func (d *Directory) Unkick(ctx context.Context, actor string, app account.AppID, id account.UserID) error {
	if err := id.Validate(false); err != nil {
		return err
	}
	a, err := d.Account(ctx, app, id)
	if err != nil {
		return err
	}
	if err := d.Record(ctx, actor, "account.unkick", app, string(a.ID)); err != nil {
		return err
	}
	code, err := d.patch(ctx, app, account.EventUnkicked, d.Now(app), account.Patch{ID: id, Kicked: account.Unkicked})
	if err != nil {
		return err
	}
	return Result{Code: code}.Err()
}

func (d *Directory) update(ctx context.Context, app *account.App, kind account.EventKind, now time.Time, patch account.Patch) error {
	code, err := d.patch(ctx, app.ID, kind, now, patch)
	if err != nil {
		return err
	}
	return outcome(app, patch.ID, code).Err()
}

// patch changes one account and reports that in an event of the given kind.
func (d *Directory) patch(ctx context.Context, app account.AppID, kind account.EventKind, now time.Time, patch account.Patch) (account.Code, error) {
	patches := []account.Patch{patch}
	event := d.patchEvent(app, kind, now, patches)
	codes, err := d.store.Update(ctx, app, patches, account.ChangePolicy{Now: now, Outbox: event.outbox()})
	if err != nil {
		return account.Internal, err
	}
	event.announce(codes)
	return codes[0], nil
}
