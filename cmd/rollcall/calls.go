package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"rollcall/client"
)

// callsCmd shows calls of the account API.
type callsCmd struct {
	connection `group:"connection"`
	Follow     bool   `help:"Go on with calls as they come, until Ctrl-C."`
	Code       *int   `placeholder:"N" help:"Only calls with this code, or with an item that failed with it; 0 for success."`
	Command    string `values:"commands" placeholder:"NAME" given:"" help:"Only calls of this command."`
	UserID     string `name:"userid" placeholder:"USERID" given:"" help:"Only calls that this account made, or that name it."`
	All        bool   `help:"Of all apps, also calls that named no app that exists."`
	Limit      int    `default:"100" placeholder:"N" given:"a number from 1 to 1000" help:"Most calls to begin with, at most 1000 (default: ${default})."`
	Bodies     bool   `help:"With --output json: the bodies of calls of test apps, too."`
	Clear      bool   `help:"Forget the calls of the app instead."`
}

// Help is shown by rollcall calls --help.
func (callsCmd) Help() string {
	return `The command shows the newest calls, with the oldest of them first. The reason and the
remedy follow below a call that failed. "rollcall why ID" lists the items that failed. With --output json every call
is one line.

A server keeps the newest 1000 calls of an app in memory, until it ends: every call of
a test app, and of other apps refused calls and those with the request header
"Rollcall-Explain: 1". The command needs an admin token, with the scope write for --clear.

Examples:
  rollcall calls --follow
  rollcall calls --code 70398 --command multiaccount_import
  rollcall calls --all --limit 10 --output json`
}

func (c *callsCmd) Run(ctx context.Context, env *environment) error {
	api, err := c.admin(env)
	if err != nil {
		return err
	}
	if c.Clear {
		return c.clear(ctx, env, api)
	}
	if c.Limit > client.MaxPage {
		return &usageError{fmt.Errorf("--limit is %d: give a number from 1 to %d", c.Limit, client.MaxPage)}
	}
	var app uint32
	if !c.All {
		if app, err = c.app(0); err != nil {
			return err
		}
	}
	q := client.CallQuery{Command: c.Command, Code: c.Code, UserID: c.UserID, Bodies: c.Bodies, Newest: c.Limit, Follow: c.Follow}
	err = c.print(env, api.Calls(ctx, app, q))
	if c.Follow && errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // Ctrl-C
	}
	return err
}

func (c *callsCmd) clear(ctx context.Context, env *environment, api *client.AdminClient) error {
	if c.Follow || c.All || c.Code != nil || c.Command != "" || c.UserID != "" {
		return &usageError{errors.New("--clear forgets every call of one app: leave out --follow, --all, --code, --command and --userid")}
	}
	app, err := c.app(0)
	if err != nil {
		return err
	}
	c.target(env, app)
	n, err := api.ClearCalls(ctx, app)
	if err != nil {
		return err
	}
	return printThing(env.stdout, c.Output, map[string]int{"cleared": n}, []property{{"cleared", fmt.Sprint(n)}})
}

// print prints calls as they come.
func (c *callsCmd) print(env *environment, calls iter.Seq2[*client.CallRecord, error]) error {
	for call, err := range calls {
		if err != nil {
			return err
		}
		if c.Output == "json" {
			if err := printItem(env.stdout, "", call); err != nil {
				return err
			}
			_, err = fmt.Fprintln(env.stdout)
		} else {
			_, err = fmt.Fprint(env.stdout, callLines(call))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// callLines returns a line about a call and, if it failed, one with the reason.
func callLines(c *client.CallRecord) string {
	command := c.Command
	if command == "" {
		command = "(no command)"
	}
	items := ""
	if c.Items > 0 {
		items = fmt.Sprintf("%d/%d", c.Items-c.Failed, c.Items)
	}
	took := (time.Duration(c.TookUS) * time.Microsecond).String()
	line := fmt.Sprintf("%s  %s  %-19s  %5d  %7s  %9s", moment(c.Time), c.RequestID, clean(command), c.Code, items, took)
	if c.Fault != "" {
		line += "  fault " + clean(c.Fault)
	}
	if c.RateShadow != 0 {
		line += fmt.Sprintf("  over a limit (%d)", c.RateShadow)
	}
	line += "\n"
	switch {
	case c.Code != 0:
		line += "    " + clean(reasonAndRemedy(c.Code, c.Info, c.Advice)) + "\n"
	case len(c.Failures) > 0:
		line += "    " + clean(failureSummary(c.Failures)) + "\n"
	}
	return line
}

// failureSummary counts failures by code, and says more about the first.
func failureSummary(failures []client.CallFailure) string {
	var codes []int
	count := map[int]int{}
	for _, f := range failures {
		if count[f.Code]++; count[f.Code] == 1 {
			codes = append(codes, f.Code)
		}
	}
	slices.Sort(codes)
	var parts []string
	for _, code := range codes {
		parts = append(parts, fmt.Sprintf("%d with %d", count[code], code))
	}
	first := failures[0]
	return fmt.Sprintf("%s; the first is %s: %s", strings.Join(parts, ", "), first.UserID, reasonAndRemedy(first.Code, first.Info, first.Advice))
}
