package account

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// A Scope is a level of access to the admin API.
type Scope string

// Scopes, from the smallest. Each scope includes those before it.
const (
	ScopeRead  Scope = "read"  // read apps, accounts and the audit trail
	ScopeWrite Scope = "write" // create and change apps, keys and admins
	ScopeAdmin Scope = "admin" // delete apps; manage tokens, backups and sealing
)

// Scopes returns all scopes, the smallest first.
func Scopes() []Scope { return []Scope{ScopeRead, ScopeWrite, ScopeAdmin} }

// Includes reports whether s permits an operation that requires the scope needs.
func (s Scope) Includes(needs Scope) bool {
	all := Scopes()
	have, want := slices.Index(all, s), slices.Index(all, needs)
	return want >= 0 && have >= want
}

// A TokenHash is the SHA-256 of a token's text.
type TokenHash [sha256.Size]byte

// HashToken returns the hash of a token's text. A plain hash is enough, because a token
// has 256 random bits.
func HashToken(text string) TokenHash { return sha256.Sum256([]byte(text)) }

// MarshalText implements [encoding.TextMarshaler].
func (h TokenHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *TokenHash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("the hash of a token has %d hexadecimal digits, not %d", hex.EncodedLen(len(h)), len(text))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// Limits of tokens. MaxTokens bounds the memory of a node, and promises nothing else: nodes
// of one database that create tokens in the same second can exceed it together.
const (
	MaxTokens         = 1000
	MaxTokenNameBytes = 64
)

// A Token lets its bearer use the admin API. Only the bearer knows its text; the store
// keeps a hash. Tokens that package records returns are shared and must not be changed.
type Token struct {
	ID      string    `json:"id"`   // 8 hexadecimal digits; public
	Name    string    `json:"name"` // actor in the audit trail
	Hash    TokenHash `json:"hash"`
	Scopes  []Scope   `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // the zero time means never
}

// Validate reports whether t may be stored. The error has Code [BadParameter]
// and says what to correct.
func (t *Token) Validate() error {
	fault := ""
	switch {
	case t.Name == "" || len(t.Name) > MaxTokenNameBytes:
		fault = fmt.Sprintf("the name of a token has 1 to %d bytes", MaxTokenNameBytes)
	case !UserID(t.Name).spelt(false):
		fault = "the name of a token may hold only printable ASCII"
	case len(t.Scopes) == 0:
		fault = fmt.Sprintf("the token has no scope; give some of %q", Scopes())
	case !t.Expires.IsZero() && !t.Active(t.Created):
		fault = "the token would have expired already; give a later expires_at, or none"
	}
	for i, s := range t.Scopes {
		if !slices.Contains(Scopes(), s) {
			fault = fmt.Sprintf("scope %s is unknown; use some of %q", Quote(s), Scopes())
		} else if slices.Contains(t.Scopes[:i], s) {
			fault = fmt.Sprintf("scope %q is named twice", s)
		}
	}
	if fault == "" {
		return nil
	}
	return &Error{Code: BadParameter, Detail: fault}
}

// Active reports whether t is valid at now.
func (t *Token) Active(now time.Time) bool { return t.Expires.IsZero() || now.Before(t.Expires) }

// Allows reports whether t permits an operation that requires the scope needs.
func (t *Token) Allows(needs Scope) bool {
	return slices.ContainsFunc(t.Scopes, func(s Scope) bool { return s.Includes(needs) })
}

// Clone returns a copy of t that shares nothing with it.
func (t *Token) Clone() *Token {
	c := *t
	c.Scopes = slices.Clone(t.Scopes)
	return &c
}
