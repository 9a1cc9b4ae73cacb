package api

import (
	"context"
	"reflect"
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/figures"
	"rollcall/internal/wire"
)

// Figures know what happened in an app on its last days. A [figures.Figures] does.
type Figures interface {
	// ReadDays returns the last days of an app, oldest first.
	ReadDays(context.Context, *account.App) ([]figures.Day, error)
}

// getAppInfo serves getappinfo (protocol-sessions.md §9.2).
func (s *Server) getAppInfo(ctx context.Context, c *call, req *wire.GetAppInfoRequest) (any, error) {
	asked, err := askedFields(&req.RequestField)
	if err != nil {
		return nil, err
	}
	days, err := s.figures.ReadDays(ctx, c.app)
	if err != nil {
		return nil, err
	}
	resp := wire.GetAppInfoResponse{BareHead: wire.BareHead{ErrorInfo: wire.StatusOK}, Result: make([]wire.AppInfo, len(days))}
	for i := range days {
		day := &resp.Result[len(days)-1-i] // the newest one is the first, as in the vendor's sample
		*day = appInfo(c.app.ID, &days[i])
		if len(asked) > 0 {
			keep(day, asked)
		}
	}
	return resp, nil
}

// askedFields returns the names of the fields that a call asks for. None means all of them.
// Codes: Malformed.
func askedFields(l *wire.List[wire.Text]) (map[string]bool, error) {
	if l.Kind == wire.Wrong {
		return nil, &fieldError{account.Malformed, wire.Mismatch{At: field("RequestField"), Want: "an array of names"}}
	}
	asked := map[string]bool{}
	for i, t := range l.V {
		if t.Kind != wire.Valid {
			return nil, &fieldError{account.Malformed, wire.Mismatch{At: itemOf("RequestField", i), Want: aString}}
		}
		asked[t.V] = true
	}
	return asked, nil
}

// appInfo returns the fields of a day. Those of messages, groups and friends are 0, because
// Rollcall has none of these. A user is active on a day on which it logs in.
func appInfo(app account.AppID, d *figures.Day) (a wire.AppInfo) {
	for _, f := range reflect.ValueOf(&a).Elem().Fields() {
		f.SetString("0")
	}
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	a.AppId, a.Date = count(int64(app)), d.Date.Format("20060102")
	a.ActiveUserNum, a.LoginUserNum, a.LoginTimes = count(d.Users), count(d.Users), count(d.Logins)
	a.RegistUserNumOneDay, a.RegistUserNumTotal = count(d.Created), count(d.Accounts)
	a.MaxOnlineNum = count(d.Online)
	a.CallBackReq, a.CallBackRsp = count(d.Sent), count(d.Answered)
	return a
}

// keep clears the fields of a that were not asked for, except for the date. The vendor's
// sample has it, too.
func keep(a *wire.AppInfo, asked map[string]bool) {
	for f, v := range reflect.ValueOf(a).Elem().Fields() {
		if !asked[f.Name] && f.Name != "Date" {
			v.SetString("")
		}
	}
}
