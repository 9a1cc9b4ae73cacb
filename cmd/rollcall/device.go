package main

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"rollcall/client"
)

// deviceCmd works on login sessions.
type deviceCmd struct {
	connection `group:"connection"`
	Login      deviceLoginCmd     `cmd:"" help:"Log in a virtual device of a test app."`
	Logout     deviceLogoutCmd    `cmd:"" help:"Log out a virtual device, as its user does."`
	Drop       deviceDropCmd      `cmd:"" help:"Drop the link of a virtual device, as a killed process does."`
	Silence    deviceSilenceCmd   `cmd:"" help:"Let a virtual device fall silent, as without a network."`
	Reconnect  deviceReconnectCmd `cmd:"" help:"Give a virtual device a link again."`
	Status     deviceStatusCmd    `cmd:"" help:"Set or clear the custom status of an account."`
	List       deviceListCmd      `cmd:"" help:"List the devices of an account, or of all accounts."`
	End        deviceEndCmd       `cmd:"" help:"End the login session of a device."`
}

// aboutDevices explains virtual devices in the help of their commands.
const aboutDevices = `Only for apps that were created as test apps, on servers that allow them. Times such as
the 400 seconds of a silent link and the 7 days of PushOnline follow the clock of the app:
"rollcall clock advance 400s". `

// A deviceChoice selects a device of an account.
type deviceChoice struct {
	UserID   string `arg:"" name:"userid" given:"" help:"The account."`
	Platform string `values:"platforms" placeholder:"NAME" given:"" help:"The device of this platform, as Android."`
	Device   uint64 `placeholder:"ID" given:"an id" help:"The device with this id, as device list shows it."`
}

// find returns the id of the device that c selects. Without flags it is the only one.
func (c *deviceChoice) find(ctx context.Context, api *client.AdminClient, app uint32) (uint64, error) {
	if c.Device != 0 {
		return c.Device, nil
	}
	d, err := api.DevicesOf(ctx, app, c.UserID)
	if err != nil {
		return 0, errorOf(c.UserID, err)
	}
	var found []client.DeviceRecord
	for _, device := range d.Devices {
		if c.Platform == "" || strings.EqualFold(device.Platform, c.Platform) {
			found = append(found, device)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("%s has no such device: \"rollcall device list %s\" shows those that it has", clean(c.UserID), clean(c.UserID))
	case 1:
		return found[0].ID, nil
	}
	return 0, &usageError{fmt.Errorf("%s has %d such devices: choose one with --platform or --device", clean(c.UserID), len(found))}
}

// change calls fn with the device of c, and prints the devices of its account.
func (g *deviceCmd) change(ctx context.Context, env *environment, c *deviceChoice, fn func(api *client.AdminClient, app uint32, device uint64) (*client.AccountDevices, error)) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	device, err := c.find(ctx, api, app)
	if err != nil {
		return err
	}
	g.target(env, app)
	d, err := fn(api, app, device)
	if err != nil {
		return errorOf(c.UserID, err)
	}
	return g.print(env, d)
}

// act is change with an action.
func (g *deviceCmd) act(ctx context.Context, env *environment, c *deviceChoice, action client.DeviceAction) error {
	return g.change(ctx, env, c, func(api *client.AdminClient, app uint32, device uint64) (*client.AccountDevices, error) {
		return api.ChangeDevice(ctx, app, c.UserID, device, action)
	})
}

// print prints the state and the devices of an account.
func (g *deviceCmd) print(env *environment, d *client.AccountDevices) error {
	properties := []property{{"userid", d.UserID}, {"state", d.State}}
	if d.CustomStatus != "" {
		properties = append(properties, property{"custom_status", d.CustomStatus})
	}
	for i := range d.Devices {
		properties = append(properties, property{"device", deviceText(&d.Devices[i])})
	}
	return printThing(env.stdout, g.Output, d, properties)
}

// deviceText describes a device in one line.
func deviceText(d *client.DeviceRecord) string {
	parts := []string{strconv.FormatUint(d.ID, 10), d.Platform, d.State}
	if d.Address.IsValid() {
		parts = append(parts, d.Address.String())
	}
	switch {
	case !d.LostAt.IsZero():
		parts = append(parts, "lost "+moment(d.LostAt))
	case !d.SilentTo.IsZero():
		parts = append(parts, "silent, ends "+moment(d.SilentTo))
	}
	return strings.Join(parts, " ")
}

