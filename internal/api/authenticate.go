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

// A keyring holds an app's keys, ready for use. A change of the keys makes
// another keyring.
type keyring struct {
	keys    []usersig.Key // in the order of the record
	records []account.Key // of the keys
	retires bool          // one of the keys is retired or will be
	ecdsa   bool          // one of the keys costs much
}

// newKeyring parses the keys of an app. Records were judged before they were
// stored; one that does not parse all the same verifies nothing.
func newKeyring(records []account.Key) *keyring {
	ring := new(keyring)
	for _, record := range records {
		if key, err := parseKey(record); err == nil {
			ring.keys, ring.records = append(ring.keys, key), append(ring.records, record)
			ring.retires = ring.retires || !record.Retired.IsZero()
			ring.ecdsa = ring.ecdsa || record.Kind == account.ECDSAKey
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

// active returns the keys that are not retired at now, and when the first of
// them retires: the zero time if none does. At any time before that, also one
// before now, all of them are active.
func (r *keyring) active(now time.Time) (keys []usersig.Key, until time.Time) {
	if !r.retires {
		return r.keys, time.Time{}
	}
	for i, record := range r.records {
		if !record.Active(now) {
			continue
		}
		keys = append(keys, r.keys[i])
		if t := record.Retired; !t.IsZero() && (until.IsZero() || t.Before(until)) {
			until = t
		}
	}
	return keys, until
}

// authenticate checks identifier and usersig, and that they belong to an admin
// who was not kicked since.
func (s *Server) authenticate(ctx context.Context, r *http.Request, c *call, q query) error {
	switch {
	case q.identifier.text == "":
		return &wire.Error{Code: wire.AccountOrSig, Detail: q.missing("identifier", "name an admin of the app")}
	case !q.usersig.present:
		return &wire.Error{Code: wire.AccountOrSig, Detail: q.missing("usersig", "sign for the identifier")}
	case q.usersig.text == "":
		return &wire.Error{Code: wire.SigEmpty}
	}
	c.admin = account.UserID(q.identifier.text)
	sig, err := s.verify(ctx, r, c, q.usersig.text)
	if err != nil {
		return err
	}
	if err := s.checkKick(ctx, c, sig); err != nil {
		return err
	}
	if !c.app.IsAdmin(c.admin) {
		return c.notAdmin()
	}
	return nil
}

// verify judges the UserSig, and locks out who sends bad ones where the app
// wants that.
func (s *Server) verify(ctx context.Context, r *http.Request, c *call, text string) (*usersig.Sig, error) {
	limit := c.app.Settings.LockoutAfter
	if limit <= 0 {
		return s.judge(ctx, c, text)
	}
	who, now := suspect{c.app.ID, source(r)}, s.now()
	if s.lockout.locked(who, limit, now) {
		return nil, &wire.Error{Code: wire.TooManyBadSigs}
	}
	sig, err := s.judge(ctx, c, text)
	if _, bad := errors.AsType[*wire.Error](err); bad {
		s.lockout.strike(who, limit, now)
	}
	return sig, err
}

// judge judges the UserSig by itself.
func (s *Server) judge(ctx context.Context, c *call, text string) (sig *usersig.Sig, err error) {
	now := s.dir.Now(c.app.ID)
	if c.app.Settings.AnySignature && s.dir.MayFalsify(c.app) {
		if sig, err = usersig.Parse(text); err == nil {
			err = sig.Check(uint32(c.app.ID), string(c.admin), now)
		}
	} else {
		sig, err = s.genuine(ctx, c, text, now)
	}
	if e, ok := errors.AsType[*usersig.Error](err); ok {
		return nil, s.refusal(c, text, e, now)
	}
	return sig, err
}

// genuine verifies the UserSig, or finds that this was done before.
func (s *Server) genuine(ctx context.Context, c *call, text string, now time.Time) (*usersig.Sig, error) {
	ring := s.keys.Of(c.app)
	if sig := s.sigs.find(ring, text, now); sig != nil {
		return sig, sig.Check(uint32(c.app.ID), string(c.admin), now)
	}
	keys, until := ring.active(now)
	verify := usersig.Verify
	if ring.ecdsa {
		if err := s.ecdsa.enter(ctx); err != nil {
			return nil, err
		}
		defer s.ecdsa.leave()
		verify = restAfterFailure
	}
	sig, err := verify(text, usersig.Request{
		SDKAppID:   uint32(c.app.ID),
		Identifier: string(c.admin),
		Keys:       keys,
		Now:        now,
	})
	if err == nil {
		s.sigs.add(ring, text, sig, until)
	}
	return sig, err
}

// checkKick refuses a UserSig that was signed before the account was kicked: see
// [usersig.Sig.CheckKick].
func (s *Server) checkKick(ctx context.Context, c *call, sig *usersig.Sig) error {
	kicked, err := s.dir.Watermark(ctx, c.app, c.admin)
	if err != nil || kicked == 0 || kicked == account.Unkicked {
		return err
	}
	e, refused := errors.AsType[*usersig.Error](sig.CheckKick(kicked, s.dir.Now(c.app.ID)))
	switch {
	case !refused:
		return nil
	case c.app.Settings.KickedAsExpired:
		return &wire.Error{Code: wire.SigExpired, Detail: e.Detail}
	}
	return &wire.Error{Code: wire.SigKicked, Detail: e.Detail}
}

// notAdmin refuses a caller who is no admin. The live service answers with the
// code of the gateway where the pages of openim and profile have codes of their
// own (decisions.md, "The gate").
func (c *call) notAdmin() error {
	mode := c.app.Settings.NotAdmin
	if mode == account.NotAdminGateway || mode == account.NotAdminLive && c.service != login {
		return &wire.Error{Code: wire.GatewayNotAdmin}
	}
	return &account.Error{Code: account.NotAdmin}
}
