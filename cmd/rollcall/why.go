package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rollcall/client"
)

// whyCmd explains why a call, or items of it, failed.
type whyCmd struct {
	connection `group:"connection"`
	ID         string `arg:"" name:"id" given:"" help:"Request id: the value of the response header Rollcall-Request-Id. Errors of clients and lines of the log name it."`
	Bodies     bool   `help:"Show the bodies of the request and of the response, too, for a call of a test app."`
}

// Help is shown by rollcall why --help.
func (whyCmd) Help() string {
	return `The response to a batch names only the ids that failed. This lists each of them with
its code, the reason and the remedy. Of a refused call it says what was wrong.

A server keeps the newest 1000 calls of an app in memory, until it ends: every call of
a test app, and of other apps refused calls and those with the request header
"Rollcall-Explain: 1", which "rollcall account" sends. The command needs an admin token.

Examples:
  rollcall why KLQ7GAA2ZBXM4T5E
  rollcall why KLQ7GAA2ZBXM4T5E --bodies
  rollcall why KLQ7GAA2ZBXM4T5E --output json`
}

func (c *whyCmd) Run(ctx context.Context, env *environment) error {
	api, err := c.admin(env)
	if err != nil {
		return err
	}
	call, err := api.Call(ctx, c.ID)
	if err != nil {
		return err
	}
	if !c.Bodies {
		call.Request, call.Response = nil, nil
	}
	if err := printThing(env.stdout, c.Output, call, callProperties(call)); err != nil || c.Output == "json" || len(call.Failures) == 0 {
		return err
	}
	fmt.Fprintln(env.stdout)
	return printList(env.stdout, c.Output, each(call.Failures), []column[client.CallFailure]{
		{"ITEM", func(f client.CallFailure) string { return strconv.Itoa(f.Item) }},
		{"USERID", func(f client.CallFailure) string { return f.UserID }},
		{"CODE", func(f client.CallFailure) string { return strconv.Itoa(f.Code) }},
		{"REASON AND REMEDY", func(f client.CallFailure) string { return reasonAndRemedy(f.Code, f.Info, f.Advice) }},
	})
}

func callProperties(c *client.CallRecord) []property {
	properties := []property{
		{"request_id", c.RequestID},
		{"time", moment(c.Time)},
		{"sdkappid", number(int(c.SDKAppID))},
		{"command", c.Command},
		{"caller", strings.TrimSpace(c.Identifier + " from " + c.Peer)},
		{"status", strconv.Itoa(c.Status)},
		{"code", strconv.Itoa(c.Code)},
		{"items", number(c.Items)},
		{"failed", number(c.Failed)},
		{"took", (time.Duration(c.TookUS) * time.Microsecond).String()},
		{"rate_shadow", number(c.RateShadow)},
		{"fault", c.Fault},
	}
	if s := c.Signature; s != nil {
		text := fmt.Sprintf("version %d, %s of app %d, from %s to %s", s.Version, s.Identifier, s.SDKAppID, moment(s.IssuedAt), moment(s.ExpiresAt))
		properties = append(properties, property{"signature", text})
	}
	if c.Request != nil {
		properties = append(properties, property{"request", c.Request.Text})
	}
	if c.Response != nil {
		properties = append(properties, property{"response", c.Response.Text})
	}
	return append(properties, property{"reason", callVerdict(c)})
}

// callVerdict says how a call ended, with the remedy.
func callVerdict(c *client.CallRecord) string {
	switch {
	case c.Code != 0:
		return reasonAndRemedy(c.Code, c.Info, c.Advice)
	case c.Fault != "":
		return "fault " + c.Fault + " of the test app changed the response; \"rollcall fault list\" shows it"
	case len(c.Failures) > 0:
		return "the items that follow failed"
	case c.Failed > 0:
		return fmt.Sprintf("%d items failed; their reasons are kept only of test apps and with \"Rollcall-Explain: 1\"", c.Failed)
	case c.RateShadow != 0:
		return fmt.Sprintf("served; it was over a rate limit, and an app with enforced limits refuses it with %d", c.RateShadow)
	}
	return "nothing failed"
}

// reasonAndRemedy returns both texts, without the reason where the advice repeats it. The
// remedy is that of this command line if it has one.
func reasonAndRemedy(code int, info, advice string) string {
	c := client.Code(code)
	if remedy := remedies[c]; remedy != "" && c.Advice() != "" {
		advice = strings.Replace(advice, c.Advice(), remedy, 1)
	}
	start, _, _ := strings.Cut(strings.ToLower(info), ";")
	if strings.HasPrefix(strings.ToLower(advice), strings.TrimSuffix(start, ".")) {
		return advice
	}
	return strings.TrimSuffix(info, ".") + ". " + advice
}

// number returns n for a table, or "" for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
