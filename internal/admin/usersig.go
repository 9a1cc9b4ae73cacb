package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/usersig"
)

// Limits of the validity of created UserSigs, in seconds. The longest is that of the
// vendor's console.
const (
	minSigValidity     = 60
	defaultSigValidity = 24 * 60 * 60
	maxSigValidity     = 180 * 24 * 60 * 60
)

// signUser creates a UserSig for programs that try out a test app. Anybody who has the
// response can act as the identifier. Therefore this works for test apps only.
func (s *Server) signUser(ctx context.Context, c *call, req adminapi.NewUserSig) (adminapi.UserSig, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.UserSig{}, err
	}
	app, err := s.dir.App(ctx, id)
	if err != nil {
		return adminapi.UserSig{}, err
	}
	key, err := s.signingKey(app)
	if err != nil {
		return adminapi.UserSig{}, err
	}
	req.Identifier = cmp.Or(req.Identifier, string(app.Admins[0]))
	req.ValidityS = cmp.Or(req.ValidityS, defaultSigValidity)
	if err := checkSig(req); err != nil {
		return adminapi.UserSig{}, err
	}
	sig, err := s.sign(id, key, req)
	if err != nil {
		return adminapi.UserSig{}, err
	}
	return sig, s.recordSig(ctx, c, id, req)
}

// sign makes a UserSig with a key of an app, at the time of the app's clock.
func (s *Server) sign(id account.AppID, key account.Key, n adminapi.NewUserSig) (adminapi.UserSig, error) {
	now, validity := s.dir.Now(id).Truncate(time.Second), time.Duration(n.ValidityS)*time.Second
	sig, err := usersig.Sign(usersig.HMACKey(key.Secret), usersig.Claims{
		SDKAppID: uint32(id), Identifier: n.Identifier, IssuedAt: now, Validity: validity,
	})
	return adminapi.UserSig{SDKAppID: uint32(id), Identifier: n.Identifier, UserSig: sig, ExpiresAt: now.Add(validity)}, err
}

// signingKey returns the newest active key of app that can sign.
func (s *Server) signingKey(app *account.App) (account.Key, error) {
	if err := s.mayFalsify(app, "sign with the app's key where that is kept"); err != nil {
		return account.Key{}, err
	}
	for _, k := range slices.Backward(app.ActiveKeys(s.dir.Now(app.ID))) {
		if k.Kind == account.HMACKey {
			return k, nil
		}
	}
	return account.Key{}, &problemError{forbidden, "the app has no active HMAC key; add one, or sign with its private key"}
}

func checkSig(n adminapi.NewUserSig) error {
	if n.ValidityS < minSigValidity || n.ValidityS > maxSigValidity {
		return bad(fmt.Sprintf("validity_s is a number of seconds from %d to %d", minSigValidity, maxSigValidity))
	}
	return account.UserID(n.Identifier).Validate(false)
}

// recordSig records the UserSig in the audit trail before the server returns it.
func (s *Server) recordSig(ctx context.Context, c *call, id account.AppID, req adminapi.NewUserSig) error {
	return s.dir.Record(ctx, c.actor(), "usersig.make", id, fmt.Sprintf("%s for %d s", req.Identifier, req.ValidityS))
}
