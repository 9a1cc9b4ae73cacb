package directory

import (
	"context"

	"rollcall/internal/account"
)

// Presence reports which accounts are logged in. Without a Presence, everybody is
// offline.
type Presence interface {
	// Devices returns the devices of each account, in the order of ids. An
	// account without a device is offline.
	Devices(ctx context.Context, app account.AppID, ids []account.UserID) ([]Devices, error)
}

// Devices is the presence of one account.
type Devices struct {
	CustomStatus string
	Devices      []Device
}

// A Device is one device of an account that is online or can be reached by push.
type Device struct {
	Platform   string // iPhone, Android, Web, PC, iPad or Mac
	Online     bool   // false means PushOnline
	InstanceID uint64
}

// Status returns Online if any device is online, PushOnline if there are only other
// devices, and Offline if there is none (protocol.md §3.6).
func (d Devices) Status() string {
	status := "Offline"
	for _, dev := range d.Devices {
		if dev.Online {
			return "Online"
		}
		status = "PushOnline"
	}
	return status
}

type everybodyOffline struct{}

func (everybodyOffline) Devices(_ context.Context, _ account.AppID, ids []account.UserID) ([]Devices, error) {
	return make([]Devices, len(ids)), nil
}

// A PresenceResult is the presence of one id.
type PresenceResult struct {
	Exists bool
	Devices
}

// Presence returns the presence of each id, in order.
func (d *Directory) Presence(ctx context.Context, app *account.App, ids []account.UserID) ([]PresenceResult, error) {
	status, err := d.store.Status(ctx, app.ID, ids)
	if err != nil {
		return nil, err
	}
	devices, err := d.presence.Devices(ctx, app.ID, ids)
	if err != nil {
		return nil, err
	}
	results := make([]PresenceResult, len(ids))
	for i := range ids {
		results[i] = PresenceResult{status[i].Exists(), devices[i]}
	}
	return results, nil
}
