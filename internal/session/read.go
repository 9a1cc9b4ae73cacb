package session

import (
	"context"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Devices are the devices of an account that are logged in, and its custom status.
type Devices struct {
	CustomStatus string
	Devices      []records.Device // by platform, then by time of login; shared, so they must not be changed
}

// States of an account and of a device (protocol-sessions.md §1.1).
const (
	Online     = "Online"
	PushOnline = "PushOnline" // the link is gone; push can reach the device
	Offline    = "Offline"
)

// State returns Online if any device is online, PushOnline if there are only others, and
// Offline if there is none.
func (d *Devices) State() string {
	state := Offline
	for i := range d.Devices {
		if d.Devices[i].Lost == 0 {
			return Online
		}
		state = PushOnline
	}
	return state
}

// StateOf returns the state of a device that is logged in.
func StateOf(d *records.Device) string {
	if d.Lost == 0 {
		return Online
	}
	return PushOnline
}

// Devices returns the devices of accounts by their status, in order. It writes nothing.
func (s *Sessions) Devices(ctx context.Context, app *account.App, users []account.UserID, status []account.Status) ([]Devices, error) {
	all := make([]Devices, len(users))
	if none, err := s.o.Records.NoPresence(ctx); err != nil || none {
		return all, err
	}
	found, err := s.o.Records.Presences(ctx, app.ID, users)
	if err != nil {
		return nil, err
	}
	m, err := s.moment(ctx, app, found...)
	if err != nil {
		return nil, err
	}
	for i, p := range found {
		if p != nil && status[i].Exists() {
			all[i] = at(m, p, status[i])
		}
	}
	return all, nil
}

// States returns the states of accounts by their status, in order. It is far faster than
// [Sessions.Devices] where one process has the store.
func (s *Sessions) States(ctx context.Context, app *account.App, users []account.UserID, status []account.Status) ([]string, error) {
	if none, err := s.o.Records.NoPresence(ctx); err != nil || none {
		return slices.Repeat([]string{Offline}, len(users)), err
	}
	states := make([]string, len(users))
	var rest []int // indexes of the accounts that need a closer look
	var some []account.UserID
	var theirs []account.Status
	for i, g := range s.o.Records.Glances(status, s.o.Now(app).UnixMilli(), s.own()) {
		if states[i] = glanced[g]; g == records.GlanceUnknown {
			rest, some, theirs = append(rest, i), append(some, users[i]), append(theirs, status[i])
		}
	}
	if len(rest) == 0 {
		return states, nil
	}
	found, err := s.Devices(ctx, app, some, theirs)
	if err != nil {
		return nil, err
	}
	for i, at := range rest {
		states[at] = found[i].State()
	}
	return states, nil
}

// glanced are the states that glances tell.
var glanced = [...]string{
	records.GlanceUnknown: "", records.GlanceOffline: Offline, records.GlancePush: PushOnline, records.GlanceOnline: Online,
}

// at returns the devices of an account at m. A login session from before a kick has ended,
// even if a crash came between the kick and its end.
func at(m moment, p *records.Presence, status account.Status) Devices {
	if p.Account == status.InternalID && len(p.Devices) == 1 && settled(m, &p.Devices[0], status.Kicked) {
		return Devices{p.Status, p.Devices} // by far the most frequent case
	}
	t := newTurn(m, p, status.InternalID)
	t.p.Devices = slices.DeleteFunc(t.p.Devices, func(d records.Device) bool { return isBefore(&d, status.Kicked) })
	t.clearStatus()
	return Devices{t.p.Status, t.sorted()}
}

// settled reports whether the state of d at m is what is stored.
func settled(m moment, d *records.Device, kicked int64) bool {
	at := m.due(d)
	return !isBefore(d, kicked) && (at == 0 || at > m.now.UnixMilli())
}

// An Account is an account that has devices.
type Account struct {
	User account.UserID
	Devices
}

// List returns a page of the accounts of an app with stored login sessions, after an id, in
// the byte order of their ids. next is the id to continue after, or "" at the end. An account
// in it can be without devices, because they have ended of late. statuses returns the status
// of accounts.
func (s *Sessions) List(ctx context.Context, app *account.App, after account.UserID, limit int, statuses func([]account.UserID) ([]account.Status, error)) (all []Account, next account.UserID, err error) {
	found, next, err := s.o.Records.ListPresences(ctx, app.ID, after, limit)
	if err != nil {
		return nil, "", err
	}
	users, stored := make([]account.UserID, len(found)), make([]*records.Presence, len(found))
	for i := range found {
		users[i], stored[i] = found[i].User, found[i].Presence
	}
	status, err := statuses(users)
	if err != nil {
		return nil, "", err
	}
	m, err := s.moment(ctx, app, stored...)
	if err != nil {
		return nil, "", err
	}
	for i, f := range found {
		if status[i].Exists() {
			all = append(all, Account{f.User, at(m, f.Presence, status[i])})
		}
	}
	return all, next, nil
}
