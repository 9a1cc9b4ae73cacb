package records

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"rollcall/internal/account"
)

// A Session lets its bearer act with a token until it ends. Only the bearer knows its
// secret; the store keeps a hash. Sessions that package records returns are shared and must
// not be changed.
type Session struct {
	Key     string            `json:"key"`      // SessionKey of the secret
	Token   account.TokenHash `json:"token"`    // hash of the token
	TokenID string            `json:"token_id"` // tells the token apart from a later one with the same text
	Created time.Time         `json:"created"`
	Expires time.Time         `json:"expires"`
}

// Active reports whether s has not expired at now. Its token may have ended before.
func (s *Session) Active(now time.Time) bool { return now.Before(s.Expires) }

// SessionKey returns the key of the session with a secret: its SHA-256 in hexadecimal. A
// plain hash is enough, because a secret has 256 random bits.
func SessionKey(secret string) string {
	hash := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(hash[:])
}

// sessionKey is the key of a session in memory, which is that of its record.
func sessionKey(key string) (string, error) { return key, nil }

func noSession() error {
	return &account.Error{Code: account.NoToken, Detail: "there is no such session"}
}

// MaxEnded is the largest number of sessions that one commit ends.
const MaxEnded = account.MaxWrites / 2

// CreateSession stores s, removes the sessions with the keys in ended, at most [MaxEnded],
// and adds by to the audit trail, in one commit. The sessions of ended need not exist.
// Codes: Exists if there is a session with the key.
func (r *Registry) CreateSession(ctx context.Context, s Session, ended []string, by account.AuditEntry) error {
	ws := []account.Write{{Kind: kindSession, Key: s.Key, Value: encode(s)}}
	for _, key := range ended {
		ws = append(ws, account.Write{Kind: kindSession, Key: key, If: account.AnyVersion})
	}
	_, err := r.e.Commit(ctx, account.Commit{Writes: withEntry(0, by, ws...)})
	if account.CodeOf(err) == account.Stale {
		return &account.Error{Code: account.Exists, Detail: "that session exists"}
	}
	return err
}

// Session returns the session with the given key, even if it or its token has expired. It
// finds a session of another node at once, because a browser can send its next request to
// any node. It sees the end of a session with the delay of [Registry.App]. A look-up of a
// known session costs no more than one in memory; a look-up of an unknown one reads from the
// engine.
//
// Codes: NoToken.
func (r *Registry) Session(ctx context.Context, key string) (*Session, error) {
	s, ok, err := r.sessions.get(ctx, key)
	if err != nil || ok {
		return s, err
	}
	rec, err := r.e.Record(ctx, kindSession, key)
	if account.CodeOf(err) == account.NoRecord {
		return nil, noSession()
	}
	if err != nil {
		return nil, err
	}
	s, err = decode[Session](rec.Value)
	if err != nil {
		return nil, damaged(kindSession, key, err)
	}
	return s, nil
}

// Sessions returns all sessions in the order of their keys, with the delay of
// [Registry.App]. They are shared and must not be changed.
func (r *Registry) Sessions(ctx context.Context) ([]*Session, error) {
	return r.sessions.all(ctx)
}

// DeleteSession removes the session with the given key and adds by to the audit trail, in
// one commit. Of several concurrent calls only one succeeds.
// Codes: NoToken.
func (r *Registry) DeleteSession(ctx context.Context, key string, by account.AuditEntry) error {
	rec, err := r.e.Record(ctx, kindSession, key)
	if account.CodeOf(err) == account.NoRecord {
		return noSession()
	}
	if err != nil {
		return err
	}
	_, err = r.e.Commit(ctx, account.Commit{Writes: withEntry(0, by, account.Write{Kind: kindSession, Key: key, If: rec.Version})})
	if account.CodeOf(err) == account.Stale { // removed: nothing writes a session again
		return noSession()
	}
	return err
}
