package rollcalltest

import (
	"context"

	"rollcall/client"
)

// A Device is a virtual device of the app. It follows the rules of a real one: other devices
// of its account can take its place, and a kick ends its login session.
type Device struct {
	ID     uint64 // Instid of the status queries
	UserID string

	srv *Server
}

// Login logs in a virtual device of an account on a platform, such as [client.Android]. An
// unknown account is registered. A program that reads presence can be tested with it:
//
//	phone := srv.Login("alice", client.Android) // Online
//	phone.Silence()
//	srv.AdvanceClock(400 * time.Second)         // PushOnline
//	srv.AdvanceClock(7 * 24 * time.Hour)        // Offline
func (s *Server) Login(userID, platform string) *Device {
	s.tb.Helper()
	in, err := s.AdminClient.LoginDevice(context.Background(), s.SDKAppID, client.DeviceLogin{UserID: userID, Platform: platform})
	if err != nil {
		s.tb.Fatalf("rollcalltest: login: %v", err)
	}
	return &Device{ID: in.Device.ID, UserID: userID, srv: s}
}

// Logout ends the login session, as the user of the device does.
func (d *Device) Logout() { d.srv.tb.Helper(); d.change(client.LogoutDevice) }

// Drop ends the link, as a killed process or a closed page does.
func (d *Device) Drop() { d.srv.tb.Helper(); d.change(client.DropLink) }

// Silence lets the network vanish without anybody noticing. The link ends when the time of
// the platform has passed on the clock of the app.
func (d *Device) Silence() { d.srv.tb.Helper(); d.change(client.SilenceDevice) }

// Reconnect gives the device a link again.
func (d *Device) Reconnect() { d.srv.tb.Helper(); d.change(client.ReconnectDevice) }

func (d *Device) change(action client.DeviceAction) {
	d.srv.tb.Helper()
	if _, err := d.srv.AdminClient.ChangeDevice(context.Background(), d.srv.SDKAppID, d.UserID, d.ID, action); err != nil {
		d.srv.tb.Fatalf("rollcalltest: %s: %v", action, err)
	}
}

// SetCustomStatus sets the custom status of an account that has a device online. An empty
// text clears it.
func (s *Server) SetCustomStatus(userID, text string) {
	s.tb.Helper()
	if _, err := s.AdminClient.SetCustomStatus(context.Background(), s.SDKAppID, userID, text); err != nil {
		s.tb.Fatalf("rollcalltest: custom status: %v", err)
	}
}

// Devices returns the state of an account and of its devices.
func (s *Server) Devices(userID string) *client.AccountDevices {
	s.tb.Helper()
	d, err := s.AdminClient.DevicesOf(context.Background(), s.SDKAppID, userID)
	if err != nil {
		s.tb.Fatalf("rollcalltest: devices: %v", err)
	}
	return d
}
