package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/records"
	"rollcall/internal/session"
)

// deviceRoutes returns the routes of login sessions.
func deviceRoutes() []Route {
	const read, write, ok = account.ScopeRead, account.ScopeWrite, http.StatusOK
	userid := []Parameter{{"userid", true, "the account"}}
	return []Route{
		{Method: "GET", Path: devices, ID: "listDevices", Summary: "List the accounts that have devices, in the byte order of their ids.", Scope: read, Status: ok, Query: page, Endpoint: noBody((*Server).listDevices)},
		{Method: "GET", Path: devices + ":get", ID: "readDevices", Summary: "Read the state of an account and of its devices.", Scope: read, Status: ok, Query: userid, Endpoint: noBody((*Server).readDevices)},
		{Method: "POST", Path: devices + ":end", ID: "endDevice", Summary: "End the login session of one device. Its account can log in again at once, unlike after a kick.", Scope: write, Status: ok, Endpoint: withBody((*Server).endDevice)},
		{Method: "POST", Path: devices + ":report", ID: "reportDevices", Summary: "Say which devices have links at a gateway, and which have none any more. An unknown account is registered under the rules of account_import.", Scope: write, Status: ok, Endpoint: withBody((*Server).reportDevices)},
		{Method: "POST", Path: devices + ":login", ID: "loginDevice", Summary: "Log in a virtual device of a test app. An unknown account is registered under the rules of account_import.", Scope: write, Status: ok, Endpoint: withBody((*Server).loginDevice)},
		{Method: "POST", Path: devices + ":change", ID: "changeDevice", Summary: "Let something happen to a virtual device: log it out, drop its link, let it fall silent, or let it reconnect.", Scope: write, Status: ok, Endpoint: withBody((*Server).changeDevice)},
		{Method: "POST", Path: devices + ":status", ID: "setCustomStatus", Summary: "Set or clear the custom status of an account of a test app, as its device does.", Scope: write, Status: ok, Endpoint: withBody((*Server).setCustomStatus)},
	}
}

func (s *Server) listDevices(ctx context.Context, c *call) (adminapi.DevicesPage, error) {
	app, err := c.app()
	if err != nil {
		return adminapi.DevicesPage{}, err
	}
	limit, err := c.limit()
	if err != nil {
		return adminapi.DevicesPage{}, err
	}
	after, err := c.cursor()
	if err != nil {
		return adminapi.DevicesPage{}, err
	}
	if len(after) > account.MaxUserIDBytes {
		return adminapi.DevicesPage{}, errCursor
	}
	list, next, err := s.dir.ListDevices(ctx, app, account.UserID(after), limit)
	if err != nil {
		return adminapi.DevicesPage{}, err
	}
	page := adminapi.DevicesPage{Accounts: make([]adminapi.AccountDevices, 0, len(list)), NextCursor: nextCursor(string(next))}
	for _, a := range list {
		if len(a.Devices.Devices) > 0 {
			page.Accounts = append(page.Accounts, showDevices(a.User, a.Devices))
		}
	}
	return page, nil
}

func (s *Server) readDevices(ctx context.Context, c *call) (adminapi.AccountDevices, error) {
	app, err := c.app()
	if err != nil {
		return adminapi.AccountDevices{}, err
	}
	return s.devices(ctx, app, c.userID())
}

// devices returns the devices of an account as the API shows them.
func (s *Server) devices(ctx context.Context, app account.AppID, user account.UserID) (adminapi.AccountDevices, error) {
	if err := user.Validate(false); err != nil {
		return adminapi.AccountDevices{}, err
	}
	d, err := s.dir.Devices(ctx, app, user)
	if err != nil {
		return adminapi.AccountDevices{}, err
	}
	return showDevices(user, d), nil
}

func (s *Server) endDevice(ctx context.Context, c *call, req adminapi.DeviceEnd) (adminapi.AccountDevices, error) {
	app, err := c.app()
	if err != nil {
		return adminapi.AccountDevices{}, err
	}
	if err := s.dir.EndDevice(ctx, c.actor(), app, account.UserID(req.UserID), req.Device); err != nil {
		return adminapi.AccountDevices{}, err
	}
	return s.devices(ctx, app, account.UserID(req.UserID))
}

func (s *Server) loginDevice(ctx context.Context, c *call, req adminapi.DeviceLogin) (adminapi.LoggedIn, error) {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return adminapi.LoggedIn{}, err
	}
	expires, err := s.checkSig(ctx, app, req)
	if err != nil {
		return adminapi.LoggedIn{}, err
	}
	in, err := s.dir.Login(ctx, app.ID, account.UserID(req.UserID), session.Login{
		Platform: platform(req.Platform), Address: req.Address, Instance: req.Instance, Expires: expires,
	})
	if err != nil {
		return adminapi.LoggedIn{}, err
	}
	shown := adminapi.LoggedIn{Device: showDevice(&in.Device), Again: in.Again, Replaced: make([]adminapi.Device, len(in.Replaced))}
	for i := range in.Replaced {
		shown.Replaced[i] = showDevice(&in.Replaced[i])
	}
	return shown, nil
}

