package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"rollcall/internal/account"
	"rollcall/internal/auth"
	"rollcall/internal/directory"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// authenticate checks that identifier and usersig belong to an admin of the app.
func (s *Server) authenticate(ctx context.Context, r *http.Request, c *call, q query) error {
	switch {
	case q.identifier.text == "":
		return &wire.Error{Code: wire.AccountOrSig, Detail: q.missing("identifier", "name an admin of the app")}
	case !q.usersig.present:
		return &wire.Error{Code: wire.AccountOrSig, Detail: q.missing("usersig", "sign for the identifier")}
	case q.usersig.text == "":
		return &wire.Error{Code: wire.SigEmpty}
	}
	c.caller, c.peer = account.UserID(q.identifier.text), source(r)
	caller, err := s.auth.Identify(ctx, auth.Credentials{App: c.app, Identifier: c.caller, UserSig: q.usersig.text, Peer: c.peer})
	if err != nil {
		return c.unidentified(err, q.usersig.text)
	}
	c.sig = caller.Sig
	if !caller.Admin {
		return c.notAdmin()
	}
	return nil
}

// otherApp is the vendor's ErrorInfo of 70014. Its numbers are the app of the
// URL and that of the UserSig.
const otherApp = "The requested SDKAppID(%d) does not match the Usersig(%d). You can run a self-checking with the assistant tool on the console."

// unidentified returns the wire's error for err, which package auth returned
// for the UserSig text.
func (c *call) unidentified(err error, text string) error {
	if errors.Is(err, auth.ErrLockedOut) {
		return &wire.Error{Code: wire.TooManyBadSigs}
	}
	e, ok := errors.AsType[*usersig.Error](err)
	if !ok {
		return err
	}
	return badSig(c.app, text, e.Reason.Code(), e.Detail)
}

// badSig returns the wire's error for a UserSig that is refused with the code of a
// [usersig.Reason].
func badSig(app *account.App, text string, code int, detail string) *wire.Error {
	w := &wire.Error{Code: wire.Code(code), Detail: detail}
	switch code {
	case usersig.OtherApp.Code():
		if sig, err := usersig.Parse(text); err == nil {
			w.Text = fmt.Sprintf(otherApp, app.ID, sig.SDKAppID)
		}
	case usersig.Kicked.Code():
		if app.Settings.KickedAsExpired {
			w.Code = wire.SigExpired
		}
	}
	return w
}

// SigAnswer returns the answer to a call of app with the UserSig text: its ErrorCode, its
// ErrorInfo and the advice. code and detail are those of [usersig.Explain], 0 and "" if
// nothing is wrong. The answer has the code 0 if the UserSig is accepted.
func SigAnswer(app *account.App, text string, code int, detail string) (int, string, string) {
	w := badSig(app, text, code, detail)
	switch {
	case app.Disabled:
		w = &wire.Error{Code: wire.AppDisabled}
	case text == "":
		w = &wire.Error{Code: wire.SigEmpty}
	case code == 0:
		return 0, "", ""
	}
	return int(w.Code), info(w, w.Code, w.Detail), wire.Advice(w.Code, w.Detail)
}

// notAdmin refuses a caller who is not an admin. Openim and profile have their
// own codes for that in the documents, but the live service sends the code of
// the gateway for them (decisions.md, "The gate").
func (c *call) notAdmin() error {
	mode := c.app.Settings.NotAdmin
	if mode == account.NotAdminGateway || mode == account.NotAdminLive && c.service != login {
		return &wire.Error{Code: wire.GatewayNotAdmin}
	}
	return &account.Error{Code: account.NotAdmin}
}

// named returns ctx with the caller of c if something receives the events of a kind. Other
// calls need no memory for that.
func (s *Server) named(ctx context.Context, c *call, kind account.EventKind) context.Context {
	if !s.dir.Reports(c.app.ID, kind) {
		return ctx
	}
	return directory.WithOperator(ctx, c.caller, c.peer)
}
