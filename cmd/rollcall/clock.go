package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"rollcall/client"
)

// clockCmd works on the clock of a test app.
type clockCmd struct {
	connection `group:"connection"`
	Show       clockShowCmd    `cmd:"" help:"Show the clock of a test app."`
	Set        clockSetCmd     `cmd:"" help:"Set the clock of a test app."`
	Advance    clockAdvanceCmd `cmd:"" help:"Advance the clock of a test app."`
	Freeze     clockFreezeCmd  `cmd:"" help:"Stop the clock of a test app."`
	Run        clockRunCmd     `cmd:"" help:"Let the clock of a test app run on."`
	Reset      clockResetCmd   `cmd:"" help:"Let the clock of a test app show real time again."`
}

// aboutClock explains the clock in the help of its commands.
const aboutClock = `Tombstones, the expiry of UserSigs, kicks, mutes and the retirement of keys follow the
clock of a test app; rate limits, tokens and the audit trail follow real time.
After a long step a UserSig that was signed before has expired: sign with the time
of the app, as POST /admin/v1/apps/SDKAPPID/usersig does, and as the commands of
"rollcall account" do with the context file of the server.

`

// call calls fn with the app of the argument and prints the clock that it returns.
func (g *clockCmd) call(ctx context.Context, env *environment, argument uint32, fn func(*client.AdminClient, uint32) (*client.Clock, error)) error {
	api, err := g.admin(env)
	if err != nil {
		return err
	}
	app, err := g.app(argument)
	if err != nil {
		return err
	}
	clock, err := fn(api, app)
	if err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, clock, []property{
		{"now", moment(clock.Now)},
		{"offset", (time.Duration(clock.OffsetMS) * time.Millisecond).String()},
		{"frozen", yes(clock.Frozen)},
	})
}

// change is call for a change of the clock. It prints the server and the app first.
func (g *clockCmd) change(ctx context.Context, env *environment, argument uint32, c client.ClockChange) error {
	return g.call(ctx, env, argument, func(api *client.AdminClient, app uint32) (*client.Clock, error) {
		g.target(env, app)
		return api.ChangeClock(ctx, app, c)
	})
}

type clockShowCmd struct{ appArgument }

// Help is shown by rollcall clock show --help.
func (clockShowCmd) Help() string {
	return aboutClock + `Examples:
  rollcall clock show
  rollcall clock show 1400000002 --output json`
}

func (c *clockShowCmd) Run(ctx context.Context, env *environment, g *clockCmd) error {
	return g.call(ctx, env, c.App, func(api *client.AdminClient, app uint32) (*client.Clock, error) { return api.Clock(ctx, app) })
}

type clockSetCmd struct {
	Time string `arg:"" name:"time" given:"" help:"The time to show, as 2027-01-31T12:00:00Z or 2027-01-31."`
	appArgument
	Frozen *bool `negatable:"" help:"Stop the clock there, or let it run on from there."`
}

// Help is shown by rollcall clock set --help.
func (clockSetCmd) Help() string {
	return aboutClock + `The time is one from 1970-01-02 to 2199-12-31.

Examples:
  rollcall clock set 2027-01-31T12:00:00Z
  rollcall clock set 2027-01-31 1400000002 --frozen`
}

func (c *clockSetCmd) Run(ctx context.Context, env *environment, g *clockCmd) error {
	at, err := parseTime(c.Time)
	if err != nil {
		return err
	}
	return g.change(ctx, env, c.App, client.ClockChange{Set: at, Frozen: c.Frozen})
}

// parseTime reads a time or a date.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, &usageError{fmt.Errorf("%s is no time: give one as 2027-01-31T12:00:00Z, or a date as 2027-01-31", strconv.Quote(clean(text)))}
}

type clockAdvanceCmd struct {
	By time.Duration `arg:"" name:"duration" given:"a duration above 0, as 90d" help:"How far, as 90d, 12h or 1500ms."`
	appArgument
}

// Help is shown by rollcall clock advance --help.
func (clockAdvanceCmd) Help() string {
	return aboutClock + `To turn the clock back, use "rollcall clock set".

Examples:
  rollcall clock advance 90d
  rollcall clock advance 61s 1400000002`
}

func (c *clockAdvanceCmd) Run(ctx context.Context, env *environment, g *clockCmd) error {
	return g.change(ctx, env, c.App, client.ClockChange{Advance: c.By})
}

type clockFreezeCmd struct{ appArgument }

// Help is shown by rollcall clock freeze --help.
func (clockFreezeCmd) Help() string {
	return aboutClock + `Examples:
  rollcall clock freeze
  rollcall clock freeze 1400000002`
}

func (c *clockFreezeCmd) Run(ctx context.Context, env *environment, g *clockCmd) error {
	return g.change(ctx, env, c.App, client.ClockChange{Frozen: new(true)})
}

type clockRunCmd struct{ appArgument }

// Help is shown by rollcall clock run --help.
func (clockRunCmd) Help() string {
	return aboutClock + `A clock that was stopped runs on from the time that it shows.

Examples:
  rollcall clock run
  rollcall clock run 1400000002`
}

func (c *clockRunCmd) Run(ctx context.Context, env *environment, g *clockCmd) error {
	return g.change(ctx, env, c.App, client.ClockChange{Frozen: new(false)})
}

type clockResetCmd struct{ appArgument }

// Help is shown by rollcall clock reset --help.
func (clockResetCmd) Help() string {
	return aboutClock + `Examples:
  rollcall clock reset
  rollcall clock reset 1400000002`
}

func (c *clockResetCmd) Run(ctx context.Context, env *environment, g *clockCmd) error {
	return g.call(ctx, env, c.App, func(api *client.AdminClient, app uint32) (*client.Clock, error) {
		g.target(env, app)
		return api.ResetClock(ctx, app)
	})
}
