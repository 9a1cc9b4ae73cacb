package main

import (
	"context"
	"fmt"
	"strconv"

	"rollcall/client"
)

type appRatesCmd struct {
	appArgument
	Seconds bool `help:"Show each second, newest first, instead of the sum of each command."`
}

// Help is shown by rollcall app rates --help.
func (appRatesCmd) Help() string {
	return `For an app with the setting rate_mode=shadow, which serves calls above the rate limits:
how many calls would have been refused since the start of the server, in at most 600
seconds. A developer's server and test servers are in this mode. The command needs an admin token.

Examples:
  rollcall app rates
  rollcall app rates 1400000002 --seconds
  rollcall app rates --output json`
}

func (c *appRatesCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	api, app, err := g.open(env, c.App)
	if err != nil {
		return err
	}
	report, err := api.RateReport(ctx, app)
	if err != nil {
		return err
	}
	if g.Output == "json" {
		return printJSON(env.stdout, report)
	}
	if len(report.Commands) == 0 {
		_, err := fmt.Fprintln(env.stdout, "these rate limits would have refused no call")
		return err
	}
	if c.Seconds {
		return printList(env.stdout, g.Output, each(report.Seconds), []column[client.RateSecond]{
			{"TIME", func(r client.RateSecond) string { return moment(r.Time) }},
			{"COMMAND", func(r client.RateSecond) string { return rateName(r.Command) }},
			{"LIMIT", func(r client.RateSecond) string { return strconv.Itoa(r.Limit) }},
			{"CALLS", func(r client.RateSecond) string { return strconv.Itoa(r.Calls) }},
			{"REFUSED", func(r client.RateSecond) string { return strconv.Itoa(r.Refused) }},
		})
	}
	return printList(env.stdout, g.Output, each(report.Commands), []column[client.RateSummary]{
		{"COMMAND", func(r client.RateSummary) string { return rateName(r.Command) }},
		{"LIMIT", func(r client.RateSummary) string { return strconv.Itoa(r.Limit) }},
		{"PEAK", func(r client.RateSummary) string { return strconv.Itoa(r.Peak) }},
		{"REFUSED", func(r client.RateSummary) string { return strconv.Itoa(r.Refused) }},
		{"SECONDS", func(r client.RateSummary) string { return strconv.Itoa(r.Seconds) }},
	})
}

// rateName returns the name of a limit: that of its command, or that of the whole app.
func rateName(command string) string {
	if command == "" {
		return "(the whole app)"
	}
	return command
}
