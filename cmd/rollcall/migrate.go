package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	"rollcall/internal/config"
	"rollcall/internal/store/open"
)

// migrateCmd prepares a database for servers.
type migrateCmd struct {
	File   string `name:"config" placeholder:"FILE" given:"" help:"Settings of the server in YAML, of which store is used."`
	Store  string `placeholder:"URL" given:"" help:"The database, as \"rollcall serve --store\" takes it (default: the setting store, as $ROLLCALL_CFG_STORE)."`
	Grant  string `placeholder:"ROLE" given:"" help:"Then give this role of the database the rights that a server needs, and no others."`
	Output string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
}

// Help is shown by rollcall migrate --help.
func (migrateCmd) Help() string {
	return `The command creates the schema in an empty database, and brings an older one to the
version of this program. It prints the versions before and after, and does nothing if
they are the same. Servers may go on serving meanwhile. Several processes may migrate at
once; one of them works, and the others wait for it. An interrupted migration leaves the
database at one of the versions; run the command again. "rollcall serve --migrate" does
the same before it serves.

The user of the URL must be allowed to create tables. Servers need less: with --grant the
role may read and write rows, and create or drop nothing. Grant again after a migration,
because it may have added tables. Put the password into PGPASSWORD or a password file.

Examples:
  PGPASSWORD=… rollcall migrate --store postgres://owner@db/rollcall
  rollcall migrate --store postgres://owner@db/rollcall --grant rollcall_server
  rollcall migrate --config /etc/rollcall/rollcall.yml --output json`
}

// A migration is the result of migrateCmd.
type migration struct {
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	Granted string `json:"granted,omitempty"`
}

// Run migrates a database.
func (c *migrateCmd) Run(ctx context.Context, env *environment) error {
	l, err := c.load()
	if err != nil {
		return err
	}
	log := newLog(env, l.LogFormat, l.LogLevel)
	defer log.Close()
	lg := slog.New(log)
	for _, warning := range l.Warnings() {
		lg.Warn(warning)
	}
	m := migration{Granted: c.Grant}
	if c.Grant != "" { // before anything is changed
		err = open.CheckRole(ctx, l.Store, c.Grant)
	}
	if err == nil {
		m.From, m.To, err = open.Migrate(ctx, l.Store, open.Options{Logger: lg})
	}
	if err == nil && c.Grant != "" {
		err = open.Grant(ctx, l.Store, c.Grant)
	}
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(env.stderr, "rollcall: the migration was interrupted; run the same command again")
		return &quietError{exitInterrupted}
	}
	if err != nil {
		return err
	}
	return printThing(env.stdout, c.Output, m, []property{
		{"from", strconv.FormatInt(m.From, 10)},
		{"to", strconv.FormatInt(m.To, 10)},
		{"granted", m.Granted},
	})
}

// load reads the settings.
func (c *migrateCmd) load() (*config.Loaded, error) {
	o := config.Options{File: c.File, Flags: &config.Config{Store: c.Store}}
	if c.Store != "" {
		o.Given = []string{"store"}
	}
	return loadConfig(o)
}
