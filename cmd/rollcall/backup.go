package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/open"
)

// backupCmd copies the store of a running server, and checks such copies.
type backupCmd struct {
	Create backupCreateCmd `cmd:"" help:"Copy the store of a running server."`
	Verify backupVerifyCmd `cmd:"" help:"Read every record of a copy and say what it holds."`
}

type backupCreateCmd struct {
	connection `group:"connection"`
	Dir        string `arg:"" name:"dir" given:"" help:"A new directory, on the server's machine."`
}

// Help is shown by rollcall backup create --help.
func (backupCreateCmd) Help() string {
	return `The copy holds the store as it is at one moment. The server goes on answering.
"rollcall backup verify" checks the copy; "rollcall serve --data DIR --seal-keys
FILE" restores it: the keys that seal the secrets of apps are not in it.

The server creates DIR, so its user must be able to write there. A relative path
is taken from the directory you are in, which suits a server on this machine. Give
a longer --timeout for a large store. Needs an admin token with the scope admin.

A server on PostgreSQL is backed up by pg_dump or other tools of the database.

Examples:
  rollcall backup create backups/monday
  rollcall backup create /var/backups/rollcall/monday --timeout 10m`
}

// Run copies the store.
func (c *backupCreateCmd) Run(ctx context.Context, env *environment) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Dir, err)
	}
	api, err := c.admin(env)
	if err != nil {
		return err
	}
	c.target(env, 0)
	b, err := api.Backup(ctx, dir)
	if err != nil {
		return err
	}
	return printThing(env.stdout, c.Output, b, []property{
		{"dir", b.Dir},
		{"accounts", strconv.FormatInt(b.Accounts, 10)},
		{"apps", strconv.FormatInt(b.Apps, 10)},
		{"bytes", strconv.FormatInt(b.Bytes, 10)},
		{"took", (time.Duration(b.TookMS) * time.Millisecond).String()},
	})
}

// backupVerifyCmd checks a copy. It needs no server.
type backupVerifyCmd struct {
	Dir      string `arg:"" name:"dir" given:"" help:"The directory of the copy."`
	SealKeys string `placeholder:"FILE" given:"" help:"Also open the sealed secrets of apps with the keys in this file."`
	Output   string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
}

// Help is shown by rollcall backup verify --help.
func (backupVerifyCmd) Help() string {
	return `Every record is read and checked. No file of the copy is changed or created, so
any user who may read the copy can verify it. The digest is that of all accounts
in order: copies with the same accounts have the same one.

Examples:
  rollcall backup verify backups/monday
  rollcall backup verify backups/monday --seal-keys seal.keys --output json`
}

// Run checks a copy.
func (c *backupVerifyCmd) Run(ctx context.Context, env *environment) error {
	found, err := open.Verify(ctx, c.Dir, c.SealKeys)
	if err != nil {
		return err
	}
	return printContents(env, c.Output, found)
}

// printContents prints the counts and the digest of a store.
func printContents(env *environment, output string, c *account.Contents) error {
	ps := propertiesOf(c)
	if c.Orphans > 0 {
		ps = append(ps, property{"accounts of no app", strconv.FormatInt(c.Orphans, 10)})
	}
	return printThing(env.stdout, output, c, ps)
}

func propertiesOf(c *account.Contents) []property {
	return []property{
		{"accounts", strconv.FormatInt(c.Accounts, 10)},
		{"tombstones", strconv.FormatInt(c.Tombstones, 10)},
		{"apps", strconv.FormatInt(c.Apps, 10)},
		{"tokens", strconv.FormatInt(c.Tokens, 10)},
		{"audit entries", strconv.FormatInt(c.Audit, 10)},
		{"digest", c.Digest},
	}
}
