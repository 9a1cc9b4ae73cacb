package directory

import (
	"context"
	"fmt"
	"time"

	"rollcall/internal/account"
)

// Now returns the current time of an app. It is real time unless the app is a test app with
// a clock of its own and the server allows test apps. Tombstones, the expiry of UserSigs,
// kicks, mutes, login sessions and the retirement of keys follow it. Windows of rate limits,
// lockouts, tokens and the audit trail follow real time.
func (d *Directory) Now(id account.AppID) time.Time {
	real := d.clock(id)
	if id == 0 || !d.testApps {
		return real
	}
	app, err := d.records.App(context.Background(), id)
	if err != nil || !app.Test {
		return real
	}
	return app.Clock.Now(real)
}

// at returns the time by the clock of an app at a real time.
func (d *Directory) at(app *account.App, real time.Time) time.Time {
	if !d.testApps || !app.Test {
		return real
	}
	return app.Clock.Now(real)
}

// A ClockChange is a change of the clock of a test app. The parts apply in the order of the
// fields.
type ClockChange struct {
	Set     time.Time     // the time to show; zero keeps the current time
	Advance time.Duration // added to the time; may be negative
	Frozen  *bool         // stops the clock or lets it run on; nil keeps its state
}

// ChangeClock changes the clock of a test app.
//
// Codes: NoApp, InvalidApp if the app is no test app, BadParameter if the clock would leave
// the times from [account.MinAppTime] to [account.MaxAppTime].
func (d *Directory) ChangeClock(ctx context.Context, actor string, id account.AppID, c ClockChange) (*account.App, error) {
	return d.ChangeApp(ctx, actor, AppChange{id, "clock.change", c.String(), func(a *account.App) (err error) {
		if err := d.mustBeTest(a); err != nil {
			return err
		}
		real := d.clock(id)
		now, frozen := a.Clock.Now(real), !a.Clock.Frozen.IsZero()
		if !c.Set.IsZero() {
			now = c.Set
		}
		if c.Frozen != nil {
			frozen = *c.Frozen
		}
		a.Clock, err = a.Clock.Set(now.Add(c.Advance), real, frozen)
		return err
	}})
}

// String describes c for the audit trail.
func (c ClockChange) String() string {
	text := ""
	if !c.Set.IsZero() {
		text += ", set to " + c.Set.UTC().Format(time.RFC3339Nano)
	}
	if c.Advance != 0 {
		text += ", advanced by " + c.Advance.String()
	}
	switch {
	case c.Frozen == nil:
	case *c.Frozen:
		text += ", frozen"
	default:
		text += ", running"
	}
	return text[min(len(text), len(", ")):]
}

// ResetClock lets the clock of a test app show real time again.
//
// Codes: NoApp, InvalidApp if the app is no test app.
func (d *Directory) ResetClock(ctx context.Context, actor string, id account.AppID) (*account.App, error) {
	return d.ChangeApp(ctx, actor, AppChange{id, "clock.reset", "", func(a *account.App) error {
		a.Clock = account.AppClock{}
		return d.mustBeTest(a)
	}})
}

// mustBeTest refuses what only test apps may do, on servers that allow them.
func (d *Directory) mustBeTest(app *account.App) error {
	switch {
	case !app.Test:
		return notAllowed(fmt.Sprintf("app %d was not created as a test app; create another app with test", app.ID))
	case !d.testApps:
		return notAllowed("test apps are not allowed on this server; start it with --allow-test-apps")
	}
	return nil
}
