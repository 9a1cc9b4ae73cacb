package seed

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/session"
)

// A device is a virtual device of an account of a file.
type device struct {
	Platform account.Platform `json:"platform"`
	Instance string           `json:"instance"` // [defaultInstance] if absent
	Address  string           `json:"address"`
	State    string           `json:"state"` // online or push; online if absent
}

// defaultInstance is the instance of a device without one. Because of it, a device that is
// logged in is found again when the file is applied again.
const defaultInstance = "seed"

// States of a device of a file.
const (
	online = "online" // it has a link
	push   = "push"   // its link is gone, and push can reach it
)

// login returns what d says when it logs in. The address must have been checked.
func (d *device) login() session.Login {
	address, _ := netip.ParseAddr(d.Address)
	return session.Login{Platform: d.Platform, Instance: cmp.Or(d.Instance, defaultInstance), Address: address}
}

// is reports whether d is the device of a record.
func (d *device) is(r records.Device) bool {
	return r.Platform == d.Platform && r.Instance == cmp.Or(d.Instance, defaultInstance)
}

// checkDevices checks what does not depend on the settings of the app.
func (f *File) checkDevices(u *user, at jsontext.Pointer) error {
	seen := map[session.Login]int{}
	for i := range u.Devices {
		d, at := &u.Devices[i], at+pointer("devices", i)
		if _, err := netip.ParseAddr(d.Address); err != nil && d.Address != "" {
			return f.errorf(at+"/address", "%s is no IP address: give one, as 192.0.2.7", account.Quote(d.Address))
		}
		l := d.login()
		if err := l.Validate(); err != nil {
			return f.errorf(at, "%s", account.DetailOf(err))
		}
		if d.State != "" && d.State != online && d.State != push {
			return f.errorf(at+"/state", "the state %s is unknown: give %s or %s", account.Quote(d.State), online, push)
		}
		l.Address = netip.Addr{}
		if first := seen[l]; first > 0 {
			return f.errorf(at, "the device %s of this platform is in line %d already: give each one an instance of its own", account.Quote(l.Instance), first)
		}
		seen[l] = f.lines[at]
	}
	if err := session.CheckStatus(u.CustomStatus); err != nil {
		return f.errorf(at+"/custom_status", "%s", account.DetailOf(err))
	}
	if u.CustomStatus != "" && !slices.ContainsFunc(u.Devices, func(d device) bool { return d.State != push }) {
		return f.errorf(at+"/custom_status", "only an account with a device that is online has a custom status: give it one, or leave out custom_status")
	}
	return nil
}

// checkRoom reports whether the devices of users can have their states under the settings
// of their app.
func (f *File) checkRoom(record *account.App, users []user, at jsontext.Pointer) error {
	for i := range users {
		var platforms []account.Platform
		for j, d := range users[i].Devices {
			at := at + pointer("accounts", i) + pointer("devices", j)
			if d.State == push && !record.HasPush(d.Platform) {
				return f.errorf(at+"/state", "%s has no push, so its device is gone without a link: choose another platform, or name it in push_platforms", d.Platform)
			}
			if platforms = append(platforms, d.Platform); !session.HaveRoom(&record.Settings, platforms) {
				return f.errorf(at, "this device takes the place of another one before it: leave one out, or change login_mode, devices_per_platform or web_instances")
			}
		}
	}
	return nil
}

// applyDevices logs in the devices of users that are not logged in, and gives those that
// differ from the file the state and the address that it says.
func (f *File) applyDevices(ctx context.Context, dir *directory.Directory, record *account.App, users []user, at jsontext.Pointer) error {
	var with []int // the users with devices
	for i := range users {
		if len(users[i].Devices) > 0 {
			with = append(with, i)
		}
	}
	for part := range slices.Chunk(with, batch) {
		ids := make([]account.UserID, len(part))
		for i, n := range part {
			ids[i] = users[n].ID
		}
		found, err := dir.Presence(ctx, record, ids)
		if err != nil {
			return f.failed(at, fmt.Sprintf("the devices of app %d", record.ID), err)
		}
		for i, n := range part {
			if err := users[n].applyDevices(ctx, dir, record.ID, &found[i].Devices); err != nil {
				return f.failed(at+pointer("accounts", n)+"/devices", "account "+account.Quote(ids[i]), err)
			}
		}
	}
	return nil
}

// applyDevices changes the devices of u where they differ from what is there now.
func (u *user) applyDevices(ctx context.Context, dir *directory.Directory, app account.AppID, now *session.Devices) error {
	for i := range u.Devices {
		if err := u.applyDevice(ctx, dir, app, &u.Devices[i], now); err != nil {
			return err
		}
	}
	if u.CustomStatus == "" || u.CustomStatus == now.CustomStatus {
		return nil
	}
	return dir.ChangeDevices(ctx, app, u.ID, func(ctx context.Context, s *session.Sessions, at session.Target) error {
		return s.SetStatus(ctx, at, u.CustomStatus)
	})
}

func (u *user) applyDevice(ctx context.Context, dir *directory.Directory, app account.AppID, d *device, now *session.Devices) error {
	l := d.login()
	if i := slices.IndexFunc(now.Devices, d.is); i >= 0 {
		r := &now.Devices[i]
		if d.Address == "" {
			l.Address = r.Address
		}
		if r.Address == l.Address && r.Silent == 0 && (r.Lost != 0) == (d.State == push) {
			return nil
		}
	}
	in, err := dir.Login(ctx, app, u.ID, l)
	if err != nil || d.State != push {
		return err
	}
	return dir.ChangeDevices(ctx, app, u.ID, func(ctx context.Context, s *session.Sessions, at session.Target) error {
		return s.Drop(ctx, at, in.Device.ID)
	})
}
