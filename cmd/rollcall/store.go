package main

import (
	"context"
	"fmt"
	"syscall"

	"rollcall/internal/store/open"
)

// storeCmd works on a store that no server uses.
type storeCmd struct {
	Check  storeCheckCmd  `cmd:"" help:"Read every record of a store and say what it holds."`
	Accept storeAcceptCmd `cmd:"" help:"Accept the readable rest of a damaged store."`
}

type storeCheckCmd struct {
	Dir      string `arg:"" name:"dir" given:"" help:"The data directory, as \"rollcall serve --data\" takes it."`
	SealKeys string `placeholder:"FILE" given:"" help:"Also open the sealed secrets of apps with the keys in this file."`
	Output   string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
}

// Help is shown by rollcall store check --help.
func (storeCheckCmd) Help() string {
	return `The check says what a start would say of the store, and reads every record as
well. It changes and creates no file. Stop the server first: a store in use cannot
be checked. "rollcall backup create" and "backup verify" check a running one.

A damaged store is refused with the file that is missing or not as it was written.

Examples:
  rollcall store check rollcall-data
  rollcall store check /var/lib/rollcall --output json`
}

// Run checks a store.
func (c *storeCheckCmd) Run(ctx context.Context, env *environment) error {
	found, err := open.CheckStore(ctx, c.Dir, c.SealKeys)
	if err != nil {
		return err
	}
	return printContents(env, c.Output, found)
}

type storeAcceptCmd struct {
	confirmation
	Dir    string `arg:"" name:"dir" given:"" help:"The data directory, as \"rollcall serve --data\" takes it."`
	Output string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
}

// Help is shown by rollcall store accept --help.
func (storeAcceptCmd) Help() string {
	return `A server refuses a store whose logs or manifest hold less than was written. If
there is no backup to restore, this command accepts the readable rest of the store.
It prints what the rest holds, and asks before it changes anything.

The lost accounts cannot be recovered afterwards, and new accounts may get their
internal ids. Accounts whose app was lost are kept: create the app again to see them.
Copy the directory first, and run this as the user of the server. The command cannot
accept a store with a gap in its journal or with tables that cannot be read.

Examples:
  cp -a /var/lib/rollcall /var/lib/rollcall.damaged
  rollcall store accept /var/lib/rollcall`
}

// Run accepts a store.
func (c *storeAcceptCmd) Run(ctx context.Context, env *environment) error {
	syscall.Umask(0o077) // as rollcall serve, which refuses files that others can write to
	left, err := open.AcceptStore(ctx, c.Dir, false)
	if err != nil {
		return err
	}
	if err := printContents(env, c.Output, left); err != nil {
		return err
	}
	doing := fmt.Sprintf("this accepts %s with %d accounts; whatever else it held is lost", c.Dir, left.Accounts+left.Orphans)
	if err := c.confirm(ctx, env, doing); err != nil {
		return err
	}
	if _, err = open.AcceptStore(ctx, c.Dir, true); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stderr, "accepted %s\n", c.Dir)
	return err
}
