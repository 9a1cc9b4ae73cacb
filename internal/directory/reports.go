package directory

import (
	"context"
	"fmt"

	"rollcall/internal/account"
	"rollcall/internal/session"
)

// ReportDevices applies reports of a gateway that holds the links of devices itself. It
// returns a result for each report. The first report of an unknown account registers it under
// the rules of [Directory.Import].
//
// Codes of results: OK, BadParameter, InvalidID, Tombstoned, QuotaFull, and NoAccount for the
// end of a link. Codes of the whole call: NoApp, EmptyBatch, BatchTooLarge.
func (d *Directory) ReportDevices(ctx context.Context, id account.AppID, reports []session.Report) ([]Result, error) {
	app, err := d.App(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case len(reports) == 0:
		return nil, &account.Error{Code: account.EmptyBatch, Detail: "there are no reports; give at least one"}
	case len(reports) > session.MaxReports:
		return nil, &account.Error{Code: account.BatchTooLarge, Detail: fmt.Sprintf("there are %d reports; give at most %d in one call", len(reports), session.MaxReports)}
	}
	b := &reporting{d: d, app: app, reports: reports, results: make([]Result, len(reports))}
	for i := range reports {
		b.results[i] = Result{Code: account.OK}
		if err := reports[i].Validate(); err != nil {
			b.results[i] = failed(err)
		} else if err := reports[i].User.Validate(false); err != nil {
			b.results[i] = failed(err)
		}
	}
	if err := b.find(ctx); err != nil {
		return nil, err
	}
	return b.results, d.sessions.Report(ctx, app, b.good(), b.internal)
}

// A reporting is a call of ReportDevices.
type reporting struct {
	d        *Directory
	app      *account.App
	reports  []session.Report
	results  []Result
	internal map[account.UserID]uint64 // InternalIDs of accounts
}

// good returns the reports that have not failed.
func (b *reporting) good() (good []session.Report) {
	for i, r := range b.results {
		if r.Code == account.OK {
			good = append(good, b.reports[i])
		}
	}
	return good
}

// find finds the accounts of the reports, and registers those that log in for the first time.
// A report of an account that does not exist fails.
func (b *reporting) find(ctx context.Context) error {
	if err := b.lookUp(ctx); err != nil {
		return err
	}
	if err := b.register(ctx); err != nil {
		return err
	}
	for i := range b.reports {
		user := b.reports[i].User
		if r := &b.results[i]; r.Code == account.OK && b.internal[user] == 0 {
			*r = Result{account.NoAccount, b.app.WhyUnknown(user)}
		}
	}
	return nil
}

// lookUp sets the InternalIDs of the accounts that exist.
func (b *reporting) lookUp(ctx context.Context) error {
	var users []account.UserID
	for i := range b.reports {
		if b.results[i].Code == account.OK {
			users = append(users, b.reports[i].User)
		}
	}
	status, err := b.d.store.Status(ctx, b.app.ID, users)
	if err != nil {
		return err
	}
	b.internal = make(map[account.UserID]uint64, len(users))
	for i, st := range status {
		if st.Exists() {
			b.internal[users[i]] = st.InternalID
		}
	}
	return nil
}

// register imports the accounts that log in for the first time.
func (b *reporting) register(ctx context.Context) error {
	var items []account.Upsert
	var of []int // index of the report of each item
	for i := range b.reports {
		if r := &b.reports[i]; b.results[i].Code == account.OK && b.internal[r.User] == 0 && r.Vouched > 0 {
			items, of = append(items, account.Upsert{ID: r.User}), append(of, i)
		}
	}
	if len(items) == 0 {
		return nil
	}
	results, err := b.d.Import(ctx, b.app, items)
	if err != nil {
		return err
	}
	for i, r := range results {
		b.results[of[i]] = r
	}
	return b.lookUp(ctx)
}
