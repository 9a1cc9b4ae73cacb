package main

import (
	"context"
	"fmt"
	"strconv"

	"rollcall/client"
)

// auditCmd prints the audit trail.
type auditCmd struct {
	connection `group:"connection"`
	All        bool   `help:"Of all apps, not only the one of --sdkappid or of the context."`
	Actor      string `placeholder:"NAME" help:"Only entries of this token, or of serve."`
	Action     string `placeholder:"ACTION" help:"Only entries of this action; with a dot at its end, of this group."`
	Limit      int    `default:"100" placeholder:"N" help:"Most entries to show; 0 shows all (default: ${default})."`
}

// Help is shown by rollcall audit --help.
func (auditCmd) Help() string {
	return `The list has the changes of apps, keys, admins and tokens, with the newest first. The
command needs an admin token.

Examples:
  rollcall audit
  rollcall audit --all --limit 10 --output json
  rollcall audit --all --actor deploy --action key.`
}

func (c *auditCmd) Run(ctx context.Context, env *environment) error {
	api, err := c.admin(env)
	if err != nil {
		return err
	}
	q := client.AuditQuery{SDKAppID: c.SDKAppID, Actor: c.Actor, Action: c.Action, PageSize: client.MaxPage}
	if c.All {
		q.SDKAppID = 0
	}
	if c.Limit > 0 {
		q.PageSize = min(c.Limit+1, client.MaxPage)
	}
	var more bool
	err = printList(env.stdout, c.Output, firstN(api.Audit(ctx, q), c.Limit, &more), []column[*client.AuditEntry]{
		{"TIME", func(e *client.AuditEntry) string { return moment(e.Time) }},
		{"ACTOR", func(e *client.AuditEntry) string { return e.Actor }},
		{"ACTION", func(e *client.AuditEntry) string { return e.Action }},
		{"APP", appOf},
		{"DETAIL", func(e *client.AuditEntry) string { return e.Detail }},
	})
	if err == nil && more {
		fmt.Fprintln(env.stderr, "there are more; --limit 0 shows all")
	}
	return err
}

func appOf(e *client.AuditEntry) string {
	if e.SDKAppID == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(e.SDKAppID), 10)
}
