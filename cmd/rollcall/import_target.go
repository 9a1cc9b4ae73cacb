package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/importer"
	"rollcall/internal/region"
	"rollcall/internal/wire"
)

// A target is the app into which accounts are imported. Only the name is known if there is
// no server, as for a dry run.
type target struct {
	name    string              // for people: "http://127.0.0.1:7580, app 1400000001"; "" without a server
	vendor  bool                // the service of the vendor, not a Rollcall
	api     *client.Client      // without retries of its own; nil if there is no key to sign with
	keyErr  error               // why there is none
	admin   *client.AdminClient // nil without a token
	app     *client.App         // with its settings; nil if no token may read it
	unknown error               // why app is nil, if the server was asked
	count   int64               // accounts that it has; -1 if unknown
	limits  map[string]float64  // calls a second of a command that the run makes at most; none: no limit
	limited string              // who limits them, such as "by the app"
}

// limitOf returns how many calls of a command a second the run makes at most, or 0 for no
// limit.
func (t *target) limitOf(command string) float64 { return t.limits[command] }

// vendorTarget is the beginning of a --to that names a data centre of the vendor.
const vendorTarget = "tencent:"

// targetURL returns the URL of a target: of a Rollcall as it is, of the vendor that of a
// data centre.
func targetURL(to string) (url string, vendor bool, err error) {
	name, vendor := strings.CutPrefix(to, vendorTarget)
	if !vendor {
		return to, false, nil
	}
	host := region.Host(name)
	if host == "" {
		return "", false, fmt.Errorf("the vendor has no data centre %q: give %s and one of %s", name, vendorTarget, strings.Join(region.Names(), ", "))
	}
	return "https://" + host, true, nil
}

// targetFlags select the target of a command that reads files.
type targetFlags struct {
	To  string `placeholder:"TARGET" given:"an address such as https://rollcall.example.com, or tencent:singapore" help:"The address of a Rollcall, or tencent: and a data centre of the vendor, such as tencent:singapore (default: --url, or the context)."`
	App uint32 `placeholder:"SDKAPPID" given:"" help:"The app (default: --sdkappid, or the context)."`
	paceFlags
}

// paceFlags say how fast a run calls its target.
type paceFlags struct {
	Rate     float64 `placeholder:"N" given:"a number above 0" help:"Most calls a second of each command (default: 90 % of what the app or the vendor allows)."`
	InFlight int     `placeholder:"N" given:"a number from 1 to 64" help:"Calls of 100 accounts at once (default: 4, or 32 with the vendor)."`
}

// Calls at once without --in-flight. Those of the vendor take long, so that fewer would not
// reach its limits.
const (
	inFlight       = 4
	vendorInFlight = 32
)

// maxInFlight is the largest number of calls that a command makes at once.
const maxInFlight = 64

func (f *paceFlags) check() error {
	if f.InFlight > maxInFlight {
		return &usageError{fmt.Errorf("--in-flight is %d; it can be 1 to %d", f.InFlight, maxInFlight)}
	}
	return nil
}

func (f *targetFlags) check() error {
	url, _, err := targetURL(f.To)
	if err == nil && url != "" && !isServerURL(url) {
		err = fmt.Errorf("it is no URL: give one like https://rollcall.example.com, with nothing after its path, or %s and a data centre, such as %[1]ssingapore", vendorTarget)
	}
	if err != nil {
		return &usageError{fmt.Errorf("--to %s: %w", f.To, err)}
	}
	return f.paceFlags.check()
}

// calls returns the number of calls at once.
func (f *paceFlags) calls(t *target) int {
	switch {
	case f.InFlight > 0:
		return f.InFlight
	case t.vendor:
		return vendorInFlight
	}
	return inFlight
}

// open completes the connection c and returns its target. If the target is optional, a
// missing server or key is no error.
func (f *targetFlags) open(ctx context.Context, env *environment, c *connection, optional bool) (*target, error) {
	if f.To != "" {
		c.URL, _, _ = targetURL(f.To) // check has seen it
	}
	if f.App != 0 {
		c.SDKAppID = f.App
	}
	return f.paceFlags.open(ctx, env, c, optional)
}

