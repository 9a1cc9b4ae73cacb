package session_test

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/session"
)

// report applies reports, all of accounts that exist.
func (v *env) report(reports ...session.Report) {
	v.Helper()
	status := map[account.UserID]account.Status{}
	for _, r := range reports {
		status[r.User] = account.Status{InternalID: internalID(r.User)}
	}
	if err := v.s.Report(v.Context(), v.app(appID), reports, status); err != nil {
		v.Fatal(err)
	}
}

// TestReports applies reports of several devices of several accounts, whose links end in all
// ways.
func TestReports(t *testing.T) {
	each(t, func(v *env) {
		v.keep = true
		device := func(user account.UserID, p account.Platform, vouched time.Duration) session.Report {
			return session.Report{User: user, Login: session.Login{Platform: p, Instance: "gw/" + string(p)}, Vouched: vouched}
		}
		v.report(device("a", account.Android, time.Minute), device("b", account.Web, time.Minute), device("a", account.Web, time.Hour), device("c", account.Windows, 0))
		v.mustHear("a Login/Register", "a Login/Register", "b Login/Register")
		v.advance(30 * time.Second)
		v.report(device("a", account.Android, time.Minute), device("b", account.Web, time.Minute))
		v.mustHear() // renewals are no events
		v.advance(59 * time.Second)
		v.sweep()
		v.mustHear()
		v.advance(time.Second)
		v.sweep()
		v.mustHear("a Disconnect/TimeOut", "b Disconnect/LinkClose")
		if a, b := v.state("a"), v.state("b"); a != session.Online || b != session.Offline {
			v.Errorf("a is %s, b is %s", a, b)
		}
		out := device("a", account.Android, 0)
		out.Logout = true
		v.report(out, device("a", account.Web, 0), device("a", account.Web, 0))
		v.mustHear("a Logout/Unregister", "a Disconnect/LinkClose")
		if a := v.state("a"); a != session.Offline {
			v.Errorf("a is %s", a)
		}
	})
}

// TestManyReports reports as many accounts as a call may have.
func TestManyReports(t *testing.T) {
	each(t, func(v *env) {
		v.keep = true
		var reports []session.Report
		for i := range session.MaxReports {
			reports = append(reports, session.Report{User: account.UserID(fmt.Sprint("u", i)), Login: session.Login{Platform: account.Mac, Instance: "i"}, Vouched: time.Minute})
		}
		v.report(reports...)
		if n := len(v.heard()); n != session.MaxReports {
			v.Errorf("%d events of %d logins", n, session.MaxReports)
		}
	})
}

// TestBadReports checks what a gateway may say.
func TestBadReports(t *testing.T) {
	each(t, func(v *env) {
		good := session.Report{User: "a", Login: session.Login{Platform: account.Web, Instance: "i"}}
		for want, spoil := range map[string]func(*session.Report){
			"the instance is missing":                 func(r *session.Report) { r.Instance = "" },
			"the platform is missing":                 func(r *session.Report) { r.Platform = "" },
			"negative or too long; give 0 to 24h0m0s": func(r *session.Report) { r.Vouched = session.MaxVouched + 1 },
			"a device that logs out has ":             func(r *session.Report) { r.Vouched, r.Logout = 1, true },
		} {
			r := good
			spoil(&r)
			checkDetail(v, v.s.Report(v.Context(), v.app(appID), []session.Report{good, r}, nil), want)
		}
	})
}
