package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// A keyring holds an app's keys, ready for use.
type keyring []ringKey

type ringKey struct {
	record account.Key
	key    usersig.Key
}

// newKeyring parses the keys of app. Records were judged before they were
// stored; one that does not parse all the same verifies nothing.
func newKeyring(app *account.App) keyring {
	var ring keyring
	for _, record := range app.Keys {
		if key, err := parseKey(record); err == nil {
			ring = append(ring, ringKey{record, key})
		}
	}
	return ring
}

func parseKey(k account.Key) (usersig.Key, error) {
	if k.Kind == account.ECDSAKey {
		return usersig.ParsePublicKey([]byte(k.Secret))
	}
	return usersig.HMACKey(k.Secret), nil
}

// active returns the keys that are not retired at now.
func (r keyring) active(now time.Time) []usersig.Key {
	keys := make([]usersig.Key, 0, len(r))
	for _, k := range r {
		if k.record.Active(now) {
			keys = append(keys, k.key)
		}
	}
	return keys
}

// authenticate checks identifier and usersig, and that they belong to an admin
// who was not kicked since.
func (s *Server) authenticate(r *http.Request, c *call, q query) error {
	switch {
	case q.identifier.text == "":
		return &wire.Error{Code: wire.AccountOrSig, Detail: "identifier is missing in the URL; name an admin of the app"}
	case !q.usersig.present:
		return &wire.Error{Code: wire.AccountOrSig, Detail: "usersig is missing in the URL; sign for the identifier"}
	case q.usersig.text == "":
		return &wire.Error{Code: wire.SigEmpty}
	}
	c.admin = account.UserID(q.identifier.text)
	sig, err := s.verify(r, c, q.usersig.text)
	if err != nil {
		return err
	}
	if err := s.checkKick(r.Context(), c, sig); err != nil {
		return err
	}
	if !c.app.IsAdmin(c.admin) {
		return notAdmin(c.app)
	}
	return nil
}

// verify judges the UserSig, and locks out who sends bad ones where the app
// wants that.
func (s *Server) verify(r *http.Request, c *call, text string) (*usersig.Sig, error) {
	limit, now := c.app.Settings.LockoutAfter, s.now()
	who := suspect{c.app.ID, source(r)}
	if s.lockout.locked(who, limit, now) {
		return nil, &wire.Error{Code: wire.TooManyBadSigs}
	}
	sig, err := s.judge(c, text)
	if err == nil {
		return sig, nil
	}
	s.lockout.strike(who, limit, now)
	e, ok := errors.AsType[*usersig.Error](err)
	if !ok {
		return nil, err
	}
	return nil, &wire.Error{Code: wire.Code(e.Reason.Code()), Detail: e.Detail}
}

func (s *Server) judge(c *call, text string) (*usersig.Sig, error) {
	now := s.dir.Now(c.app.ID)
	if c.app.Settings.AnySignature && c.app.Test && s.testApps {
		sig, err := usersig.Parse(text)
		if err != nil {
			return nil, err
		}
		return sig, sig.Check(uint32(c.app.ID), string(c.admin), now)
	}
	return usersig.Verify(text, usersig.Request{
		SDKAppID:   uint32(c.app.ID),
		Identifier: string(c.admin),
		Keys:       s.keys.Of(c.app).active(now),
		Now:        now,
	})
}

// checkKick refuses a UserSig that was signed before the account was kicked.
// One of the same second passes: signatures know whole seconds only.
func (s *Server) checkKick(ctx context.Context, c *call, sig *usersig.Sig) error {
	kicked, err := s.dir.Watermark(ctx, c.app, c.admin)
	if err != nil {
		return err
	}
	switch {
	case kicked == 0 || sig.IssuedAt >= kicked:
		return nil
	case c.app.Settings.KickedAsExpired:
		return &wire.Error{Code: wire.SigExpired}
	}
	return &wire.Error{Code: wire.SigKicked}
}

func notAdmin(app *account.App) error {
	if app.Settings.GatewayNotAdmin {
		return &wire.Error{Code: wire.GatewayNotAdmin}
	}
	return &account.Error{Code: account.NotAdmin}
}
