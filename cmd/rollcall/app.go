package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"rollcall/client"
)

// appCmd works on apps, through the admin API.
type appCmd struct {
	connection `group:"connection"`
	Create     appCreateCmd   `cmd:"" help:"Create an app."`
	List       appListCmd     `cmd:"" help:"List apps."`
	Show       appShowCmd     `cmd:"" help:"Show an app, without its secrets."`
	Set        appSetCmd      `cmd:"" help:"Change an app."`
	Settings   appSettingsCmd `cmd:"" help:"List the settings of apps, with types, defaults and examples."`
	Key        appKeyCmd      `cmd:"" help:"Add, list and retire keys."`
	Rates      appRatesCmd    `cmd:"" help:"Show calls that the rate limits would have refused."`
	Admins     appAdminCmd    `cmd:"" name:"admin" help:"Add and remove admins."`
	Delete     appDeleteCmd   `cmd:"" help:"Delete an app without accounts."`
}

// open returns a client of the admin API, and the app of the argument or, if that is 0,
// the app of the connection.
func (g *appCmd) open(env *environment, argument uint32) (*client.AdminClient, uint32, error) {
	api, err := g.admin(env)
	if err != nil {
		return nil, 0, err
	}
	app, err := g.app(argument)
	return api, app, err
}

// read returns the app that open selects.
func (g *appCmd) read(ctx context.Context, env *environment, argument uint32) (*client.App, error) {
	api, app, err := g.open(env, argument)
	if err != nil {
		return nil, err
	}
	return api.App(ctx, app)
}

// change is open for a command that changes the app. It prints the server and the app.
func (g *appCmd) change(env *environment, argument uint32) (*client.AdminClient, uint32, error) {
	api, app, err := g.open(env, argument)
	if err == nil {
		g.target(env, app)
	}
	return api, app, err
}

// update calls fn with the app that open selects, and prints the app that fn returns.
func (g *appCmd) update(env *environment, argument uint32, fn func(*client.AdminClient, uint32) (*client.App, error)) error {
	api, app, err := g.change(env, argument)
	if err != nil {
		return err
	}
	a, err := fn(api, app)
	if err != nil {
		return err
	}
	return g.print(env, a)
}

func (g *appCmd) print(env *environment, a *client.App) error {
	keys := make([]string, len(a.Keys))
	for i, k := range a.Keys {
		keys[i] = k.ID
	}
	settings, err := json.Marshal(a.Settings)
	if err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, a, []property{
		{"sdkappid", strconv.FormatUint(uint64(a.SDKAppID), 10)},
		{"name", a.Name},
		{"edition", a.Edition},
		{"disabled", yes(a.Disabled)},
		{"test", yes(a.Test)},
		{"created_at", moment(a.CreatedAt)},
		{"version", strconv.FormatUint(a.Version, 10)},
		{"admins", strings.Join(a.Admins, ", ")},
		{"keys", strings.Join(keys, ", ")},
		{"settings", string(settings)},
		{"expires_at", moment(a.ExpiresAt)},
	})
}

// An appArgument is an optional argument that names an app. Without it a command works on
// the app of the connection.
type appArgument struct {
	App uint32 `arg:"" optional:"" live:"apps" name:"app" given:"" help:"SDKAppID (default: that of --sdkappid or of the context)."`
}

type appCreateCmd struct {
	App      uint32            `arg:"" name:"app" given:"" help:"SDKAppID of the new app."`
	Name     string            `placeholder:"TEXT" help:"Name for people."`
	Edition  string            `enum:",trial,development,standard,pro,enterprise" default:"" placeholder:"EDITION" help:"trial, development, standard, pro or enterprise."`
	Test     bool              `help:"A test app: it may accept any signature, and has a clock, resets and snapshots."`
	TTL      time.Duration     `name:"ttl" placeholder:"DURATION" given:"a duration above 0, as 1h, or leave it out" help:"Remove the test app with all its accounts after this time, as 1h (default: never)."`
	AppAdmin []string          `placeholder:"USERID" help:"An admin besides administrator; may be repeated."`
	Setting  map[string]string `values:"settings" placeholder:"NAME=VALUE" mapsep:"none" help:"A setting, as in app set; may be repeated."`
	NewKey   string            `placeholder:"FILE" given:"" help:"An existing file of its secret key, or of its ECDSA public key in PEM; - reads standard input. Without it the server makes a key and shows it once."`
}

