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
	status, err := d.status(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	results = slices.Grow(results[:0], len(ids))
	for i, id := range ids {
		r := CheckResult{Result{Code: account.OK}, status[i].Exists()}
		if !r.Exists { // an id that exists was validated when it was imported
			if err := id.ValidateAny(app.Settings.StrictIDs); err != nil {
				r.Result = failed(err)
			}
		}
		results = append(results, r)
	}
	return results, nil
}

// Delete removes accounts, leaves tombstones and logs out their devices. A repeated id is
// deleted once; its further results have the Code NoAccount.
//
// Codes of results: OK, NoAccount, InvalidID, AdminProtected. Codes of the
// whole call: DeletionOff.
func (d *Directory) Delete(ctx context.Context, app *account.App, ids []account.UserID) ([]Result, error) {
	return d.delete(ctx, app, ids, nothingElse)
}

// An also returns writes to add to the commit of a change of accounts. Its arguments are
// the ids, which are nil for the change of one account, and their codes. It follows the
// rules of [account.ChangePolicy.Outbox].
type also func(ids []account.UserID, codes []account.Code) []account.Write

// nothingElse is the also of a change without further writes.
var nothingElse also

// outbox returns the Outbox of a change of ids. It is nil if there is nothing to write.
func (a also) outbox(event *batchEvent[account.Code], ids []account.UserID) func([]account.Code) []account.Write {
	if a == nil {
		return event.outbox()
	}
	return func(codes []account.Code) []account.Write { return append(event.writes(codes), a(ids, codes)...) }
}

// delete is Delete with further writes in the same commit.
func (d *Directory) delete(ctx context.Context, app *account.App, ids []account.UserID, also also) ([]Result, error) {
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
	event := d.deletionEvent(ctx, app.ID, p.Now, good)
	p.Outbox = also.outbox(event, good)
	codes, err := d.store.Delete(ctx, app.ID, good, p)
	if err != nil {
		return nil, err
	}
	event.announce(codes)
	d.countDeleted(app.ID, codes)
	d.endDeleted(ctx, app, good, codes)
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
// signed before are refused from then on, and its devices are logged out. Admins can be
// kicked, too.
//
// Codes: InvalidID, NoAccount. Unknown if the devices are perhaps still logged in.
func (d *Directory) Kick(ctx context.Context, app *account.App, id account.UserID) error {
	return d.kick(ctx, app, id, nothingElse)
}

// kick is Kick with further writes in the same commit.
func (d *Directory) kick(ctx context.Context, app *account.App, id account.UserID, also also) error {
	if err := id.Validate(false); err != nil {
		return err
	}
	now := d.Now(app.ID)
	if err := d.update(ctx, app, now, change{account.EventKicked, account.Patch{ID: id, Kicked: now.Unix()}, also}); err != nil {
		return err
	}
	return d.endKicked(ctx, app, id)
}

// A change is a change of one account.
type change struct {
	kind  account.EventKind // of the event that reports it
	patch account.Patch
	also  also
}

// update makes a change and reports it.
func (d *Directory) update(ctx context.Context, app *account.App, now time.Time, c change) error {
	patches := []account.Patch{c.patch}
	event := d.patchEvent(ctx, app.ID, c.kind, now, patches)
	codes, err := d.store.Update(ctx, app.ID, patches, account.ChangePolicy{Now: now, Outbox: c.also.outbox(event, nil)})
	if err != nil {
		return err
	}
	event.announce(codes)
	return outcome(app, c.patch.ID, codes[0]).Err()
}
