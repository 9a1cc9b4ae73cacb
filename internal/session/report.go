package session

import (
	"context"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// A Report is what a gateway says of a device whose link it holds. The instance tells the
// devices of an account apart, so it is required.
type Report struct {
	User account.UserID
	Login

	// Vouched is how long the gateway vouches for the link. Without another report the link
	// counts as gone afterwards. It is 0 if the link has ended.
	Vouched time.Duration

	// Logout says that the user has logged out. Otherwise a link that has ended was closed.
	Logout bool
}

// Limits of reports.
const (
	MaxReports = records.MaxPresences // of one call
	MaxVouched = 24 * time.Hour
)

// Validate reports whether r can be applied.
//
// Codes: BadParameter.
func (r *Report) Validate() error {
	if err := r.Login.Validate(); err != nil {
		return err
	}
	switch {
	case r.Instance == "":
		return refusef("the instance is missing; give the name by which the gateway knows the device")
	case r.Vouched < 0 || r.Vouched > MaxVouched:
		return refusef("the time for which the gateway vouches is negative or too long; give 0 to %v, which is %d ms", MaxVouched, MaxVouched.Milliseconds())
	case r.Vouched > 0 && r.Logout:
		return refusef("a device that logs out has no link for which a gateway can vouch")
	}
	return nil
}

// Report applies reports of a gateway, in their order, in one commit if no other change comes
// first. A device that is not known logs in, unless its link has ended. status contains the
// Status of each account. There are at most [MaxReports] reports.
//
// Codes: BadParameter.
func (s *Sessions) Report(ctx context.Context, app *account.App, reports []Report, status map[account.UserID]account.Status) error {
	by := map[account.UserID][]*Report{}
	var users []account.UserID
	for i := range reports {
		r := &reports[i]
		if err := r.Validate(); err != nil {
			return err
		}
		if by[r.User] == nil {
			users = append(users, r.User)
		}
		by[r.User] = append(by[r.User], r)
	}
	return s.changeAll(ctx, users, action{app: app, status: func(user account.UserID) account.Status { return status[user] }, do: func(t *turn) error {
		for _, r := range by[t.user] {
			t.report(r, s.o.NewID)
		}
		return nil
	}})
}

// report applies a report of a gateway.
func (t *turn) report(r *Report, newID func() uint64) {
	i := slices.IndexFunc(t.p.Devices, r.is)
	switch {
	case r.Vouched == 0 && i >= 0:
		t.ended(&t.p.Devices[i], r.Logout)
		return
	case r.Vouched == 0:
		return
	case i < 0:
		t.login(r.Login, newID)
		i = len(t.p.Devices) - 1
	case !t.online(&t.p.Devices[i]):
		t.relink(&t.p.Devices[i], Link{})
	}
	d := &t.p.Devices[i]
	d.Address, d.Expires, d.Vouched = r.Address, millis(r.Expires), t.now+r.Vouched.Milliseconds()
}
