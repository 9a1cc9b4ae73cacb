package session

import (
	"cmp"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// PushKept is how long a device whose link is gone can be reached by push. It then is Offline,
// without an event (protocol-sessions.md §1.1, §13 row 4).
const PushKept = 7 * 24 * time.Hour

// lastEventKept is how long the time of the newest event of an account without devices is
// kept. Events of an account thus rise in time, even if a clock is set back by less.
const lastEventKept = time.Minute

// maxReplaced is the number of replaced devices that are kept of an account, because they may
// come back; see [account.Settings.KickedReconnect].
const maxReplaced = 10

// A moment is what the login sessions of an account depend on beside themselves.
type moment struct {
	app *account.App
	now time.Time // by the clock of the app

	// gone are the nodes whose lease has ended, and when, in Unix milliseconds by the clock
	// of the app.
	gone map[string]int64

	// link limits a change to the device with this link; see [Target.Link].
	link Link
}

// A turn changes the login sessions of one account at one moment.
type turn struct {
	moment
	user   account.UserID
	now    int64 // Unix milliseconds by the clock of the app
	kicked int64 // watermark of the account in Unix seconds, if it is known
	p      *records.Presence
	events []account.StateChange // in the order in which they happened
	links  []records.LinkEnd     // links that have ended, without App and User
}

// newTurn returns a turn at m, after everything that has come due. It changes a copy of p.
// If p is of an earlier account with the same UserID, or nil, there are no login sessions.
// InternalID 0 is that of p.
func newTurn(m moment, p *records.Presence, internalID uint64) *turn {
	t := &turn{moment: m, now: m.now.UnixMilli()}
	switch {
	case p == nil:
		t.p = &records.Presence{Account: internalID}
	case internalID != 0 && p.Account != internalID:
		t.p = p.Clone()
		for i := range t.p.Devices {
			t.unlink(&t.p.Devices[i], Deleted)
		}
		t.p = &records.Presence{Account: internalID, LastEvent: p.LastEvent}
	default:
		t.p = p.Clone()
		t.settle()
	}
	return t
}

// kick tells t the watermark of the account. It ends the login sessions from before, which
// are left only if a crash came between the kick and their end.
func (t *turn) kick(watermark int64) {
	t.kicked = watermark
	t.end(Kicked, func(d records.Device) bool { return isBefore(&d, watermark) })
}

// isBefore reports whether the login session of d began before a kick.
func isBefore(d *records.Device, kicked int64) bool { return d.Login/1000 < kicked }

// settle applies what has come due, in the order of time.
func (t *turn) settle() {
	for {
		first, at := -1, t.now+1
		for i := range t.p.Devices {
			if due := t.due(&t.p.Devices[i]); due != 0 && due < at {
				first, at = i, due
			}
		}
		if first < 0 {
			return
		}
		t.expire(&t.p.Devices[first], at)
	}
}

// due returns when the state of d changes by itself, or 0 for never.
func (m *moment) due(d *records.Device) (first int64) {
	if d.Lost != 0 {
		return d.Lost + PushKept.Milliseconds()
	}
	for _, at := range [...]int64{d.Silent, sigEnd(d), d.Vouched, m.left(d)} {
		if at != 0 && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

// left returns when the link of d ended because its node has gone, or 0. A lease can have
// ended before the login of d by a clock that was set since, and after now.
func (m *moment) left(d *records.Device) int64 {
	at, gone := m.gone[d.Node]
	if !gone || d.Node == "" {
		return 0
	}
	return min(max(at, d.Login), m.now.UnixMilli())
}

// sigEnd returns when the UserSig of d stops being valid, or 0 for never. It is still valid
// in the whole second of its expiry.
func sigEnd(d *records.Device) int64 {
	if d.Expires == 0 {
		return 0
	}
	return (d.Expires/1000 + 1) * 1000
}

// expire changes the state of d at the time at which it is due.
func (t *turn) expire(d *records.Device, at int64) {
	switch {
	case d.Lost != 0:
		t.remove(d.ID)
	case at == d.Silent && !d.Closed, at != d.Silent && at != sigEnd(d) && !d.Platform.Browser():
		t.lose(d, at, account.ReasonTimeOut, Dropped)
	case at == sigEnd(d):
		t.lose(d, at, account.ReasonLinkClose, Expired)
	default:
		t.lose(d, at, account.ReasonLinkClose, Dropped)
	}
}

// lose ends the link of d at a time. why is told to the link.
func (t *turn) lose(d *records.Device, at int64, reason account.StateReason, why EndReason) {
	t.emit(at, account.StateDisconnect, reason, d)
	t.unlink(d, why)
	if t.app.HasPush(d.Platform) {
		d.Lost, d.Silent, d.Closed, d.Vouched = at, 0, false, 0
		t.clearStatus()
		return
	}
	t.remove(d.ID)
}

// unlink takes the link of d away.
func (t *turn) unlink(d *records.Device, why EndReason) {
	if d.Node != "" {
		t.links = append(t.links, records.LinkEnd{Device: d.ID, Node: d.Node, Link: d.Link, Reason: string(why)})
	}
	d.Node, d.Link = "", 0
}

// remove removes a device.
func (t *turn) remove(id uint64) {
	t.p.Devices = slices.DeleteFunc(t.p.Devices, func(d records.Device) bool { return d.ID == id })
	t.clearStatus()
}

// clearStatus clears the custom status if no device is online. That is no event of its own
// (protocol-sessions.md §1.3).
func (t *turn) clearStatus() {
	if !slices.ContainsFunc(t.p.Devices, func(d records.Device) bool { return d.Lost == 0 }) {
		t.p.Status = ""
	}
}

// emit adds an event of d. Its time is at, or a millisecond after the event before it.
func (t *turn) emit(at int64, action account.StateAction, reason account.StateReason, d *records.Device) *account.StateChange {
	t.p.LastEvent = max(at, t.p.LastEvent+1)
	t.events = append(t.events, account.StateChange{At: t.p.LastEvent, Action: action, Reason: reason, Platform: d.Platform, Address: d.Address})
	return &t.events[len(t.events)-1]
}

// device returns the device with an ID. If t has a link, it has that link, and the ID 0 stands
// for its ID.
//
// Codes: NoDevice.
func (t *turn) device(id uint64) (*records.Device, error) {
	for i := range t.p.Devices {
		d := &t.p.Devices[i]
		if t.link == (Link{}) && d.ID == id || t.link != (Link{}) && t.link == (Link{d.Node, d.Link}) && (id == 0 || d.ID == id) {
			return d, nil
		}
	}
	return nil, errNoDevice
}

// errNoDevice is the error for a device that is not logged in.
var errNoDevice error = &account.Error{Code: account.NoDevice, Detail: "the account has no such device; list its devices, or log one in"}

// next returns what to store, or nil for nothing, and when it changes by itself.
func (t *turn) next() (*records.Presence, int64) {
	if len(t.p.Devices) == 0 {
		end := t.p.LastEvent + lastEventKept.Milliseconds()
		if end <= t.now || t.p.LastEvent == 0 {
			return nil, 0
		}
		return t.p, end
	}
	first := int64(0)
	for i := range t.p.Devices {
		if at := t.due(&t.p.Devices[i]); at != 0 && (first == 0 || at < first) {
			first = at
		}
	}
	return t.p, first
}

// same reports whether p and q are the same login sessions, or both none.
func same(p, q *records.Presence) bool {
	if p == nil || q == nil {
		return p == q
	}
	return p.Account == q.Account && p.Status == q.Status && p.LastEvent == q.LastEvent &&
		slices.Equal(p.Devices, q.Devices) && slices.Equal(p.Replaced, q.Replaced)
}

// sorted returns the devices in the order of query_online_status: by platform, then by the
// time of the login (protocol-sessions.md §4).
func (t *turn) sorted() []records.Device {
	order := account.Platforms()
	return slices.SortedFunc(slices.Values(t.p.Devices), func(a, b records.Device) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Platform), slices.Index(order, b.Platform)),
			cmp.Compare(a.Login, b.Login), cmp.Compare(a.ID, b.ID))
	})
}
