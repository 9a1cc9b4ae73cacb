package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// A service is a service of the vendor's protocol. Each has its own codes for
// the same error.
type service uint8

// Services.
const (
	login     service = iota // im_open_login_svc
	openim                   // openim
	profile                  // profile
	mutes                    // openconfigsvr
	robots                   // openim_robot_http_svc
	addresses                // ConfigSvc, whose documents have no codes of its own
	numServices
)

var serviceNames = [numServices]string{"im_open_login_svc", "openim", "profile", "openconfigsvr", "openim_robot_http_svc", "ConfigSvc"}

// serviceNamed returns the service with that name. A test fails if a command
// belongs to another service.
func serviceNamed(name string) service { return service(slices.Index(serviceNames[:], name)) }

// wireCodes maps each error to its code in each service. A test fails on an
// empty cell.
var wireCodes = map[account.Code][numServices]wire.Code{
	account.Internal:        {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal},
	account.Unavailable:     {wire.Timeout, wire.StatusTimeout, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Timeout},
	account.Unknown:         {wire.Timeout, wire.StatusTimeout, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Timeout},
	account.Exists:          {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // apps only
	account.NoApp:           {wire.AppNotFound, wire.AppNotFound, wire.AppNotFound, wire.AppNotFound, wire.AppNotFound, wire.AppNotFound},
	account.InvalidApp:      {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // apps only
	account.NoAccount:       {wire.NoAccount, wire.NoAccount, wire.ProfileNoAccount, wire.MuteBadAccount, wire.RobotRefused, wire.NoAccount},
	account.InvalidID:       {wire.BadParameter, wire.NoAccount, wire.ProfileNoAccount, wire.MuteBadAccount, wire.RobotRefused, wire.BadParameter},
	account.Malformed:       {wire.BodyNotJSON, wire.StatusParse, wire.ProfileParameter, wire.MuteParse, wire.RobotParameter, wire.BodyNotJSON},
	account.IDNotString:     {wire.AccountType, wire.StatusIDType, wire.ProfileParameter, wire.MuteBadAccount, wire.RobotParameter, wire.AccountType},
	account.BadParameter:    {wire.BadParameter, wire.StatusParse, wire.ProfileParameter, wire.MuteNoTime, wire.RobotParameter, wire.BadParameter},
	account.EmptyBatch:      {wire.BadParameter, wire.StatusParse, wire.ProfileNoTarget, wire.MuteNoTarget, wire.RobotParameter, wire.BadParameter},
	account.BatchTooLarge:   {wire.BadParameter, wire.StatusTooMany, wire.ProfileParameter, wire.MuteNoTime, wire.RobotParameter, wire.BadParameter},
	account.NotAdmin:        {wire.NotAdmin, wire.StatusNotAdmin, wire.ProfileNotAdmin, wire.GatewayNotAdmin, wire.RobotRefused, wire.GatewayNotAdmin},
	account.ValueTooLong:    {wire.ProfileTooLong, wire.StatusParse, wire.ProfileTooLong, wire.MuteNoTime, wire.RobotParameter, wire.BadParameter},
	account.ValueNotAllowed: {wire.ProfileNotAllowed, wire.StatusParse, wire.ProfileNotAllowed, wire.MuteNoTime, wire.RobotParameter, wire.BadParameter},
	account.ValueType:       {wire.BadParameter, wire.StatusParse, wire.ProfileType, wire.MuteNoTime, wire.RobotParameter, wire.BadParameter},
	account.UnknownTag:      {wire.ProfileUnknownTag, wire.StatusParse, wire.ProfileUnknownTag, wire.MuteNoTime, wire.RobotParameter, wire.BadParameter},
	account.TagNotReadable:  {wire.ProfileNoRead, wire.StatusParse, wire.ProfileNoRead, wire.MuteNoTime, wire.RobotParameter, wire.BadParameter},
	account.TagNotWritable:  {wire.ProfileNoWrite, wire.StatusParse, wire.ProfileNoWrite, wire.MuteNoTime, wire.RobotParameter, wire.BadParameter},
	account.SensitiveWord:   {wire.ProfileSensitive, wire.StatusParse, wire.ProfileSensitive, wire.MuteNoTime, wire.RobotParameter, wire.BadParameter},
	account.Tombstoned:      {wire.Tombstoned, wire.Tombstoned, wire.Tombstoned, wire.Tombstoned, wire.RobotRefused, wire.Tombstoned},
	account.QuotaFull:       {wire.QuotaExceeded, wire.QuotaExceeded, wire.QuotaExceeded, wire.QuotaExceeded, wire.RobotRefused, wire.QuotaExceeded},
	account.DeletionOff:     {wire.DeletionRefused, wire.DeletionRefused, wire.DeletionRefused, wire.DeletionRefused, wire.DeletionRefused, wire.DeletionRefused},
	account.AdminProtected:  {wire.BadParameter, wire.BadParameter, wire.BadParameter, wire.MuteBadAccount, wire.RobotRefused, wire.BadParameter},
	account.Conflict:        {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // apps only
	account.NoKey:           {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // apps only
	account.NoToken:         {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // tokens only
	account.NoSnapshot:      {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // admin API only
	account.NoWebhook:       {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // admin API only
	account.NoImport:        {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // admin API only
	account.NoDevice:        {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // admin API only
	account.Replaced:        {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // admin API only
	account.NoRecord:        {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // records only
	account.Stale:           {wire.Internal, wire.StatusInternal, wire.ProfileInternal, wire.MuteInternal, wire.RobotInternal, wire.Internal}, // records only
}

// code returns the wire's code for c in service s.
func (s service) code(c account.Code) wire.Code {
	if c == account.OK {
		return wire.OK
	}
	return wireCodes[c][s]
}

// classify converts an error to the code and the text that a client sees. No
// other function does. The cause of an error is only logged.
func (s service) classify(err error) (wire.Code, string) {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e.Code, e.Detail
	}
	if e, ok := errors.AsType[*account.Error](err); ok {
		return s.code(e.Code), e.Detail
	}
	return s.code(account.Internal), ""
}

// fail returns the response for err, sets its headers, and records the error in
// the event.
func (c *call) fail(h http.Header, err error) any {
	var svc service
	layout := wire.CodeFirst
	if c.endpoint != nil {
		svc, layout = c.service, c.Layout
	}
	code, detail := svc.classify(err)
	if isGateError(err) || code.Gateway() {
		layout = wire.CodeFirst
	}
	advise(h, code, detail)
	c.event.SetCode(int(code))
	c.logCause(err)
	c.refused = refusal{info(err, code, detail), detail}
	return layout.Fail(code, c.refused.info)
}

// A refusal is why a call as a whole failed.
type refusal struct {
	info   string // ErrorInfo
	detail string // may be empty
}

// info returns the ErrorInfo of err.
func info(err error, code wire.Code, detail string) string {
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Text != "" {
		return e.Text
	}
	return wire.Info(code, detail)
}

// logCause logs err with the request if it is an error of the server.
func (c *call) logCause(err error) {
	if _, ok := errors.AsType[*wire.Error](err); ok {
		return
	}
	switch account.CodeOf(err) {
	case account.Internal, account.Unavailable, account.Unknown, account.NoRecord, account.Stale:
		c.event.Fail(err)
	}
}

// advise sets the header that says what to do about code. A long detail is cut,
// but the remedy is always complete.
func advise(h http.Header, code wire.Code, detail string) {
	h.Set("Rollcall-Advice", wire.Advice(code, headerText(detail)))
}

// headerText converts text to printable ASCII of bounded length, as a header
// needs it.
func headerText(text string) string {
	const longest = 300
	text = strings.ReplaceAll(text, "…", "...")
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), longest)]
}

// A reason is why an item of a batch failed.
type reason struct {
	item int // index in the request
	code wire.Code
}

// explanation formats reasons as "index=code" for the Rollcall-Explain header.
func explanation(reasons []reason) string {
	var b strings.Builder
	for i, r := range reasons {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d=%d", r.item, r.code)
	}
	return b.String()
}

// ImportReason returns the code and the text with which account_import refuses an account.
func ImportReason(c account.Code, detail string) (code int, text string) {
	number := login.code(c)
	return int(number), wire.Info(number, detail)
}

// Answer returns the code and the text with which a command of accounts refuses a call with
// err.
func Answer(err error) (code int, text string) {
	number, detail := login.classify(err)
	return int(number), info(err, number, detail)
}
