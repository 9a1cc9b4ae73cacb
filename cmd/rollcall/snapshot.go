package main

import (
	"context"
	"fmt"
	"strconv"

	"rollcall/client"
)

// resetCmd resets a test app.
type resetCmd struct {
	connection `group:"connection"`
	appArgument
}

// Help is shown by rollcall reset --help.
func (resetCmd) Help() string {
	return `The command removes all accounts, robots, deleted ids, kicks and mutes of a test app in
one step, and lets its clock show real time. The admins get new accounts. Keys, admins,
settings and snapshots stay. Faults and lockouts end, and the calls of the app are
forgotten. A reset cannot be undone, except with a snapshot, and the command does not
ask: only apps that were created as test apps can be reset. The command needs an admin token with
the scope admin.

Examples:
  rollcall reset
  rollcall reset 1400000002`
}

func (c *resetCmd) Run(ctx context.Context, env *environment) error {
	api, err := c.admin(env)
	if err != nil {
		return err
	}
	app, err := c.app(c.App)
	if err != nil {
		return err
	}
	c.target(env, app)
	if _, err := api.ResetApp(ctx, app); err != nil {
		return err
	}
	return printThing(env.stdout, c.Output, map[string]uint32{"reset": app}, []property{{"reset", fmt.Sprint(app)}})
}

// snapshotCmd works on the snapshots of a test app.
type snapshotCmd struct {
	connection `group:"connection"`
	Create     snapshotCreateCmd  `cmd:"" help:"Keep the state of a test app under a name."`
	List       snapshotListCmd    `cmd:"" help:"List the snapshots of a test app."`
	Restore    snapshotRestoreCmd `cmd:"" help:"Return a test app to a snapshot."`
	Delete     snapshotDeleteCmd  `cmd:"" help:"Delete a snapshot."`
}

// A snapshotArgument names a snapshot and its app.
type snapshotArgument struct {
	Name string `arg:"" live:"snapshots" name:"name" given:"" help:"Name of the snapshot: letters, digits, _, - and ."`
	appArgument
}

// open returns a client of the admin API and the app of the argument, and prints both.
func (g *snapshotCmd) open(env *environment, argument uint32) (*client.AdminClient, uint32, error) {
	api, err := g.admin(env)
	if err != nil {
		return nil, 0, err
	}
	app, err := g.app(argument)
	if err == nil {
		g.target(env, app)
	}
	return api, app, err
}

type snapshotCreateCmd struct{ snapshotArgument }

// Help is shown by rollcall snapshot create --help.
func (snapshotCreateCmd) Help() string {
	return `A snapshot has the accounts of a test app with their internal ids, its robots,
deleted ids, kicks and mutes, and its name, edition, keys, admins, settings and clock. It replaces
one of the same name. Snapshots are kept in the memory of the server and are gone when
it ends: at most 20 of an app, of at most 200000 ids and 300 mutes each, and 256 MiB
in all.

Examples:
  rollcall snapshot create base
  rollcall snapshot create base 1400000002`
}

func (c *snapshotCreateCmd) Run(ctx context.Context, env *environment, g *snapshotCmd) error {
	api, app, err := g.open(env, c.App)
	if err != nil {
		return err
	}
	s, err := api.TakeSnapshot(ctx, app, c.Name)
	if err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, s, []property{
		{"name", s.Name},
		{"created_at", moment(s.CreatedAt)},
		{"accounts", strconv.Itoa(s.Accounts)},
		{"bytes", strconv.FormatInt(s.Bytes, 10)},
	})
}

type snapshotListCmd struct{ appArgument }

// Help is shown by rollcall snapshot list --help.
func (snapshotListCmd) Help() string {
	return `Examples:
  rollcall snapshot list
  rollcall snapshot list 1400000002 --output json`
}

func (c *snapshotListCmd) Run(ctx context.Context, env *environment, g *snapshotCmd) error {
	api, err := g.admin(env)
	if err != nil {
		return err
	}
	app, err := g.app(c.App)
	if err != nil {
		return err
	}
	all, err := api.Snapshots(ctx, app)
	if err != nil {
		return err
	}
	return printList(env.stdout, g.Output, each(all), []column[client.Snapshot]{
		{"NAME", func(s client.Snapshot) string { return s.Name }},
		{"CREATED", func(s client.Snapshot) string { return moment(s.CreatedAt) }},
		{"ACCOUNTS", func(s client.Snapshot) string { return strconv.Itoa(s.Accounts) }},
		{"BYTES", func(s client.Snapshot) string { return strconv.FormatInt(s.Bytes, 10) }},
	})
}

type snapshotRestoreCmd struct{ snapshotArgument }

// Help is shown by rollcall snapshot restore --help.
func (snapshotRestoreCmd) Help() string {
	return `The command returns a test app to a snapshot, in one step: accounts with their
internal ids, deleted ids, kicks, mutes, name, edition, keys, admins, settings and clock.
What came later is lost, and the command does not ask. The snapshot stays. The command needs an
admin token with the scope admin.

Examples:
  rollcall snapshot restore base
  rollcall snapshot restore base 1400000002`
}

func (c *snapshotRestoreCmd) Run(ctx context.Context, env *environment, g *snapshotCmd) error {
	api, app, err := g.open(env, c.App)
	if err != nil {
		return err
	}
	if _, err := api.RestoreSnapshot(ctx, app, c.Name); err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, map[string]string{"restored": c.Name}, []property{{"restored", c.Name}})
}

type snapshotDeleteCmd struct{ snapshotArgument }

// Help is shown by rollcall snapshot delete --help.
func (snapshotDeleteCmd) Help() string {
	return `Examples:
  rollcall snapshot delete base
  rollcall snapshot delete base 1400000002`
}

func (c *snapshotDeleteCmd) Run(ctx context.Context, env *environment, g *snapshotCmd) error {
	api, app, err := g.open(env, c.App)
	if err != nil {
		return err
	}
	if err := api.DeleteSnapshot(ctx, app, c.Name); err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, map[string]string{"deleted": c.Name}, []property{{"deleted", c.Name}})
}