type deviceLoginCmd struct {
	UserID   string     `arg:"" name:"userid" given:"" help:"The account. One that does not exist is registered."`
	Platform string     `values:"platforms" default:"Android" placeholder:"NAME" given:"" help:"iPhone, iPad, Android, Web, MiniProgram, Windows, Mac or Linux (default: ${default})."`
	Address  netip.Addr `placeholder:"IP" help:"IP address of the device, for the events."`
	Instance string     `placeholder:"TEXT" given:"" help:"What the device calls itself. A login with the same one and the same platform is one of the same device."`
	UserSig  string     `name:"usersig" placeholder:"TEXT" given:"" help:"A UserSig to check. The link ends with it."`
}

// Help is shown by rollcall device login --help.
func (deviceLoginCmd) Help() string {
	return aboutDevices + `The rules
of the app say which devices of the account give way: "rollcall app settings" lists
login_mode, devices_per_platform and web_instances. The command needs an admin token with the scope write.

Examples:
  rollcall device login alice
  rollcall device login alice --platform Web --address 192.0.2.7 --instance tab-1
  rollcall device login alice --usersig eJw…`
}

func (c *deviceLoginCmd) Run(ctx context.Context, env *environment, g *deviceCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	g.target(env, app)
	in, err := api.LoginDevice(ctx, app, client.DeviceLogin{UserID: c.UserID, Platform: c.Platform, Address: c.Address, Instance: c.Instance, UserSig: c.UserSig})
	if err != nil {
		return err
	}
	properties := []property{{"device", deviceText(&in.Device)}}
	for i := range in.Replaced {
		properties = append(properties, property{"replaced", deviceText(&in.Replaced[i])})
	}
	return printThing(env.stdout, g.Output, in, properties)
}

type deviceLogoutCmd struct{ deviceChoice }

// Help is shown by rollcall device logout --help.
func (deviceLogoutCmd) Help() string {
	return aboutDevices + `
The device is Offline at once. The command needs an admin token with the scope write.

Examples:
  rollcall device logout alice
  rollcall device logout alice --platform Web`
}

func (c *deviceLogoutCmd) Run(ctx context.Context, env *environment, g *deviceCmd) error {
	return g.act(ctx, env, &c.deviceChoice, client.LogoutDevice)
}

type deviceDropCmd struct{ deviceChoice }

// Help is shown by rollcall device drop --help.
func (deviceDropCmd) Help() string {
	return aboutDevices + `
The device is PushOnline if its platform has push, and Offline otherwise. The command
needs an admin token with the scope write.

Examples:
  rollcall device drop alice
  rollcall device drop alice --platform iPhone`
}

func (c *deviceDropCmd) Run(ctx context.Context, env *environment, g *deviceCmd) error {
	return g.act(ctx, env, &c.deviceChoice, client.DropLink)
}

type deviceSilenceCmd struct {
	deviceChoice
	Reason string `values:"network,background,left" default:"network" placeholder:"WHY" given:"" help:"network, or for a mini-program background or left (default: ${default})."`
}

// Help is shown by rollcall device silence --help.
func (deviceSilenceCmd) Help() string {
	return aboutDevices + `
The device stays online until its link counts as gone: 400 seconds, or 60 on Web and
MiniProgram, unless the app has other link_timeouts. A mini-program in the background ends
after 30 seconds, and one that its user has left by the corner button after 5. The command
needs an admin token with the scope write.

Examples:
  rollcall device silence alice
  rollcall device silence alice --platform MiniProgram --reason background`
}

func (c *deviceSilenceCmd) Run(ctx context.Context, env *environment, g *deviceCmd) error {
	return g.change(ctx, env, &c.deviceChoice, func(api *client.AdminClient, app uint32, device uint64) (*client.AccountDevices, error) {
		return api.SilenceDevice(ctx, app, c.UserID, device, client.SilenceReason(c.Reason))
	})
}

type deviceReconnectCmd struct{ deviceChoice }

