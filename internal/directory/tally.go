package directory

import "rollcall/internal/account"

// A Tally receives the numbers of accounts that a call of [Directory.Import],
// [Directory.Load] or [Directory.Delete] has created and deleted. It runs in the goroutine
// of the call, after the change is durable, and must be fast. It costs a call less than a
// [Sink], which needs the items. Accounts of new admins and those of snapshots are not
// counted.
type Tally func(app account.AppID, created, deleted int)

// countCreated tells the tally how many accounts an import has created.
func (d *Directory) countCreated(app account.AppID, results []account.UpsertResult) {
	if d.tally == nil {
		return
	}
	n := 0
	for _, r := range results {
		if r.Created {
			n++
		}
	}
	if n > 0 {
		d.tally(app, n, 0)
	}
}

// countDeleted tells the tally how many accounts a deletion has removed.
func (d *Directory) countDeleted(app account.AppID, codes []account.Code) {
	if d.tally == nil {
		return
	}
	n := 0
	for _, c := range codes {
		if c == account.OK {
			n++
		}
	}
	if n > 0 {
		d.tally(app, 0, n)
	}
}
