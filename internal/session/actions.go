package session

import (
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// login logs in a device, or gives a device that is logged in a new link. A device with the
// instance of another one on the same platform is that one (protocol-sessions.md §2.2). Even
// on a clock that was set back, a login session does not begin before the last kick.
func (t *turn) login(l Login, newID func() uint64) LoggedIn {
	if i := slices.IndexFunc(t.p.Devices, l.is); i >= 0 {
		return t.loginAgain(&t.p.Devices[i], l)
	}
	gone := t.makeRoom(l.Platform)
	t.p.Devices = append(t.p.Devices, records.Device{
		ID: t.unused(newID), Instance: l.Instance, Platform: l.Platform, Address: l.Address, Login: max(t.now, t.kicked*1000), Expires: millis(l.Expires),
		Node: l.Link.Node, Link: l.Link.ID,
	})
	d := &t.p.Devices[len(t.p.Devices)-1]
	e := t.emit(t.now, account.StateLogin, account.ReasonRegister, d)
	for _, g := range gone {
		e.Replaced = append(e.Replaced, g.Platform)
	}
	for i := range gone {
		t.unlink(&gone[i], Replaced)
	}
	t.p.Replaced = append(t.p.Replaced, gone...)
	t.p.Replaced = slices.Clone(t.p.Replaced[max(0, len(t.p.Replaced)-maxReplaced):])
	return LoggedIn{Device: *d, Replaced: gone}
}

// loginAgain gives a device a new link, as it logs in with l.
func (t *turn) loginAgain(d *records.Device, l Login) LoggedIn {
	d.Address, d.Expires = l.Address, millis(l.Expires)
	needed := t.relink(d, l.Link)
	return LoggedIn{Device: *d, Again: !needed}
}

// unused returns an ID that no device of the account has or had of late.
func (t *turn) unused(newID func() uint64) uint64 {
	for {
		id := newID()
		if _, err := t.device(id); err != nil && t.replaced(id) < 0 {
			return id
		}
	}
}

// online reports whether d has a link that is not silent.
func (t *turn) online(d *records.Device) bool { return d.Lost == 0 && d.Silent == 0 }

// relink gives d the new link to, and reports whether d needed one. That is a Login even if the end
// of the old link was not noticed; then the old link has no Disconnect (protocol-sessions.md
// §1.2). A browser whose link is in order logs in again without a new login session (§2.2).
func (t *turn) relink(d *records.Device, to Link) (needed bool) {
	t.unlink(d, Superseded)
	if d.Node, d.Link = to.Node, to.ID; to != (Link{}) {
		d.Vouched = 0 // the node knows more than a gateway
	}
	if t.online(d) && d.Platform.Browser() {
		return false
	}
	d.Lost, d.Silent, d.Closed, d.Vouched = 0, 0, false, 0
	t.emit(t.now, account.StateLogin, account.ReasonRegister, d)
	return true
}

// replaced returns the index of the device with an ID that gave way to another one, or -1.
func (t *turn) replaced(id uint64) int {
	return slices.IndexFunc(t.p.Replaced, func(d records.Device) bool { return d.ID == id })
}

// checkSig returns an error if the UserSig of d has expired. It needs a new one to have a
// link (protocol-sessions.md §1.2).
//
// Codes: BadParameter.
func (t *turn) checkSig(d *records.Device) error {
	if end := sigEnd(d); end == 0 || t.now < end {
		return nil
	}
	return refusef("the UserSig of the device expired at %s; log in again with a new one", TimeOf(d.Expires).Format(time.RFC3339))
}

// reconnect gives a device a new link, without a new login. It keeps its address and the
// expiry of its UserSig unless by says more. A device that gave way to another one logs in
// again, if the app lets it.
//
// Codes: NoDevice, BadParameter if its UserSig has expired or if by has another platform, and
// Replaced if the app does not let it.
func (t *turn) reconnect(id uint64, by *Login, newID func() uint64) (LoggedIn, error) {
	if i := t.replaced(id); i >= 0 {
		return t.comeBack(i, by, newID)
	}
	d, err := t.device(id)
	if err == nil && by == nil {
		err = t.checkSig(d)
	}
	if err != nil {
		return LoggedIn{}, err
	}
	if by == nil {
		t.relink(d, Link{})
		return LoggedIn{Device: *d}, nil
	}
	if err := by.mayBe(d); err != nil {
		return LoggedIn{}, err
	}
	return t.loginAgain(d, *by), nil
}

// comeBack logs in the i-th of the devices that gave way to others.
//
// Codes: BadParameter as in reconnect, and Replaced if the app does not let it.
func (t *turn) comeBack(i int, by *Login, newID func() uint64) (LoggedIn, error) {
	if t.app.Settings.KickedReconnect == account.KickedReconnectRefuse {
		return LoggedIn{}, &account.Error{Code: account.Replaced, Detail: "another device took the place of this one; log in again"}
	}
	d := t.p.Replaced[i]
	l := Login{Platform: d.Platform, Address: d.Address, Instance: d.Instance, Expires: TimeOf(d.Expires)}
	if by == nil {
		if err := t.checkSig(&d); err != nil {
			return LoggedIn{}, err
		}
	} else {
		if err := by.mayBe(&d); err != nil {
			return LoggedIn{}, err
		}
		l.Address, l.Expires, l.Link = by.Address, by.Expires, by.Link
	}
	t.p.Replaced = slices.Delete(t.p.Replaced, i, i+1)
	return t.login(l, newID), nil
}

// logout ends the login session of a device on purpose.
func (t *turn) logout(id uint64) error {
	d, err := t.device(id)
	if err != nil {
		return err
	}
	t.ended(d, true)
	return nil
}

// drop ends the link of a device, as a killed process does.
func (t *turn) drop(id uint64) error {
	d, err := t.device(id)
	if err != nil {
		return err
	}
	t.ended(d, false)
	return nil
}

// ended ends the login session of a device on purpose, or else its link.
func (t *turn) ended(d *records.Device, logout bool) {
	switch {
	case logout:
		t.emit(t.now, account.StateLogout, account.ReasonUnregister, d)
		t.unlink(d, LoggedOut)
		t.remove(d.ID)
	case d.Lost == 0:
		t.lose(d, t.now, account.ReasonLinkClose, Dropped)
	}
}

// silence lets the link of a device end after a while, because nothing is heard of it.
func (t *turn) silence(id uint64, why Silence) error {
	d, err := t.device(id)
	if err != nil || d.Lost != 0 || d.Silent != 0 {
		return err
	}
	after, closed := t.app.LinkTimeout(d.Platform), d.Platform.Browser()
	switch why {
	case Background:
		if d.Platform != account.MiniProgram {
			return nil // the process lives, and so does its link
		}
		after = miniProgramBackground
	case Left:
		if d.Platform != account.MiniProgram {
			return t.drop(id)
		}
		after = miniProgramLeft
	case Unreachable:
	}
	t.unlink(d, Dropped)
	d.Silent, d.Closed = t.now+after.Milliseconds(), closed
	return nil
}

// setStatus sets the custom status of the account. An empty text clears it.
//
// Codes: NoDevice if no device is online.
func (t *turn) setStatus(text string) error {
	i := slices.IndexFunc(t.p.Devices, func(d records.Device) bool { return d.Lost == 0 })
	if i < 0 {
		return &account.Error{Code: account.NoDevice, Detail: "no device of the account is online, so it can have no custom status; log one in"}
	}
	if t.p.Status == text {
		return nil
	}
	t.p.Status = text
	t.emit(t.now, account.StateCustom, account.ReasonCustom, &t.p.Devices[i]).Status = text
	return nil
}

// endAll ends the login sessions of all devices, because the account was kicked or removed,
// as why tells their links.
func (t *turn) endAll(why EndReason) { t.end(why, func(records.Device) bool { return true }) }

// end ends the login sessions of some devices, because the account was kicked or removed.
// Each device that was online causes an event, if the app wants one (protocol-sessions.md
// §13, rows 1 and 2).
func (t *turn) end(why EndReason, gone func(records.Device) bool) {
	if slices.ContainsFunc(t.p.Devices, gone) {
		for _, d := range t.sorted() {
			if !gone(d) {
				continue
			}
			t.unlink(&d, why)
			if d.Lost == 0 {
				t.emitKick(&d)
			}
		}
	}
	t.p.Devices, t.p.Replaced = slices.DeleteFunc(t.p.Devices, gone), slices.DeleteFunc(t.p.Replaced, gone)
	t.clearStatus()
}

// emitKick adds the event of d that the app wants after a kick.
func (t *turn) emitKick(d *records.Device) {
	switch t.app.Settings.KickEvent {
	case account.KickEventLogout:
		t.emit(t.now, account.StateLogout, account.ReasonUnregister, d)
	case account.KickEventDisconnect:
		t.emit(t.now, account.StateDisconnect, account.ReasonLinkClose, d)
	case account.KickEventOff:
	}
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// TimeOf returns a time in Unix milliseconds, of which 0 is the zero time.
func TimeOf(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}