// Help is shown by rollcall device reconnect --help.
func (deviceReconnectCmd) Help() string {
	return aboutDevices + `
If the end of the old link was not noticed yet, it is never reported. A device that gave
way to another one logs in again, unless the app has kicked_reconnect=refuse. The command
needs an admin token with the scope write.

Examples:
  rollcall device reconnect alice
  rollcall device reconnect alice --device 4503599627370496`
}

func (c *deviceReconnectCmd) Run(ctx context.Context, env *environment, g *deviceCmd) error {
	return g.act(ctx, env, &c.deviceChoice, client.ReconnectDevice)
}

type deviceStatusCmd struct {
	UserID string `arg:"" name:"userid" given:"" help:"The account."`
	Text   string `arg:"" optional:"" name:"text" help:"The custom status, of at most 100 bytes (default: none, which clears it)."`
}

// Help is shown by rollcall device status --help.
func (deviceStatusCmd) Help() string {
	return aboutDevices + `
A device of the account must be online. The status ends when none is online any more. The
command needs an admin token with the scope write.

Examples:
  rollcall device status alice busy
  rollcall device status alice`
}

func (c *deviceStatusCmd) Run(ctx context.Context, env *environment, g *deviceCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	g.target(env, app)
	d, err := api.SetCustomStatus(ctx, app, c.UserID, c.Text)
	if err != nil {
		return errorOf(c.UserID, err)
	}
	return g.print(env, d)
}

type deviceListCmd struct {
	UserID string `arg:"" optional:"" name:"userid" given:"" help:"The account (default: all accounts that have devices)."`
	Limit  int    `default:"100" placeholder:"N" help:"Most accounts to show; 0 shows all (default: ${default})."`
}

// Help is shown by rollcall device list --help.
func (deviceListCmd) Help() string {
	return `A device is Online while it has a link, and PushOnline for 7 days afterwards if its
platform has push. One that has logged out is not in the list. Works for every app, not
only for test apps. The command needs an admin token.

Examples:
  rollcall device list
  rollcall device list alice --output json`
}

func (c *deviceListCmd) Run(ctx context.Context, env *environment, g *deviceCmd) error {
	api, app, err := g.adminApp(env)
	if err != nil {
		return err
	}
	if c.UserID != "" {
		d, err := api.DevicesOf(ctx, app, c.UserID)
		if err != nil {
			return errorOf(c.UserID, err)
		}
		return g.print(env, d)
	}
	var more bool
	err = printList(env.stdout, g.Output, firstN(api.Devices(ctx, app), c.Limit, &more), []column[*client.AccountDevices]{
		{"USERID", func(d *client.AccountDevices) string { return d.UserID }},
		{"STATE", func(d *client.AccountDevices) string { return d.State }},
		{"STATUS", func(d *client.AccountDevices) string { return shortNick(env, d.CustomStatus) }},
		{"DEVICES", func(d *client.AccountDevices) string { return platformsOf(d.Devices) }},
	})
	if err == nil && more {
		fmt.Fprintln(env.stderr, "there are more; --limit 0 shows all")
	}
	return err
}

// platformsOf lists the platforms of devices. Those that are not online are in brackets.
func platformsOf(devices []client.DeviceRecord) string {
	names := make([]string, len(devices))
	for i, d := range devices {
		if names[i] = d.Platform; !d.LostAt.IsZero() {
			names[i] = "(" + names[i] + ")"
		}
	}
	return strings.Join(names, " ")
}

type deviceEndCmd struct{ deviceChoice }

// Help is shown by rollcall device end --help.
func (deviceEndCmd) Help() string {
	return `The account can log in again at once, with the same UserSig; "rollcall account kick"
refuses that, too. Works for every app, not only for test apps. The audit trail has an
entry. The command needs an admin token with the scope write.

Examples:
  rollcall device end alice
  rollcall device end alice --platform Web`
}

func (c *deviceEndCmd) Run(ctx context.Context, env *environment, g *deviceCmd) error {
	return g.change(ctx, env, &c.deviceChoice, func(api *client.AdminClient, app uint32, device uint64) (*client.AccountDevices, error) {
		return api.EndDevice(ctx, app, c.UserID, device)
	})
}
