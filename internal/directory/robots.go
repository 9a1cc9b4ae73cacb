package directory

import (
	"cmp"
	"context"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// CreateRobot creates a robot with tags of its profile, or sets these tags if it exists.
//
// Codes: InvalidID, those of SetProfile without NoAccount, QuotaFull if the app has
// [account.MaxRobots] others.
func (d *Directory) CreateRobot(ctx context.Context, app *account.App, id account.UserID, changes []Change) error {
	if err := id.ValidateRobot(); err != nil {
		return err
	}
	fields, err := d.CheckProfile(app, changes)
	if err != nil {
		return err
	}
	if len(fields) == 0 {
		fields = nil // as in events of imports
	}
	event := d.robotEvent(ctx, app, account.EventImported, account.EventItem{ID: id, Fields: fields})
	c := records.RobotChange{UserID: id, Fields: fields, Now: d.Now(app.ID), Outbox: event.writes}
	created, err := d.records.CreateRobot(ctx, app, c)
	if err == nil {
		event.announce(created)
	}
	return err
}

// DeleteRobot removes a robot. It exists again after another creation, without its profile.
//
// Codes: InvalidID, NoAccount.
func (d *Directory) DeleteRobot(ctx context.Context, app *account.App, id account.UserID) error {
	if err := id.ValidateRobot(); err != nil {
		return err
	}
	event := d.robotEvent(ctx, app, account.EventDeleted, account.EventItem{ID: id})
	err := d.records.DeleteRobot(ctx, app, id, event.writes(false)...)
	switch account.CodeOf(err) {
	case account.OK:
		event.announce(false)
	case account.NoAccount:
		return &account.Error{Code: account.NoAccount, Detail: "the app has no such robot; there is nothing to delete"}
	}
	return err
}

// Robots returns the ids of the robots of an app in byte order.
func (d *Directory) Robots(ctx context.Context, app *account.App) ([]account.UserID, error) {
	robots, err := d.records.Robots(ctx, app)
	ids := make([]account.UserID, len(robots))
	for i := range robots {
		ids[i] = robots[i].UserID
	}
	return ids, err
}

// setRobotFields sets fields of a robot that CheckProfile has returned.
//
// Codes: NoAccount.
func (d *Directory) setRobotFields(ctx context.Context, app *account.App, id account.UserID, fields []account.Field) error {
	d.warnLong(app, fields)
	event := d.robotEvent(ctx, app, account.EventChanged, account.EventItem{ID: id, Fields: fields})
	c := records.RobotChange{UserID: id, Fields: fields, Now: d.Now(app.ID), Outbox: event.writes}
	err := d.records.ChangeRobot(ctx, app, c)
	if err == nil {
		event.announce(false)
	}
	return err
}

// A robotEvent creates the event of a change of a robot. It is nil if the event has no sink
// and no outbox.
type robotEvent struct{ batch *batchEvent[bool] }

func (d *Directory) robotEvent(ctx context.Context, app *account.App, kind account.EventKind, item account.EventItem) robotEvent {
	b := newBatchEvent[bool](ctx, d, app.ID, kind, d.Now(app.ID))
	if b != nil {
		b.item = func(_ int, created bool) (account.EventItem, bool) {
			item.Created = created
			return item, true
		}
	}
	return robotEvent{b}
}

// writes returns the writes that put the event into the outbox.
func (e robotEvent) writes(created bool) []account.Write { return e.batch.writes([]bool{created}) }

// announce calls the sinks with the event.
func (e robotEvent) announce(created bool) { e.batch.announce([]bool{created}) }

// status is [account.Store.Status] for accounts and robots.
func (d *Directory) status(ctx context.Context, app *account.App, ids []account.UserID) ([]account.Status, error) {
	status, err := d.store.Status(ctx, app.ID, ids)
	if err != nil {
		return nil, err
	}
	err = d.eachRobot(ctx, app, ids, func(i int, r *records.Robot) { status[i] = account.Status{InternalID: r.InternalID} })
	return status, err
}

// lookup is [account.Store.Lookup] for accounts and robots.
func (d *Directory) lookup(ctx context.Context, app *account.App, ids []account.UserID) ([]account.Account, error) {
	accounts, err := d.store.Lookup(ctx, app.ID, ids)
	if err != nil {
		return nil, err
	}
	err = d.eachRobot(ctx, app, ids, func(i int, r *records.Robot) { accounts[i] = r.Account() })
	return accounts, err
}

// eachRobot calls fn with the robots among ids and with their places. It reads nothing if
// no id belongs to robots.
func (d *Directory) eachRobot(ctx context.Context, app *account.App, ids []account.UserID, fn func(i int, r *records.Robot)) error {
	if !slices.ContainsFunc(ids, account.UserID.IsRobot) {
		return nil
	}
	robots, err := d.records.Robots(ctx, app)
	if err != nil {
		return err
	}
	for i, id := range ids {
		place, ok := slices.BinarySearchFunc(robots, id, func(r records.Robot, id account.UserID) int { return cmp.Compare(r.UserID, id) })
		if ok {
			fn(i, &robots[place])
		}
	}
	return nil
}
