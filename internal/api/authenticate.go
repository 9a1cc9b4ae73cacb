package api

import (
	"context"
	"net/http"

	"rollcall/internal/account"
	"rollcall/internal/auth"
	"rollcall/internal/directory"
	"rollcall/internal/gate"
	"rollcall/internal/wire"
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
	c.caller, c.peer = account.UserID(q.identifier.text), gate.Source(r)
	caller, err := gate.Identify(ctx, s.auth, auth.Credentials{App: c.app, Identifier: c.caller, UserSig: q.usersig.text, Peer: c.peer})
	if err != nil {
		return err
	}
	c.sig = caller.Sig
	if !caller.Admin {
		return c.notAdmin()
	}
	return nil
}

// SigAnswer returns the answer to a call of app with the UserSig text: its ErrorCode, its
// ErrorInfo and the advice. code and detail are those of [usersig.Explain], 0 and "" if
// nothing is wrong. The answer has the code 0 if the UserSig is accepted.
func SigAnswer(app *account.App, text string, code int, detail string) (int, string, string) {
	w := gate.BadSig(app, text, code, detail)
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