// Help is shown by rollcall app create --help.
func (appCreateCmd) Help() string {
	return `Without --edition the app is of the edition development: it may hold any
number of accounts, and accounts can be deleted. A trial app may hold 100. An app of
a paid edition (standard, pro, enterprise) needs the setting allow_delete for that,
and a deleted id cannot be imported again for 90 days. docs/settings.md has a table.

The file of --new-key must exist. This makes one with a new secret key:
  (umask 077; openssl rand -hex 32 > key.txt)

The command needs an admin token with the scope write.

Examples:
  rollcall app create 1400000002 --name staging
  rollcall app create 1400000003 --edition standard --setting allow_delete=true --new-key key.txt
  rollcall app create 1400000004 --test --ttl 1h`
}

func (c *appCreateCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	settings, err := newSettings(c.Setting)
	if err != nil {
		return err
	}
	secret, publicKey, err := newKey(env, c.NewKey, false)
	if err != nil {
		return err
	}
	api, app, err := g.change(env, c.App)
	if err != nil {
		return err
	}
	created, err := api.CreateApp(ctx, client.NewApp{
		SDKAppID: app, Name: c.Name, Edition: c.Edition, Test: c.Test, Admins: c.AppAdmin,
		Settings: settings, Secret: secret, PublicKey: publicKey, TTLSeconds: seconds(c.TTL),
	})
	if err != nil {
		return err
	}
	if g.Output == "json" {
		return printJSON(env.stdout, created)
	}
	return errors.Join(g.print(env, created.App), showSecret(env.stdout, "secret", created.Secret))
}

// seconds returns d in whole seconds, at least 1 unless d is 0.
func seconds(d time.Duration) int64 {
	if d > 0 && d < time.Second {
		return 1
	}
	return int64(d / time.Second)
}

// showSecret prints a secret that the server shows only once. It prints nothing if the
// server generated none.
func showSecret(w io.Writer, name, secret string) error {
	if secret == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s  %s\nIt is shown this once. Keep it.\n", name, secret)
	return err
}

type appListCmd struct{}

// Help is shown by rollcall app list --help.
func (appListCmd) Help() string {
	return `Examples:
  rollcall app list
  rollcall app list --output json`
}

func (appListCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	api, err := g.admin(env)
	if err != nil {
		return err
	}
	return printList(env.stdout, g.Output, api.Apps(ctx), []column[*client.App]{
		{"SDKAPPID", func(a *client.App) string { return strconv.FormatUint(uint64(a.SDKAppID), 10) }},
		{"NAME", func(a *client.App) string { return a.Name }},
		{"EDITION", func(a *client.App) string { return a.Edition }},
		{"DISABLED", func(a *client.App) string { return yes(a.Disabled) }},
		{"CREATED", func(a *client.App) string { return moment(a.CreatedAt) }},
	})
}

type appShowCmd struct{ appArgument }

// Help is shown by rollcall app show --help.
func (appShowCmd) Help() string {
	return `Examples:
  rollcall app show
  rollcall app show 1400000002 --output json`
}

func (c *appShowCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	a, err := g.read(ctx, env, c.App)
	if err != nil {
		return err
	}
	return g.print(env, a)
}

