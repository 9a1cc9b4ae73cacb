package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// Bounds of the validity of UserSigs that are made here, in seconds. The longest
// is that of the vendor's console.
const (
	minSigValidity     = 60
	defaultSigValidity = 24 * 60 * 60
	maxSigValidity     = 180 * 24 * 60 * 60
)

// NewUserSig says for whom a UserSig is wanted.
type NewUserSig struct {
	Identifier account.UserID `json:"identifier,omitempty"` // an admin of the app if absent
	ValidityS  int64          `json:"validity_s,omitempty"` // seconds from now: 60 to 15552000, a day if absent
}

// UserSig is a UserSig that was made, with what goes with it in a call.
type UserSig struct {
	SDKAppID   uint32         `json:"sdkappid"`
	Identifier account.UserID `json:"identifier"`
	UserSig    string         `json:"usersig"`
	ExpiresAt  Time           `json:"expires_at"`
}

// signUser makes a UserSig, for programs that try out a test app. Whoever holds
// the answer can act as the identifier, so no other app's key may be used like
// this.
func (s *Server) signUser(ctx context.Context, c *call, req NewUserSig) (UserSig, error) {
	id, err := c.app()
	if err != nil {
		return UserSig{}, err
	}
	app, err := s.dir.App(ctx, id)
	if err != nil {
		return UserSig{}, err
	}
	key, err := s.signingKey(app)
	if err != nil {
		return UserSig{}, err
	}
	req.Identifier = cmp.Or(req.Identifier, app.Admins[0])
	req.ValidityS = cmp.Or(req.ValidityS, defaultSigValidity)
	if err := req.check(); err != nil {
		return UserSig{}, err
	}
	now := s.dir.Now(id).Truncate(time.Second)
	validity := time.Duration(req.ValidityS) * time.Second
	sig, err := usersig.Sign(usersig.HMACKey(key.Secret), usersig.Claims{
		SDKAppID: uint32(id), Identifier: string(req.Identifier), IssuedAt: now, Validity: validity,
	})
	if err != nil {
		return UserSig{}, err
	}
	if err := s.recordSig(ctx, c, id, req); err != nil {
		return UserSig{}, err
	}
	return UserSig{uint32(id), req.Identifier, sig, Time(now.Add(validity))}, nil
}

// signingKey returns the newest active key of app that can sign.
func (s *Server) signingKey(app *account.App) (account.Key, error) {
	switch {
	case !app.Test:
		return account.Key{}, &fault{forbidden, "the app was not created as a test app; sign with its key where that is kept"}
	case !s.dir.MayFalsify(app):
		return account.Key{}, &fault{forbidden, "test apps are not allowed on this server; start it with --allow-test-apps, or sign with the app's key where that is kept"}
	}
	for _, k := range slices.Backward(app.ActiveKeys(s.dir.Now(app.ID))) {
		if k.Kind == account.HMACKey {
			return k, nil
		}
	}
	return account.Key{}, &fault{forbidden, "the app has no active HMAC key; add one, or sign with its private key"}
}

func (n *NewUserSig) check() error {
	if n.ValidityS < minSigValidity || n.ValidityS > maxSigValidity {
		return bad(fmt.Sprintf("validity_s is a number of seconds from %d to %d", minSigValidity, maxSigValidity))
	}
	return n.Identifier.Validate(false)
}

// recordSig puts the UserSig into the audit trail before it leaves the server.
func (s *Server) recordSig(ctx context.Context, c *call, id account.AppID, req NewUserSig) error {
	return s.dir.Record(ctx, c.actor(), "usersig.make", id, fmt.Sprintf("%s for %d s", req.Identifier, req.ValidityS))
}
