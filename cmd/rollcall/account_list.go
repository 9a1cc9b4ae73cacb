package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"

	"rollcall/client"
)

type accountListCmd struct {
	Prefix string `placeholder:"TEXT" help:"Only ids that start with it."`
	Limit  int    `default:"100" placeholder:"N" help:"Most accounts to show; 0 shows all (default: ${default})."`
}

// Help is shown by rollcall account list --help.
func (accountListCmd) Help() string {
	return `The list is in the order of ids. On a terminal long nicks are cut, and --output json
has them whole. The command reads page by page. "rollcall export" is much faster: it
writes all accounts, as they are at one moment, into a file. The command needs an admin token.

Examples:
  rollcall account list
  rollcall account list --prefix al
  rollcall account list --limit 0 --output json`
}

// nickWidth is the width of a nick in a table on a terminal.
const nickWidth = 40

// shortNick returns a nick for a table. One on a terminal is cut, so that a long nick does
// not make every row long.
func shortNick(env *environment, nick string) string {
	if !isTerminal(env.stdout) {
		return nick
	}
	return cutCell(nick, nickWidth)
}

func (c *accountListCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	pageSize := client.MaxPage
	if c.Limit > 0 {
		pageSize = min(c.Limit+1, client.MaxPage) // the extra account shows whether there are more
	}
	var more bool
	accounts := api.Accounts(ctx, app, client.AccountQuery{Prefix: c.Prefix, PageSize: pageSize})
	err = printList(env.stdout, g.Output, firstN(plainRecords(accounts), c.Limit, &more), []column[plainRecord]{
		{"USERID", func(a plainRecord) string { return a.UserID }},
		{"NICK", func(a plainRecord) string { return shortNick(env, a.Nick) }},
		{"CREATED", func(a plainRecord) string { return moment(a.CreatedAt) }},
		{"UPDATED", func(a plainRecord) string { return moment(a.UpdatedAt) }},
	})
	if err == nil && more {
		fmt.Fprintln(env.stderr, "there are more; --limit 0 shows all, and \"rollcall export\" writes all into a file")
	}
	return err
}

type accountGetCmd struct {
	UserID string `arg:"" name:"userid" given:"" help:"The account."`
}

// Help is shown by rollcall account get --help.
func (accountGetCmd) Help() string {
	return `The command needs an admin token.

Examples:
  rollcall account get alice
  rollcall account get alice --output json`
}

func (c *accountGetCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	a, err := api.Account(ctx, app, c.UserID)
	if err != nil {
		return errorOf(c.UserID, err)
	}
	properties := []property{
		{"userid", a.UserID},
		{"nick", a.Nick},
		{"face_url", a.FaceURL},
		{"internal_id", a.InternalID},
		{"created_at", moment(a.CreatedAt)},
		{"updated_at", moment(a.UpdatedAt)},
		{"kicked_at", moment(a.KickedAt)},
	}
	for _, tag := range slices.Sorted(maps.Keys(a.Profile)) {
		properties = append(properties, property{tag, plain(a.Profile[tag])})
	}
	return printThing(env.stdout, g.Output, plainRecord{a, a.Profile}, properties)
}

// A plainRecord is an account whose JSON has no profile if that is empty.
type plainRecord struct {
	*client.AccountRecord
	Profile map[string]json.RawMessage `json:"profile,omitempty"`
}

func plainRecords(accounts iter.Seq2[*client.AccountRecord, error]) iter.Seq2[plainRecord, error] {
	return func(yield func(plainRecord, error) bool) {
		for a, err := range accounts {
			shown := plainRecord{AccountRecord: a}
			if err == nil {
				shown.Profile = a.Profile
			}
			if !yield(shown, err) {
				return
			}
		}
	}
}

// plain returns the content of a JSON string, and any other JSON value unchanged.
func plain(v json.RawMessage) string {
	var text string
	if json.Unmarshal(v, &text) != nil {
		return string(v)
	}
	return text
}

type accountCountCmd struct{}

// Help is shown by rollcall account count --help.
func (accountCountCmd) Help() string {
	return `The number is exact; admins are accounts too. The command needs an admin token.

Examples:
  rollcall account count
  rollcall account count --sdkappid 1400000002 --output json`
}

func (accountCountCmd) Run(ctx context.Context, env *environment, g *accountCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	n, err := api.CountAccounts(ctx, app)
	if err != nil {
		return err
	}
	if g.Output == "json" {
		return printJSON(env.stdout, map[string]int64{"count": n})
	}
	_, err = fmt.Fprintln(env.stdout, n)
	return err
}
