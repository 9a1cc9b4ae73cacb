package directory

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/session"
)

// A PresenceResult is the presence of one id.
type PresenceResult struct {
	Exists bool
	State  string // see [session.Online]
	session.Devices
}

// Presence returns the presence of each id, in order. Robots are offline: they do not log
// in.
func (d *Directory) Presence(ctx context.Context, app *account.App, ids []account.UserID) ([]PresenceResult, error) {
	return d.PresenceInto(ctx, app, ids, nil)
}

// PresenceInto is Presence for callers that reuse memory. It returns the results in the memory
// of results if that is large enough, and overwrites its content.
func (d *Directory) PresenceInto(ctx context.Context, app *account.App, ids []account.UserID, results []PresenceResult) ([]PresenceResult, error) {
	status, err := d.status(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	devices, err := d.sessions.Devices(ctx, app, ids, status)
	if err != nil {
		return nil, err
	}
	results = slices.Grow(results[:0], len(ids))
	for i := range ids {
		results = append(results, PresenceResult{status[i].Exists(), devices[i].State(), devices[i]})
	}
	return results, nil
}

// StatesInto is PresenceInto without the devices and the custom status, which is faster.
func (d *Directory) StatesInto(ctx context.Context, app *account.App, ids []account.UserID, results []PresenceResult) ([]PresenceResult, error) {
	status, err := d.status(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	states, err := d.sessions.States(ctx, app, ids, status)
	if err != nil {
		return nil, err
	}
	results = slices.Grow(results[:0], len(ids))
	for i := range ids {
		results = append(results, PresenceResult{Exists: status[i].Exists(), State: states[i]})
	}
	return results, nil
}

// KeepSessions reads all login sessions into memory, which makes status queries and logins
// faster. Only a process that uses the store alone may call it.
func (d *Directory) KeepSessions(ctx context.Context) error { return d.records.KeepPresences(ctx) }

// RunSessions writes and reports what comes due of login sessions, until ctx ends.
func (d *Directory) RunSessions(ctx context.Context) error {
	return d.sessions.Run(ctx, d.warner("the ends of login sessions could not be stored; the server tries again"))
}

// warnEvery is the time after which a fault that lasts is logged again.
const warnEvery = time.Minute

// warner returns a function that logs an error, but the same one at most once in warnEvery.
func (d *Directory) warner(what string) func(error) {
	last, at := "", time.Time{}
	return func(err error) {
		if text := err.Error(); text != last || time.Since(at) >= warnEvery {
			d.lg.Warn(what, slog.String("err", text))
			last, at = text, time.Now()
		}
	}
}

// RunNode renews the lease of the node of this process, and reads what other nodes tell it,
// until ctx ends; see [session.Sessions.RunNode].
func (d *Directory) RunNode(ctx context.Context, lost func(node string)) error {
	return d.sessions.RunNode(ctx, lost, d.warner("the node of links has a fault; the server tries again"))
}

// Node returns the ID of this process, for the links of its devices.
//
// Codes: Unavailable while the lease of the node is lost.
func (d *Directory) Node(ctx context.Context) (string, error) { return d.sessions.Node(ctx) }

// EndNodes ends the links of all earlier processes. A process that has the store for itself
// calls it at its start.
func (d *Directory) EndNodes(ctx context.Context) error { return d.sessions.EndNodes(ctx) }

// Login logs in a device of an account. The first login of an unknown id registers it under
// the rules of [Directory.Import] (protocol-sessions.md §1.4).
//
// Codes: NoApp, BadParameter, InvalidID, Tombstoned, QuotaFull.
func (d *Directory) Login(ctx context.Context, id account.AppID, user account.UserID, l session.Login) (session.LoggedIn, error) {
	return d.Relogin(ctx, id, user, 0, l)
}

// Relogin gives a device of an account a new link. If the account has no device with that
// ID, or if the ID is 0, it is [Directory.Login].
//
// Codes: those of Login, and Replaced if another device took the place of this one and the
// app does not let it come back.
func (d *Directory) Relogin(ctx context.Context, id account.AppID, user account.UserID, device uint64, l session.Login) (session.LoggedIn, error) {
	app, err := d.App(ctx, id)
	if err == nil {
		err = l.Validate()
	}
	if err != nil {
		return session.LoggedIn{}, err
	}
	at, err := d.target(ctx, app, user)
	if account.CodeOf(err) == account.NoAccount {
		at, err = d.register(ctx, app, user)
	}
	if err != nil {
		return session.LoggedIn{}, err
	}
	if device != 0 {
		in, err := d.sessions.Relink(ctx, at, device, l)
		if account.CodeOf(err) != account.NoDevice {
			return in, err
		}
	}
	return d.sessions.Login(ctx, at, l)
}

// KickedNow is [Directory.Watermark] without the delay of a shared store. It also
// reports whether the account exists.
func (d *Directory) KickedNow(ctx context.Context, app *account.App, user account.UserID) (kicked int64, exists bool, err error) {
	status, err := d.store.Status(ctx, app.ID, []account.UserID{user})
	if err != nil {
		return 0, false, err
	}
	return status[0].Kicked, status[0].Exists(), nil
}

// register imports an account for its first login.
func (d *Directory) register(ctx context.Context, app *account.App, user account.UserID) (session.Target, error) {
	results, err := d.Import(ctx, app, []account.Upsert{{ID: user}})
	if err != nil {
		return session.Target{}, err
	}
	if results[0].Code == account.Tombstoned {
		return session.Target{}, d.tombstoned(ctx, app, user)
	}
	if err := results[0].Err(); err != nil {
		return session.Target{}, err
	}
	return d.target(ctx, app, user)
}

// target returns an account whose login sessions shall change.
//
// Codes: NoAccount.
func (d *Directory) target(ctx context.Context, app *account.App, user account.UserID) (session.Target, error) {
	status, err := d.store.Status(ctx, app.ID, []account.UserID{user})
	if err != nil {
		return session.Target{}, err
	}
	if !status[0].Exists() {
		return session.Target{}, &account.Error{Code: account.NoAccount, Detail: app.WhyUnknown(user)}
	}
	return session.Target{App: app, User: user, InternalID: status[0].InternalID, Kicked: status[0].Kicked}, nil
}

// A DeviceChange is a change of the login sessions of an account; see the methods of
// [session.Sessions].
type DeviceChange func(context.Context, *session.Sessions, session.Target) error

// ChangeDevices changes the login sessions of an account.
//
// Codes: NoApp, NoAccount, and those of change.
func (d *Directory) ChangeDevices(ctx context.Context, id account.AppID, user account.UserID, change DeviceChange) error {
	app, err := d.App(ctx, id)
	if err != nil {
		return err
	}
	at, err := d.target(ctx, app, user)
	if err != nil {
		return err
	}
	return change(ctx, d.sessions, at)
}

// EndDevice ends the login session of one device, with an audit entry in the same commit.
//
// Codes: NoApp, NoAccount, NoDevice.
func (d *Directory) EndDevice(ctx context.Context, actor string, id account.AppID, user account.UserID, device uint64) error {
	entry := d.entry(ctx, actor, EndDeviceAction, id, fmt.Sprintf("%s: %s", user, strconv.FormatUint(device, 10)))
	return d.ChangeDevices(ctx, id, user, func(ctx context.Context, s *session.Sessions, at session.Target) error {
		return s.Logout(ctx, at, device, records.EntryWrites(entry)...)
	})
}

// Devices returns the devices of an account.
//
// Codes: NoApp, NoAccount.
func (d *Directory) Devices(ctx context.Context, id account.AppID, user account.UserID) (session.Devices, error) {
	app, err := d.App(ctx, id)
	if err != nil {
		return session.Devices{}, err
	}
	results, err := d.Presence(ctx, app, []account.UserID{user})
	if err != nil {
		return session.Devices{}, err
	}
	if !results[0].Exists {
		return session.Devices{}, &account.Error{Code: account.NoAccount, Detail: app.WhyUnknown(user)}
	}
	return results[0].Devices, nil
}

// ListDevices returns a page of the accounts that have devices; see [session.Sessions.List].
//
// Codes: NoApp.
func (d *Directory) ListDevices(ctx context.Context, id account.AppID, after account.UserID, limit int) ([]session.Account, account.UserID, error) {
	app, err := d.App(ctx, id)
	if err != nil {
		return nil, "", err
	}
	return d.sessions.List(ctx, app, after, limit, func(users []account.UserID) ([]account.Status, error) {
		return d.store.Status(ctx, id, users)
	})
}

// endTimeout bounds the end of login sessions after a change of their accounts.
const endTimeout = 10 * time.Second

// lasting returns a context for the end of login sessions, which a caller who hangs up does
// not prevent, because its accounts have changed already.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
}

// endKicked ends the login sessions of an account that was kicked.
func (d *Directory) endKicked(ctx context.Context, app *account.App, user account.UserID) error {
	if none, err := d.records.NoPresence(ctx); err == nil && none {
		return nil
	}
	ctx, cancel := lasting(ctx)
	defer cancel()
	err := d.sessions.EndAll(ctx, app, session.Kicked, user)
	if err == nil {
		return nil
	}
	return &account.Error{
		Code: account.Unknown, Detail: "the account was kicked, but perhaps its devices are still logged in; repeat the call", Err: err,
	}
}

// endDeleted ends the login sessions of accounts that were deleted. It only matters for their
// events: nobody sees login sessions of an account that does not exist.
func (d *Directory) endDeleted(ctx context.Context, app *account.App, ids []account.UserID, codes []account.Code) {
	if none, err := d.records.NoPresence(ctx); err == nil && none {
		return
	}
	ctx, cancel := lasting(ctx)
	defer cancel()
	deleted := make([]account.UserID, 0, len(ids))
	for i, c := range codes {
		if c == account.OK {
			deleted = append(deleted, ids[i])
		}
	}
	if err := d.sessions.EndAll(ctx, app, session.Deleted, deleted...); err != nil {
		d.lg.Warn("no events report the devices of deleted accounts", slog.Any("sdkappid", app.ID), slog.Any("err", err))
	}
}

// removeSessions removes the login sessions of an app whose accounts were replaced or
// removed.
func (d *Directory) removeSessions(e account.Event) {
	if err := d.sessions.Remove(context.Background(), e.App); err != nil {
		d.lg.Warn("login sessions of accounts that are gone could not be removed", slog.Any("sdkappid", e.App), slog.Any("err", err))
	}
}
