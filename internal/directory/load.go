package directory

import (
	"context"

	"rollcall/internal/account"
)

// A LoadResult is the outcome for one item of [Directory.Load].
type LoadResult struct {
	Result
	Created bool
	Stored  bool // whether the store decides the item; otherwise a rule has refused it
}

// Load is [Directory.Import] with further records, such as the progress of a bulk import. also returns records to write in
// the same commit. It follows the rules of [account.UpsertPolicy.Outbox]; in particular,
// its results are those of one of several commits, and items of others have the Code
// Internal. If no item may be stored, the records are committed alone.
func (d *Directory) Load(ctx context.Context, app *account.App, items []account.Upsert, also func([]LoadResult) []account.Write) ([]LoadResult, error) {
	good, results := d.filter(app, items, make([]Result, 0, len(items)))
	all := func(stored []account.UpsertResult) []LoadResult { return loadResults(results, stored) }
	if len(good) == 0 {
		rs := all(nil)
		return rs, d.records.CommitProgress(ctx, also(rs))
	}
	p := d.policy(app)
	event := d.importEvent(ctx, app.ID, p.Now, good)
	p.Outbox = func(stored []account.UpsertResult) []account.Write {
		return append(event.writes(stored), also(all(stored))...)
	}
	stored, err := d.store.Upsert(ctx, app.ID, good, p)
	if err != nil {
		return nil, err
	}
	event.announce(stored)
	d.countCreated(app.ID, stored)
	return all(stored), nil
}

// loadResults returns the results of rules together with those of the store, which are
// those of the items that the rules allow.
func loadResults(rules []Result, stored []account.UpsertResult) []LoadResult {
	rs := make([]LoadResult, len(rules))
	for i, r := range rules {
		rs[i].Result = r
		if r.Code == account.OK {
			rs[i].Code, rs[i].Created, rs[i].Stored = stored[0].Code, stored[0].Created, true
			stored = stored[1:]
		}
	}
	return rs
}

// CheckProfile returns the fields that changes set, or the error of the first change that
// breaks a rule. Codes: as [Directory.SetProfile], without NoAccount.
func (d *Directory) CheckProfile(app *account.App, changes []Change) ([]account.Field, error) {
	fields := make([]account.Field, len(changes))
	for i, c := range changes {
		if c.Malformed {
			spec, _ := app.Tag(c.Tag)
			c.Value = account.Value{IsNumber: !spec.IsNumber} // of the wrong type, too
		}
		v, err := d.checkChange(app, c)
		if err != nil {
			return nil, err
		}
		fields[i] = account.Field{Tag: c.Tag, Value: v}
	}
	return fields, nil
}

// checkChange returns the value that c stores, or the error of the rule that it breaks.
func (d *Directory) checkChange(app *account.App, c Change) (account.Value, error) {
	if c.Clear {
		return account.Value{}, app.CheckClear(c.Tag)
	}
	return app.CheckTag(c.Tag, c.Value, d.wordsOf(app))
}

// LoadProfiles changes profiles for a part of a bulk import. The fields of patches are
// those of [Directory.CheckProfile]. also works as with [Directory.Load], with the codes of
// the patches. LoadProfiles keeps references to patches. Its event is that of an import.
//
// Codes of results: OK, NoAccount.
func (d *Directory) LoadProfiles(ctx context.Context, app *account.App, patches []account.Patch, also func([]account.Code) []account.Write) ([]account.Code, error) {
	if len(patches) == 0 {
		return nil, d.records.CommitProgress(ctx, also(nil))
	}
	p := account.ChangePolicy{Now: d.Now(app.ID)}
	event := d.patchEvent(ctx, app.ID, account.EventImported, p.Now, patches)
	p.Outbox = func(codes []account.Code) []account.Write { return append(event.writes(codes), also(codes)...) }
	codes, err := d.store.Update(ctx, app.ID, patches, p)
	if err != nil {
		return nil, err
	}
	event.announce(codes)
	return codes, nil
}
