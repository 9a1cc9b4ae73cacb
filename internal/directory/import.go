package directory

import (
	"context"
	"errors"
	"slices"
	"time"

	"rollcall/internal/account"
)

// A Result is the outcome for one item of a batch.
type Result struct {
	Code   account.Code
	Detail string // a sentence in addition to Code, safe to send; may be empty
}

// Err returns nil if r is a success, and r as an error otherwise.
func (r Result) Err() error {
	if r.Code == account.OK {
		return nil
	}
	return &account.Error{Code: r.Code, Detail: r.Detail}
}

// failed returns the Result for an error of a rule.
func failed(err error) Result {
	e, _ := errors.AsType[*account.Error](err) // rules return nothing else
	return Result{e.Code, e.Detail}
}

// Import creates accounts and updates those that exist. In an existing account, a Nick
// or FaceURL that is not empty replaces the stored one. Items apply in order. Import
// checks id, length and words of each item. The store checks tombstone and quota where
// the write happens.
//
// Codes of results: OK, InvalidID, ValueTooLong, SensitiveWord, Tombstoned,
// QuotaFull.
func (d *Directory) Import(ctx context.Context, app *account.App, items []account.Upsert) ([]Result, error) {
	return d.ImportInto(ctx, app, items, nil)
}

// ImportInto is Import for callers that reuse memory. It returns the results in the
// memory of results if that is large enough, and overwrites its content.
func (d *Directory) ImportInto(ctx context.Context, app *account.App, items []account.Upsert, results []Result) ([]Result, error) {
	return d.importWith(ctx, app, items, results, d.policy(app))
}

// ImportDeleted is Import for accounts that shall exist even if they were deleted before,
// such as those of a seed file. No result has Code Tombstoned.
func (d *Directory) ImportDeleted(ctx context.Context, app *account.App, items []account.Upsert) ([]Result, error) {
	p := d.policy(app)
	p.TombstoneBefore = account.AnyTombstone
	return d.importWith(ctx, app, items, nil, p)
}

func (d *Directory) importWith(ctx context.Context, app *account.App, items []account.Upsert, results []Result, p account.UpsertPolicy) ([]Result, error) {
	good, results := d.filter(app, items, slices.Grow(results[:0], len(items)))
	if len(good) == 0 {
		return results, nil
	}
	event := d.importEvent(ctx, app.ID, p.Now, good)
	p.Outbox = event.outbox()
	stored, err := d.store.Upsert(ctx, app.ID, good, p)
	if err != nil {
		return nil, err
	}
	event.announce(stored)
	d.countCreated(app.ID, stored)
	for i := range results {
		if results[i].Code == account.OK {
			results[i].Code, stored = stored[0].Code, stored[1:]
		}
	}
	return results, nil
}

// filter appends a result for each item, and returns the items that may be stored. It
// returns items itself if all may be stored.
func (d *Directory) filter(app *account.App, items []account.Upsert, results []Result) ([]account.Upsert, []Result) {
	words, good, copied := d.wordsOf(app), items, false
	for i := range items {
		r := checkItem(app, words, &items[i])
		results = append(results, r)
		switch {
		case r.Code != account.OK && !copied:
			good, copied = append(make([]account.Upsert, 0, len(items)), items[:i]...), true
		case r.Code == account.OK && copied:
			good = append(good, items[i])
		}
	}
	return good, results
}

// checkItem applies the rules that need no store.
func checkItem(app *account.App, words *account.WordList, item *account.Upsert) Result {
	if err := item.Validate(app.Settings.StrictIDs); err != nil {
		return failed(err)
	}
	if err := item.CheckWords(words); err != nil {
		return failed(err)
	}
	return Result{Code: account.OK}
}

func (d *Directory) policy(app *account.App) account.UpsertPolicy {
	p := account.UpsertPolicy{Now: d.Now(app.ID), Limit: app.Quota()}
	p.TombstoneBefore = tombstoneBefore(p.Now, app.TombstoneBan())
	return p
}

// tombstoneBefore returns the time before which a deletion no longer bans its id. The
// ban has ended when exactly its full length has passed.
func tombstoneBefore(now time.Time, ban time.Duration) time.Time {
	if ban == 0 {
		return account.AnyTombstone
	}
	return account.Millis(now).Add(-ban + time.Millisecond)
}
