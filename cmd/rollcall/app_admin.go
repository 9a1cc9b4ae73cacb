package main

import (
	"cmp"
	"context"
	"fmt"

	"rollcall/client"
)

// appAdminCmd works on the admins of an app.
type appAdminCmd struct {
	Add    appAdminAddCmd    `cmd:"" help:"Add an admin."`
	Remove appAdminRemoveCmd `cmd:"" help:"Remove an admin."`
}

// An appAdminArgument names a user, who is or becomes an admin, and the app.
type appAdminArgument struct {
	UserID string `arg:"" live:"admins" name:"userid" given:"" help:"The user."`
	appArgument
}

type appAdminAddCmd struct{ appAdminArgument }

// Help is shown by rollcall app admin add --help.
func (appAdminAddCmd) Help() string {
	return `An app has at most 10 admins.

Examples:
  rollcall app admin add alice
  rollcall app admin add alice 1400000002`
}

func (c *appAdminAddCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	return g.update(env, c.App, func(api *client.AdminClient, app uint32) (*client.App, error) {
		return api.AddAdmin(ctx, app, c.UserID)
	})
}

type appAdminRemoveCmd struct {
	appAdminArgument
	confirmation
}

// Help is shown by rollcall app admin remove --help.
func (appAdminRemoveCmd) Help() string {
	return `The account stays. Calls that are signed as this admin are refused from then on:
the command asks first on a terminal, and needs --yes in a script.

Examples:
  rollcall app admin remove alice
  rollcall app admin remove alice 1400000002 --yes`
}

func (c *appAdminRemoveCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	return g.update(env, c.App, func(api *client.AdminClient, app uint32) (*client.App, error) {
		if err := c.confirm(ctx, env, removal(c.UserID, app, cmp.Or(g.Admin, client.Administrator))); err != nil {
			return nil, err
		}
		return api.RemoveAdmin(ctx, app, c.UserID)
	})
}

// removal returns the effect of removing an admin, as the text of a confirmation. signer
// is the admin of the connection.
func removal(admin string, app uint32, signer string) string {
	if admin == signer {
		return fmt.Sprintf("this refuses calls signed as %s, the admin that this command line signs as for app %d; add another one first with \"rollcall app admin add\"", admin, app)
	}
	return fmt.Sprintf("this refuses calls of app %d that are signed as %s", app, admin)
}
