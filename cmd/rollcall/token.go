package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollcall/client"
)

// tokenCmd works on the tokens of the admin API.
type tokenCmd struct {
	connection `group:"connection"`
	Create     tokenCreateCmd `cmd:"" help:"Create a token and show it once."`
	List       tokenListCmd   `cmd:"" help:"List tokens, without their secrets."`
	Delete     tokenDeleteCmd `cmd:"" help:"Revoke a token."`
}

type tokenCreateCmd struct {
	Name   string        `arg:"" name:"name" help:"Name of the user or program that gets it; the audit trail shows this name."`
	Scope  []string      `enum:"read,write,admin" default:"read" placeholder:"SCOPE" help:"read, write or admin, each including those before it (default: ${default})."`
	Expire time.Duration `placeholder:"DURATION" given:"a duration above 0, as 720h, or leave it out for a token without end" help:"How long the token is valid, as 30d (default: without end)."`
}

// Help is shown by rollcall token create --help.
func (tokenCreateCmd) Help() string {
	return `A token of the scope read can read apps, accounts, the audit trail and the newest
calls. One of the scope write can also create and change apps, keys, admins and
accounts. One of the scope admin can also delete apps, and work on tokens and backups.

Examples:
  rollcall token create dashboard
  rollcall token create ci --scope write --expire 30d --output json`
}

func (c *tokenCreateCmd) Run(ctx context.Context, env *environment, g *tokenCmd) error {
	api, err := g.admin(env)
	if err != nil {
		return err
	}
	g.target(env, 0)
	created, err := api.CreateToken(ctx, client.NewToken{Name: c.Name, Scopes: c.Scope, ExpiresAt: expiry(c.Expire)})
	if err != nil {
		return err
	}
	if g.Output == "json" {
		return printJSON(env.stdout, created)
	}
	t := created.Token
	return errors.Join(printThing(env.stdout, g.Output, nil, []property{
		{"id", t.ID},
		{"name", t.Name},
		{"scopes", strings.Join(t.Scopes, ", ")},
		{"expires_at", moment(t.ExpiresAt)},
	}), showSecret(env.stdout, "token", created.Secret))
}

type tokenListCmd struct{}

// Help is shown by rollcall token list --help.
func (tokenListCmd) Help() string {
	return `Examples:
  rollcall token list
  rollcall token list --output json`
}

func (tokenListCmd) Run(ctx context.Context, env *environment, g *tokenCmd) error {
	api, err := g.admin(env)
	if err != nil {
		return err
	}
	tokens, err := api.Tokens(ctx)
	if err != nil {
		return err
	}
	return printList(env.stdout, g.Output, each(tokens), []column[client.Token]{
		{"ID", func(t client.Token) string { return t.ID }},
		{"NAME", func(t client.Token) string { return t.Name }},
		{"SCOPES", func(t client.Token) string { return strings.Join(t.Scopes, ", ") }},
		{"CREATED", func(t client.Token) string { return moment(t.CreatedAt) }},
		{"EXPIRES", func(t client.Token) string { return moment(t.ExpiresAt) }},
	})
}

type tokenDeleteCmd struct {
	ID string `arg:"" live:"tokens" name:"id" given:"" help:"Id of the token, as token list shows it."`
	confirmation
}

// Help is shown by rollcall token delete --help.
func (tokenDeleteCmd) Help() string {
	return `A program that uses the token is refused from then on. It cannot be undone: the
command asks first on a terminal, and needs --yes in a script.

Examples:
  rollcall token delete 0a1b2c3d
  rollcall token delete 0a1b2c3d --yes`
}

func (c *tokenDeleteCmd) Run(ctx context.Context, env *environment, g *tokenCmd) error {
	api, err := g.admin(env)
	if err != nil {
		return err
	}
	g.target(env, 0)
	if err := c.confirm(ctx, env, fmt.Sprintf("this revokes token %s for good", c.ID)); err != nil {
		return err
	}
	if err := api.DeleteToken(ctx, c.ID); err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, map[string]string{"deleted": c.ID}, []property{{"deleted", c.ID}})
}
