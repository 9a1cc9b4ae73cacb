package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"rollcall/internal/account"
	"rollcall/internal/auth"
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
	caller, err := s.auth.Identify(ctx, auth.Credentials{
		App:        c.app,
		Identifier: account.UserID(q.identifier.text),
		UserSig:    q.usersig.text,
		Peer:       source(r),
	})
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
	w := &wire.Error{Code: wire.Code(e.Reason.Code()), Detail: e.Detail}
	switch e.Reason {
	case usersig.OtherApp:
		if sig, err := usersig.Parse(text); err == nil {
			w.Text = fmt.Sprintf(otherApp, c.app.ID, sig.SDKAppID)
		}
	case usersig.Kicked:
		if c.app.Settings.KickedAsExpired {
			w.Code = wire.SigExpired
		}
	}
	return w
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
