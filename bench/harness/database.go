package harness

import (
	"context"
	"net/url"

	"rollcall/bench/yard"
	"rollcall/internal/loadgen"
	"rollcall/internal/store/postgres"
)

// A database is a place for the schema of Rollcall.
type database struct {
	url   string   // as Rollcall and pgx read it
	admin string   // where the statements of empty run
	empty []string // statements that make the database empty
	pids  []int    // of its servers on this machine
	citus bool
}

// reset makes the database empty.
func (d *database) reset(ctx context.Context) error {
	return yard.Execute(ctx, d.admin, d.empty...)
}

// migrate resets the database and gives it the schema of Rollcall.
func (d *database) migrate(ctx context.Context) error {
	if err := d.reset(ctx); err != nil {
		return err
	}
	_, _, err := postgres.Migrate(ctx, postgres.Options{URL: d.url})
	return err
}

// prepare does work of the database that would otherwise fall into one load or another: a
// checkpoint, and what autovacuum does after many changes.
func (d *database) prepare(ctx context.Context, workload string) error {
	var todo []string
	if workload != loadgen.ImportNew {
		todo = append(todo, "VACUUM (ANALYZE) accounts")
	}
	if !d.citus { // where a checkpoint is one of the coordinator alone
		todo = append(todo, "CHECKPOINT")
	}
	return yard.Execute(ctx, d.url, todo...)
}

// database returns a database of the cluster for one subject.
func (c *cluster) database(name string) *database {
	u := url.URL{Scheme: "postgres", User: url.User("bench"), Path: "/" + name, RawQuery: url.Values{"host": {c.run}}.Encode()}
	return &database{
		url: u.String(), admin: c.dsn("postgres"), pids: []int{c.cmd.Process.Pid},
		empty: []string{`DROP DATABASE IF EXISTS "` + name + `" WITH (FORCE)`, `CREATE DATABASE "` + name + `"`},
	}
}
