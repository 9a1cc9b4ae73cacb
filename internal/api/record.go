package api

import (
	"net/http"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/calls"
	"rollcall/internal/gate"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// record keeps the finished call c with the status and the body of its response. It
// keeps these calls: every call of a test app, calls that ask for explanations, and
// refused calls. It is called before the response is sent, so whoever has the response
// finds the call.
func (s *Server) record(r *http.Request, c *call, status int, body []byte) {
	code := c.event.Code()
	if s.calls == nil || !c.kept && code == 0 || c.event.RequestID() == "" {
		return
	}
	q, _ := parseQuery(r.URL.RawQuery, &c.query)
	kept := &calls.Call{
		RequestID: c.event.RequestID(), Time: s.now(), TookUS: c.event.Elapsed().Microseconds(),
		Command: c.event.Command(), Identifier: cut(q.identifier.text), Peer: gate.Source(r).String(),
		Status: status, Code: code, Failures: c.failures, RateShadow: int(c.shadow),
	}
	kept.Items, kept.Failed = c.event.Counts()
	if c.app != nil {
		kept.SDKAppID = uint32(c.app.ID)
	}
	if code != 0 {
		kept.Info, kept.Advice = c.reasons(wire.Code(code))
	}
	if c.fault != nil {
		kept.Fault = c.fault.ID
	}
	if c.test {
		kept.Signature = c.signature(q.usersig.text)
		kept.Response = calls.NewBody(body)
		if c.body != nil {
			kept.Request = calls.NewBody(c.body.Bytes())
		}
	}
	s.calls.Add(kept)
}

// reasons returns the ErrorInfo of the refused call c, and what was wrong with the
// remedy. They do not share the memory of c.
func (c *call) reasons(code wire.Code) (info, advice string) {
	if c.refused.info == "" { // a response with results that fails as a whole
		return wire.Info(code, ""), wire.Advice(code, "")
	}
	return strings.Clone(c.refused.info), strings.Clone(wire.Advice(code, c.refused.detail))
}

// cut returns a copy of an identifier, cut after 64 bytes. No valid one is so long.
func cut(identifier string) string {
	return strings.ToValidUTF8(strings.Clone(identifier[:min(len(identifier), 2*account.MaxUserIDBytes)]), "?")
}

// signature returns what the UserSig of c says, or nil if it cannot be read.
func (c *call) signature(text string) *calls.Signature {
	sig := c.sig
	if sig == nil {
		var err error
		if sig, err = usersig.Parse(text); err != nil {
			return nil
		}
	}
	return &calls.Signature{
		Version: sig.Version, SDKAppID: sig.SDKAppID, Identifier: cut(sig.Identifier),
		IssuedAt: moment(sig.IssuedAt), ExpiresAt: moment(sig.ExpiresAt()),
	}
}

// moment returns the time of a Unix second. It moves seconds outside the years 1970 to
// 9999, which have no form in JSON, to the nearest year.
func moment(second int64) time.Time {
	const last = 253402300799 // 9999-12-31T23:59:59Z
	return time.Unix(min(max(second, 0), last), 0).UTC()
}
