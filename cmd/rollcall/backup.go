package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/repository"
	"rollcall/internal/store/open"
)

// backupCmd makes backups of a running server, and works on a repository of backups.
type backupCmd struct {
	Create  backupCreateCmd  `cmd:"" help:"Back up the store of a running server."`
	List    backupListCmd    `cmd:"" help:"List the backups of a repository."`
	Verify  backupVerifyCmd  `cmd:"" help:"Read a backup and say whether it is sound."`
	Restore backupRestoreCmd `cmd:"" help:"Write a backup of a repository into a new directory."`
	Drill   backupDrillCmd   `cmd:"" help:"Restore a backup for a trial, and read all of it."`
	Prune   backupPruneCmd   `cmd:"" help:"Remove old backups from a repository."`
}

type backupCreateCmd struct {
	connection `group:"connection"`
	Dir        string `arg:"" optional:"" name:"dir" given:"" help:"A new directory on the server's machine, for a copy outside of the repository."`
}

// Help is shown by rollcall backup create --help.
func (backupCreateCmd) Help() string {
	return `Without DIR the server makes a backup in its repository, the place of its setting
backup_to, as its schedule does. With DIR it writes a plain copy into a new directory.
Both hold the store as it is at one moment. The server goes on answering.

"rollcall backup verify" checks a backup. "rollcall serve --data DIR --seal-keys FILE"
starts a server with a copy: the keys that seal the secrets of apps are not in it.

The server creates DIR, so its user must be able to write there. A relative path
is taken from the directory you are in, which suits a server on this machine. Give
a longer --timeout for a large store. The command needs an admin token with the scope admin.

A server on PostgreSQL is backed up by pg_dump or other tools of the database.

Examples:
  rollcall backup create
  rollcall backup create backups/monday
  rollcall backup create /var/backups/rollcall/monday --timeout 10m`
}

// Run copies the store.
func (c *backupCreateCmd) Run(ctx context.Context, env *environment) error {
	dir := c.Dir
	if dir != "" {
		var err error
		if dir, err = filepath.Abs(c.Dir); err != nil {
			return fmt.Errorf("%s: %w", c.Dir, err)
		}
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
	ps := []property{{"dir", b.Dir}}
	if dir == "" {
		ps = []property{{"repository", b.Repository}, {"id", b.ID}, {"new bytes", strconv.FormatInt(b.NewBytes, 10)}}
	}
	return printThing(env.stdout, c.Output, b, append(ps, []property{
		{"accounts", strconv.FormatInt(b.Accounts, 10)},
		{"apps", strconv.FormatInt(b.Apps, 10)},
		{"bytes", strconv.FormatInt(b.Bytes, 10)},
		{"took", (time.Duration(b.TookMS) * time.Millisecond).String()},
	}...))
}

// backupVerifyCmd checks a copy, or backups of a repository. It needs no server.
type backupVerifyCmd struct {
	From     string `arg:"" name:"place" given:"" help:"The directory of a copy, or the place of a repository."`
	Backup   string `placeholder:"ID" given:"" help:"The backup to check (default: the newest one)."`
	All      bool   `help:"Check all backups of the repository."`
	SealKeys string `placeholder:"FILE" given:"" help:"Also open the sealed secrets of apps with the keys in this file; only for a copy."`
	repositoryAccess
	backupOutput
}

// Help is shown by rollcall backup verify --help.
func (backupVerifyCmd) Help() string {
	return `Of a copy, the command reads and checks every record. The digest is that of all accounts
in order. Copies with the same accounts have the same digest.

Of a repository, the command reads every stored file of the backup and compares it with
its description. It names a file that is missing, damaged or swapped, with the backups
that need it, and the exit code is 1. An encrypted backup is verified without its key.
"rollcall backup drill" also opens the store.

The command changes and creates nothing, not even a lock, so any user who may read the
files can verify them.

Examples:
  rollcall backup verify backups/monday
  rollcall backup verify backups/monday --seal-keys seal.keys --output json
  rollcall backup verify /var/backups/rollcall --all`
}

// Run checks a copy or a repository.
func (c *backupVerifyCmd) Run(ctx context.Context, env *environment) error {
	if c.Backup != "" && c.All {
		return &usageError{errors.New("--backup and --all exclude each other: give one of them")}
	}
	if repository.Is(c.From) {
		if c.SealKeys != "" {
			return &usageError{errors.New("--seal-keys is for a copy: restore the backup, and verify the restored directory with it")}
		}
		return c.repository(ctx, env)
	}
	if c.Backup != "" || c.All {
		return &usageError{fmt.Errorf("%s is no repository, so it has one backup at most: leave --backup and --all out", c.From)}
	}
	found, err := open.Verify(ctx, c.From, c.SealKeys)
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