type appSetCmd struct {
	appArgument
	Name     *string           `placeholder:"TEXT" help:"Name for people."`
	Edition  *string           `values:"trial,development,standard,pro,enterprise" placeholder:"EDITION" help:"trial, development, standard, pro or enterprise."`
	Disabled *bool             `negatable:"" help:"Refuse every call of the app with 60016, and end its links; needs --yes in a script."`
	NoTest   bool              `name:"no-test" help:"Turn a test app into a usual one, for good; needs --yes in a script."`
	Setting  map[string]string `values:"settings" placeholder:"NAME=VALUE" mapsep:"none" help:"A setting; the value is JSON, or text; may be repeated."`
	Unset    []string          `values:"settings" placeholder:"NAME" help:"Return a setting to its default; may be repeated."`
	confirmation
	IfVersion uint64 `placeholder:"N" given:"a version from 1 up, as app show shows it" help:"Change nothing if the app has another version by now."`
}

// Help is shown by rollcall app set --help.
func (appSetCmd) Help() string {
	return `The command changes the settings that you name and keeps the others. "rollcall app
show" lists the settings that differ from their defaults; docs/settings.md explains
each. A value is JSON, or text where a setting takes a text. The settings, each with
an example:

` + settingsHelp() + `
Examples:
  rollcall app set --setting allow_delete=true --setting tombstone_days=30
  rollcall app set 1400000002 --disabled --yes
  rollcall app set --setting words='["rude","ruder"]' --unset quota`
}

func (c *appSetCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	settings, err := readSettings(c.Setting)
	if err != nil {
		return err
	}
	patch := client.AppPatch{Name: c.Name, Edition: c.Edition, Disabled: c.Disabled, Settings: settings, Version: c.IfVersion}
	if c.NoTest {
		patch.Test = new(bool)
	}
	for _, name := range c.Unset {
		if _, err := settingForm("--unset", name); err != nil {
			return err
		}
		patch.Settings[name] = nil
	}
	if c.Name == nil && c.Edition == nil && c.Disabled == nil && !c.NoTest && len(patch.Settings) == 0 {
		return &usageError{errors.New("nothing to change: give --name, --edition, --disabled, --no-test, --setting or --unset")}
	}
	return g.update(env, c.App, func(api *client.AdminClient, app uint32) (*client.App, error) {
		if err := c.confirmChange(ctx, env, app); err != nil {
			return nil, err
		}
		return api.UpdateApp(ctx, app, patch)
	})
}

// confirmChange asks before a change that cannot be undone or that ends calls.
func (c *appSetCmd) confirmChange(ctx context.Context, env *environment, app uint32) error {
	var doing []string
	if c.NoTest {
		doing = append(doing, fmt.Sprintf("this makes app %d a usual app for good", app))
	}
	if c.Disabled != nil && *c.Disabled {
		doing = append(doing, fmt.Sprintf("this refuses every call of app %d until \"rollcall app set --no-disabled\"", app))
	}
	if len(doing) == 0 {
		return nil
	}
	return c.confirm(ctx, env, strings.Join(doing, ", and "))
}

type appDeleteCmd struct {
	App uint32 `arg:"" live:"apps" name:"app" help:"SDKAppID of the app." given:""`
	confirmation
}

// Help is shown by rollcall app delete --help.
func (appDeleteCmd) Help() string {
	return `The app must have no accounts but its admins'. A deletion cannot be undone. The command
asks first on a terminal, and needs --yes in a script. It needs an admin token with the
scope admin.

Examples:
  rollcall app delete 1400000002 --yes`
}

func (c *appDeleteCmd) Run(ctx context.Context, env *environment, g *appCmd) error {
	api, app, err := g.change(env, c.App)
	if err != nil {
		return err
	}
	if err := c.confirm(ctx, env, fmt.Sprintf("this deletes app %d with its keys for good", c.App)); err != nil {
		return err
	}
	if err := api.DeleteApp(ctx, app); err != nil {
		return err
	}
	return printThing(env.stdout, g.Output, map[string]uint32{"deleted": app}, []property{{"deleted", fmt.Sprint(app)}})
}

// expiry returns the time d from now, in whole seconds. For 0 it returns the zero time,
// for which the admin API has a meaning: a token never expires, a key is retired at once.
func expiry(d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Now().Add(d).UTC().Truncate(time.Second)
}
