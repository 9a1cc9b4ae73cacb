package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Limits of sessions. MaxSessions bounds the memory of a node, and promises nothing else:
// nodes of one database that start sessions in the same second can exceed it together.
const (
	MaxSessions     = 1000
	SessionLifetime = 12 * time.Hour
)

// sessionPrefix begins the secret of every session; see tokenPrefix.
const sessionPrefix = "rcs_"

// StartSession starts a session of the bearer of a token and returns its secret, which is
// not stored: rcs_ and 43 characters of base64url. The session ends at expires, which is
// [SessionLifetime] later or the expiry of the token if that is earlier. If there are
// [MaxSessions] sessions, the oldest one ends.
//
// The audit trail has an entry session.start of the token. The context needs no token.
//
// Codes: NoToken if the token is unknown or has expired.
func (d *Directory) StartSession(ctx context.Context, tokenText string) (secret string, expires time.Time, err error) {
	t, err := d.Authenticate(ctx, tokenText)
	if err != nil {
		return "", time.Time{}, err
	}
	now := d.Now(0)
	ss, err := d.records.Sessions(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	secret = newSecretText(sessionPrefix)
	s := records.Session{Key: records.SessionKey(secret), Token: t.Hash, TokenID: t.ID, Created: account.Millis(now)}
	s.Expires = s.Created.Add(SessionLifetime)
	if !t.Expires.IsZero() && t.Expires.Before(s.Expires) {
		s.Expires = t.Expires
	}
	ended, active := sessionsToEnd(ss, now)
	detail := fmt.Sprintf("%s until %s", sessionID(&s), s.Expires.Format(time.RFC3339))
	if active > 0 {
		detail += fmt.Sprintf("; the %d oldest of %d sessions end", active, len(ss))
	}
	by := d.entry(WithToken(ctx, t.ID), t.Name, "session.start", 0, detail)
	if err := d.records.CreateSession(ctx, s, ended, by); err != nil {
		return "", time.Time{}, err
	}
	return secret, s.Expires, nil
}

// sessionsToEnd returns the keys of the sessions that end when another one starts: the
// expired ones, and the oldest others that leave no room. active is the number of those
// that have not expired. Sessions that one commit cannot end remain until the next start.
func sessionsToEnd(ss []*records.Session, now time.Time) (keys []string, active int) {
	ss = slices.Clone(ss)
	slices.SortStableFunc(ss, func(a, b *records.Session) int {
		switch x, y := a.Active(now), b.Active(now); {
		case x == y:
			return a.Created.Compare(b.Created)
		case x:
			return 1
		}
		return -1
	})
	for _, s := range ss {
		full := len(ss)-len(keys) >= MaxSessions
		if s.Active(now) && !full || len(keys) == records.MaxEnded {
			break
		}
		if s.Active(now) {
			active++
		}
		keys = append(keys, s.Key)
	}
	return keys, active
}

// sessionID names a session in the audit trail. It is the beginning of the hash of the
// secret, and no help to find the secret.
func sessionID(s *records.Session) string { return s.Key[:min(8, len(s.Key))] }

// Session returns the token of a session. The token is shared and must not be changed. The
// session is found at every node at once. Its end, and the end of its token, are seen with
// the delay of [account.MaxStale] at other nodes than that of the call.
//
// Codes: NoToken if the session is unknown, has ended or has expired, or if its token has.
func (d *Directory) Session(ctx context.Context, secret string) (*account.Token, error) {
	_, t, err := d.session(ctx, secret)
	return t, err
}

// EndSession ends a session. It is no error if there is none, or if it has expired. The
// audit trail has an entry session.end of the token of a session that was there.
func (d *Directory) EndSession(ctx context.Context, secret string) error {
	s, t, err := d.session(ctx, secret)
	if err == nil {
		err = d.records.DeleteSession(ctx, s.Key, d.entry(WithToken(ctx, t.ID), t.Name, "session.end", 0, sessionID(s)))
	}
	if account.CodeOf(err) == account.NoToken {
		return nil
	}
	return err
}

// session returns a session that has not ended, and its token.
func (d *Directory) session(ctx context.Context, secret string) (*records.Session, *account.Token, error) {
	if !validSecretText(sessionPrefix, secret) {
		return nil, nil, &account.Error{Code: account.NoToken}
	}
	s, err := d.records.Session(ctx, records.SessionKey(secret))
	if err != nil {
		return nil, nil, err
	}
	now := d.Now(0)
	if !s.Active(now) {
		return nil, nil, &account.Error{Code: account.NoToken}
	}
	t, err := d.tokenOf(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	if t.ID != s.TokenID || !t.Active(now) {
		return nil, nil, &account.Error{Code: account.NoToken}
	}
	return s, t, nil
}

// tokenOf returns the token with the text of that of s. If this node does not know the
// token of s yet, tokenOf reads from the engine.
func (d *Directory) tokenOf(ctx context.Context, s *records.Session) (*account.Token, error) {
	t, err := d.records.Token(ctx, s.Token)
	if account.CodeOf(err) == account.NoToken || err == nil && t.ID != s.TokenID {
		return d.records.StoredToken(ctx, s.Token)
	}
	return t, err
}