// open is the same without the flags of the target.
func (f *paceFlags) open(ctx context.Context, env *environment, c *connection, optional bool) (*target, error) {
	t := &target{count: -1}
	if err := c.server(); err != nil {
		if optional && errors.Is(err, errNoServer) {
			return t, nil
		}
		return nil, err
	}
	t.vendor = isVendor(c.URL)
	if c.SDKAppID == 0 {
		if !optional {
			return nil, c.noApp()
		}
		t.name = c.URL
		f.limit(t)
		return t, nil
	}
	t.name = fmt.Sprintf("%s, app %d", c.URL, c.SDKAppID)
	if err := t.look(ctx, env, c); err != nil {
		if !optional {
			return nil, err
		}
		t.unknown = err
	}
	if t.api, t.keyErr = c.accountWith(ctx, env, -1); t.keyErr != nil && !optional && t.admin == nil {
		return nil, t.keyErr
	}
	f.limit(t)
	return t, nil
}

// isVendor reports whether the host of an address is one of the vendor.
func isVendor(address string) bool {
	u, err := url.Parse(address)
	return err == nil && region.Of(strings.ToLower(u.Hostname())) != ""
}

// look reads what a token may see of a Rollcall.
func (t *target) look(ctx context.Context, env *environment, c *connection) error {
	if t.vendor {
		return nil
	}
	if token, err := c.secret(env, c.AdminTokenFile, "--admin-token-file", tokenVariable); err != nil || token == "" && c.saved.AdminToken == "" {
		return err
	}
	var err error
	if t.admin, err = c.admin(env); err != nil {
		return err
	}
	app, err := t.admin.App(ctx, c.SDKAppID)
	if err == nil {
		t.app = app
		t.count, err = t.admin.CountAccounts(ctx, c.SDKAppID)
	}
	if hidden(err) {
		t.admin, t.app, t.count, t.unknown = nil, nil, -1, err
		return nil
	}
	return err
}

// hidden reports whether the admin API cannot be read: it is elsewhere, or the token may not
// read it.
func hidden(err error) bool {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return p.Status == http.StatusForbidden || p.Status == http.StatusNotFound
	}
	e, ok := errors.AsType[*client.TransportError](err)
	return ok && e.Status != 0 && !e.Temporary()
}

// shareOfLimits is the part of a limit that a run uses. Other programs call the app too, and
// calls that start evenly can arrive in bursts.
const shareOfLimits = 0.9

// limitedCommands are the commands of runs and checks.
var limitedCommands = []string{"multiaccount_import", "account_import", "account_delete", "account_check", "portrait_set", "portrait_get"}

// limit sets the limits of t.
func (f *paceFlags) limit(t *target) {
	t.limits = map[string]float64{}
	if t.app != nil && t.app.Settings.RateMode != account.RateEnforce && f.Rate == 0 {
		return
	}
	for _, name := range limitedCommands {
		limit := float64(wire.CommandNamed(name).Rate) * shareOfLimits
		t.limited = "by the documented limits"
		switch {
		case f.Rate > 0:
			limit, t.limited = f.Rate, "by --rate"
		case t.vendor:
			t.limited = "by the vendor"
		case t.app != nil:
			limit, t.limited = limitOfApp(t.app, name)*shareOfLimits, "by the app"
		}
		t.limits[name] = limit
	}
}

// limitOfApp returns the limit of a command in calls per second.
func limitOfApp(app *client.App, command string) float64 {
	limit := wire.CommandNamed(command).Rate
	if own := app.Settings.RateLimits[command]; own > 0 {
		limit = own
	}
	if all := app.Settings.AppRateLimit; all > 0 {
		limit = min(limit, all)
	}
	return float64(limit)
}

// quota returns how many accounts an app may have, or importer.NoQuota.
func quota(app *client.App) int64 {
	a := account.App{Edition: account.Edition(app.Edition), Settings: app.Settings}
	if n := a.Quota(); n > 0 {
		return n
	}
	return importer.NoQuota
}

// wire returns the target of calls of the account API.
func (t *target) wire(f *paceFlags, app uint32) *importer.Wire {
	return &importer.Wire{Client: t.api, InFlight: f.calls(t), Limits: t.limits, Limited: t.limited, Vendor: t.vendor, Left: t.left(app)}
}

// left returns a function that asks how many accounts can still be created, or nil if that
// is unknown.
func (t *target) left(app uint32) func(context.Context) (int64, error) {
	if t.app == nil {
		return nil
	}
	return func(ctx context.Context) (int64, error) {
		a, err := t.admin.App(ctx, app)
		if err != nil || quota(a) == importer.NoQuota {
			return importer.NoQuota, err
		}
		n, err := t.admin.CountAccounts(ctx, app)
		return max(quota(a)-n, 0), err
	}
}