// checkSig checks the UserSig of a login as the gate of the account API does, and returns its
// expiry. Without a UserSig there is none.
func (s *Server) checkSig(ctx context.Context, app *account.App, req adminapi.DeviceLogin) (expires time.Time, err error) {
	if req.UserSig == "" {
		return expires, nil
	}
	x := &explaining{app: app, text: req.UserSig, identifier: req.UserID, now: s.dir.Now(app.ID)}
	x.explain(app.Settings.AnySignature && s.dir.MayFalsify(app))
	if x.Sig != nil {
		kicked, err := s.dir.Watermark(ctx, app, account.UserID(req.UserID))
		if err != nil {
			return expires, err
		}
		x.CheckKick(kicked, x.now)
	}
	if x.Code != 0 {
		first, _ := x.Fault()
		return expires, bad(fmt.Sprintf("the UserSig is refused with %d: %s", x.Code, first.Why))
	}
	return x.ExpiresAt, nil
}

func (s *Server) reportDevices(ctx context.Context, c *call, req adminapi.DeviceReports) (adminapi.ReportedDevices, error) {
	app, err := c.app()
	if err != nil {
		return adminapi.ReportedDevices{}, err
	}
	reports := make([]session.Report, len(req.Reports))
	for i, r := range req.Reports {
		reports[i] = session.Report{
			User:    account.UserID(r.UserID),
			Login:   session.Login{Platform: platform(r.Platform), Address: r.Address, Instance: r.Instance},
			Vouched: vouched(r.VouchedMS), Logout: r.Logout,
		}
	}
	results, err := s.dir.ReportDevices(ctx, app, reports)
	if err != nil {
		return adminapi.ReportedDevices{}, err
	}
	shown := adminapi.ReportedDevices{Results: make([]adminapi.AccountResult, len(results))}
	for i, r := range results {
		shown.Results[i] = showResult(reports[i].User, r)
		if r.Code == account.OK {
			shown.Applied++
		}
	}
	return shown, nil
}

// vouched returns a number of milliseconds as a duration. One that no duration can represent
// is refused like any other that is too long.
func vouched(ms int64) time.Duration {
	if most := session.MaxVouched.Milliseconds(); ms < 0 || ms > most {
		ms = most + 1
	}
	return time.Duration(ms) * time.Millisecond
}

// platform returns the platform with a name, in any case.
func platform(name string) account.Platform {
	for _, p := range account.Platforms() {
		if strings.EqualFold(string(p), name) {
			return p
		}
	}
	return account.Platform(name)
}

// Actions of [adminapi.DeviceChange].
const (
	deviceLogout    = "logout"
	deviceDrop      = "drop"
	deviceSilence   = "silence"
	deviceReconnect = "reconnect"
)

func (s *Server) changeDevice(ctx context.Context, c *call, req adminapi.DeviceChange) (adminapi.AccountDevices, error) {
	reason := session.Silence(req.Reason)
	switch req.Action {
	case deviceSilence:
		if reason == "" {
			reason = session.Unreachable
		}
	case deviceLogout, deviceDrop, deviceReconnect:
		if reason != "" {
			return adminapi.AccountDevices{}, bad("only silence has a reason; leave it out")
		}
	default:
		return adminapi.AccountDevices{}, bad(fmt.Sprintf("the action %s is unknown; give %s, %s, %s or %s", account.Quote(req.Action), deviceLogout, deviceDrop, deviceSilence, deviceReconnect))
	}
	return s.changeVirtual(ctx, c, req.UserID, func(ctx context.Context, all *session.Sessions, at session.Target) (err error) {
		switch req.Action {
		case deviceLogout:
			return all.Logout(ctx, at, req.Device)
		case deviceDrop:
			return all.Drop(ctx, at, req.Device)
		case deviceSilence:
			return all.Silence(ctx, at, req.Device, reason)
		}
		_, err = all.Reconnect(ctx, at, req.Device)
		return err
	})
}

func (s *Server) setCustomStatus(ctx context.Context, c *call, req adminapi.CustomStatus) (adminapi.AccountDevices, error) {
	return s.changeVirtual(ctx, c, req.UserID, func(ctx context.Context, all *session.Sessions, at session.Target) error {
		return all.SetStatus(ctx, at, req.CustomStatus)
	})
}

// changeVirtual makes a change of the devices of an account of a test app, and returns them
// as they are afterwards.
func (s *Server) changeVirtual(ctx context.Context, c *call, userID string, change func(context.Context, *session.Sessions, session.Target) error) (adminapi.AccountDevices, error) {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return adminapi.AccountDevices{}, err
	}
	user := account.UserID(userID)
	if err := user.Validate(false); err != nil {
		return adminapi.AccountDevices{}, err
	}
	if err := s.dir.ChangeDevices(ctx, app.ID, user, change); err != nil {
		return adminapi.AccountDevices{}, err
	}
	return s.devices(ctx, app.ID, user)
}

func showDevices(user account.UserID, d session.Devices) adminapi.AccountDevices {
	shown := adminapi.AccountDevices{UserID: string(user), State: d.State(), CustomStatus: d.CustomStatus, Devices: make([]adminapi.Device, len(d.Devices))}
	for i := range d.Devices {
		shown.Devices[i] = showDevice(&d.Devices[i])
	}
	return shown
}

func showDevice(d *records.Device) adminapi.Device {
	return adminapi.Device{
		ID: d.ID, Platform: string(d.Platform), State: session.StateOf(d), Instance: d.Instance, Address: d.Address,
		LoginAt: session.TimeOf(d.Login), LostAt: session.TimeOf(d.Lost), SilentTo: session.TimeOf(d.Silent), ExpiresAt: session.TimeOf(d.Expires), VouchedTo: session.TimeOf(d.Vouched),
	}
}
