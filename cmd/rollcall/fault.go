package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"rollcall/client"
)

// faultCmd works on faults of test apps.
type faultCmd struct {
	connection `group:"connection"`
	Add        faultAddCmd   `cmd:"" help:"Let calls of a test app fail on purpose."`
	List       faultListCmd  `cmd:"" help:"List the faults of a test app."`
	Clear      faultClearCmd `cmd:"" help:"Remove faults of a test app."`
}

type faultAddCmd struct {
	Command     string        `values:"commands" placeholder:"NAME" given:"" help:"Only calls of this command (default: every command)."`
	Code        int           `placeholder:"N" given:"an error code from 1 up" help:"Error code of the response; the command does not run."`
	Info        string        `placeholder:"TEXT" given:"" help:"ErrorInfo for --code (default: its usual text)."`
	Status      int           `placeholder:"N" given:"an HTTP status from 400 to 599" help:"HTTP status of the response, 400 to 599; without --code the body is a page, as of a proxy, and the command does not run."`
	Delay       time.Duration `placeholder:"DURATION" given:"a duration above 0, as 3s" help:"How long the response waits, at most 1m."`
	Cut         string        `values:"before,middle" placeholder:"WHERE" given:"before or middle" help:"Close the connection before the response, and the command does not run, or in the middle of it."`
	Nonetheless bool          `name:"run" help:"Run the command nevertheless: it takes effect, but its caller cannot know."`
	FailItems   int           `placeholder:"N" given:"a number of items from 1 up" help:"Fail so many items of a batch: the first ones, or with --seed random ones."`
	FailUserID  []string      `name:"fail-userid" placeholder:"USERID" help:"Fail the item of this id; may be repeated."`
	ItemCode    int           `placeholder:"N" given:"an error code from 1 up" help:"Code of failed items (default: 70500)."`
	After       int           `placeholder:"N" help:"Let so many calls pass first."`
	Times       int           `placeholder:"N" given:"a number of calls from 1 up" help:"Let so many calls fail, and pass all after them (default: no limit)."`
	Probability float64       `placeholder:"SHARE" given:"a number above 0 and at most 1" help:"Share of the calls that fail, as 0.1 (default: all)."`
	Seed        uint64        `placeholder:"N" help:"Makes the choice of calls and items; the same seed makes the same choices."`
}

// Help is shown by rollcall fault add --help.
func (faultAddCmd) Help() string {
	return `Only for apps that were created as test apps, on servers that allow them. A fault
comes after the checks of the caller and of rate limits. It remains until it is removed
or the server ends. If an app has several, the first one that changes a call wins, and
those after it do not count the call: faults with --times are steps of a script.

The response header Rollcall-Fault names the fault, as "rollcall why" does. The command needs an
admin token with the scope write.

Examples:
  rollcall fault add --command account_import --code 70500 --times 2
  rollcall fault add --command multiaccount_import --fail-items 3 --item-code 70398
  rollcall fault add --delay 5s --probability 0.1 --seed 7
  rollcall fault add --cut before --run --times 1`
}

func (c *faultAddCmd) Run(ctx context.Context, env *environment, g *faultCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	g.target(env, app)
	added, err := api.AddFault(ctx, app, client.Fault{
		Command: c.Command, Code: c.Code, Info: c.Info, Status: c.Status, DelayMS: c.Delay.Milliseconds(), Cut: c.Cut, Run: c.Nonetheless,
		FailItems: c.FailItems, FailUserIDs: c.FailUserID, ItemCode: c.ItemCode,
		After: c.After, Times: c.Times, Probability: c.Probability, Seed: c.Seed,
	})
	if err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, added, []property{{"id", added.ID}, {"fault", faultText(*added)}})
}

// faultText returns the fault without its command, as JSON.
func faultText(a client.ActiveFault) string {
	a.Fault.Command = ""
	b, _ := json.Marshal(a.Fault) // plain fields always encode
	return string(b)
}

type faultListCmd struct{}

// Help is shown by rollcall fault list --help.
func (faultListCmd) Help() string {
	return `HIT is the number of calls that the fault has changed, PASSED the number of those that
it considered and let pass. The command needs an admin token.

Examples:
  rollcall fault list
  rollcall fault list --output json`
}

func (faultListCmd) Run(ctx context.Context, env *environment, g *faultCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	faults, err := api.Faults(ctx, app)
	if err != nil {
		return err
	}
	return printList(env.stdout, g.Output, each(faults), []column[client.ActiveFault]{
		{"ID", func(a client.ActiveFault) string { return a.ID }},
		{"COMMAND", func(a client.ActiveFault) string { return a.Fault.Command }},
		{"HIT", func(a client.ActiveFault) string { return strconv.FormatUint(a.Hit, 10) }},
		{"PASSED", func(a client.ActiveFault) string { return strconv.FormatUint(a.Passed, 10) }},
		{"FAULT", faultText},
	})
}

type faultClearCmd struct {
	ID string `arg:"" optional:"" live:"faults" name:"id" given:"" help:"Id of one fault, as fault list shows it (default: all)."`
}

// Help is shown by rollcall fault clear --help.
func (faultClearCmd) Help() string {
	return `The command needs an admin token with the scope write.

Examples:
  rollcall fault clear
  rollcall fault clear 3`
}

func (c *faultClearCmd) Run(ctx context.Context, env *environment, g *faultCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	g.target(env, app)
	n := 1
	if c.ID != "" {
		err = api.RemoveFault(ctx, app, c.ID)
	} else {
		n, err = api.ClearFaults(ctx, app)
	}
	if err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, map[string]int{"cleared": n}, []property{{"cleared", fmt.Sprint(n)}})
}
