package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"rollcall/internal/config"
	"rollcall/internal/recording"
)

// replayCmd replays a recording against a server and prints the differences.
type replayCmd struct {
	connection `group:"connection"`
	File       string `arg:"" name:"file" given:"" help:"A recording of rollcall record."`

	Against string `placeholder:"URL" given:"" help:"The server to replay against (default: that of --url or of the context)."`
	Pace    bool   `help:"Keep the recorded pauses between calls: rate limits and kicks depend on them."`
	confirmation
}

// Help is shown by rollcall replay --help.
func (replayCmd) Help() string {
	return `Sends the recorded calls in order, signed anew for --admin, and compares status,
content type, error codes and texts, fields, types, key order and items. Only the types
of these fields are compared: ` + strings.Join(recording.Volatile, ", ") + `.

The calls import, change and delete accounts: replay into an empty app, because
differences also come from accounts that exist before. A server on another machine must
be confirmed. Without --sdkappid, and without a context of the server, the app is the
recorded one. Exit code 1: something differs.

Examples:
  rollcall replay calls.ndjson                  # the server in ./rollcall-data
  rollcall replay calls.ndjson --against http://127.0.0.1:7580 --sdkappid 1400000001 --key-file key.txt
  rollcall replay calls.ndjson --output json`
}

// Run replays the file.
func (c *replayCmd) Run(ctx context.Context, env *environment) error {
	c.URL = cmp.Or(c.Against, c.URL)
	if err := c.server(); err != nil {
		return err
	}
	rec, err := recording.Open(c.File)
	if err != nil {
		return err
	}
	t, err := c.replayTarget(env, rec)
	if err != nil {
		return err
	}
	c.target(env, t.SDKAppID)
	if u, err := url.Parse(c.URL); err != nil || !config.Loopback(net.JoinHostPort(u.Hostname(), "0")) {
		if err := c.confirm(ctx, env, fmt.Sprintf("this imports, changes and deletes accounts of app %d at %s, as the recording did", t.SDKAppID, c.URL)); err != nil {
			return err
		}
	}
	p := &replayPrinter{env: env, json: c.Output == "json", separator: "{\"differences\": [\n  "}
	sum, err := recording.Replay(ctx, rec, t, p.difference)
	if sum == nil {
		return err
	}
	if printErr := p.end(sum); err == nil {
		err = printErr
	}
	if err == nil && sum.Differing > 0 {
		return errQuiet
	}
	return err
}

// replayTarget returns the server with the app and the key.
func (c *replayCmd) replayTarget(env *environment, rec *recording.Recording) (t recording.Target, err error) {
	if c.SDKAppID == 0 {
		if c.SDKAppID, err = rec.SDKAppID(); err != nil {
			return t, fmt.Errorf("%w: give --sdkappid", err)
		}
	}
	hc, err := c.httpClient()
	if err != nil {
		return t, err
	}
	key, err := c.signingKey(env)
	return recording.Target{
		URL: c.URL, SDKAppID: c.SDKAppID, Key: key, Admin: c.Admin, HTTPClient: hc,
		Timeout: c.Timeout, UserAgent: userAgent(), Pace: c.Pace,
	}, err
}

// A replayPrinter prints differences as they are found.
type replayPrinter struct {
	env       *environment
	json      bool
	separator string // before the next difference in JSON
}

func (p *replayPrinter) difference(d recording.Difference) error {
	if !p.json {
		_, err := fmt.Fprintln(p.env.stdout, clean(d.String()))
		return err
	}
	separator := p.separator
	p.separator = ",\n  "
	return printItem(p.env.stdout, separator, d)
}

// end prints the summary.
func (p *replayPrinter) end(sum *recording.Summary) error {
	if p.json {
		before := "\n], \"summary\": "
		if p.separator[0] == '{' {
			before = "{\"differences\": [], \"summary\": "
		}
		err := printItem(p.env.stdout, before, sum)
		fmt.Fprintln(p.env.stdout, "}")
		return err
	}
	for _, note := range sum.Notes {
		fmt.Fprintln(p.env.stderr, "note:", clean(note))
	}
	text := fmt.Sprintf("calls replayed: %d, as recorded: %d, different: %d, differences: %d", sum.Calls, sum.Calls-sum.Differing, sum.Differing, sum.Differences)
	if sum.Skipped > 0 {
		text += fmt.Sprintf(", skipped because the request was not recorded whole: %d", sum.Skipped)
	}
	if sum.Unreadable > 0 {
		text += fmt.Sprintf(", lines that are cut or damaged: %d", sum.Unreadable)
	}
	_, err := fmt.Fprintln(p.env.stdout, text)
	return err
}
