package directory

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/account"
)

// Names of tokens that the server itself creates, and the name under which it acts. They
// are reserved, because the audit trail identifies actors by name.
const (
	ServerActor    = "serve"     // the server itself; not a token
	ContextToken   = "context"   // the token in the context file of a developer's server
	BootstrapToken = "bootstrap" // the token in the file of --admin-token-file
)

// ownNames are the reserved names.
var ownNames = []string{ServerActor, ContextToken, BootstrapToken}

// tokenPrefix begins the text of every token. People and scanners for leaked secrets
// recognize a token by it.
const tokenPrefix = "rct_"

// tokenBytes is the number of random bytes in the text of a token.
const tokenBytes = 32

// NewTokenText returns the text of a new token: rct_ and 43 characters.
func NewTokenText() string {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// ValidTokenText reports whether text has the form of a token.
func ValidTokenText(text string) bool {
	random, ok := strings.CutPrefix(text, tokenPrefix)
	b, err := base64.RawURLEncoding.Strict().DecodeString(random)
	return ok && err == nil && len(b) == tokenBytes
}

// CreateToken creates a token with the name, scopes and expiry of t. It returns the
// record and the text of the token. The text is not stored and cannot be retrieved later.
//
// Codes: BadParameter, Conflict if there are too many tokens.
func (d *Directory) CreateToken(ctx context.Context, actor string, t account.Token) (*account.Token, string, error) {
	if slices.Contains(ownNames, t.Name) {
		return nil, "", &account.Error{Code: account.BadParameter, Detail: fmt.Sprintf("the name %q is the server's own; choose another", t.Name)}
	}
	text := NewTokenText()
	token, err := d.storeToken(ctx, actor, t, text)
	if err != nil {
		return nil, "", err
	}
	return token, text, nil
}

// storeToken stores t for the bearer of text.
func (d *Directory) storeToken(ctx context.Context, actor string, t account.Token, text string) (*account.Token, error) {
	t.ID = newTokenID()
	t.Hash = account.HashToken(text)
	t.Created = account.Millis(d.Now(0))
	t.Scopes = slices.Clone(t.Scopes)
	t.Expires = moment(t.Expires)
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if slices.Contains(ownNames, t.Name) { // no limit: the start of a server must not fail because of other tokens
		return &t, d.createToken(ctx, actor, &t)
	}
	select { // one call at a time counts and creates, which keeps the limit exact
	case d.tokens <- struct{}{}:
		defer func() { <-d.tokens }()
	case <-ctx.Done():
		return nil, account.Ended(ctx)
	}
	if err := d.makeRoom(ctx); err != nil {
		return nil, err
	}
	return &t, d.createToken(ctx, actor, &t)
}

func (d *Directory) createToken(ctx context.Context, actor string, t *account.Token) error {
	return d.records.CreateToken(ctx, *t, d.entry(ctx, actor, "token.create", 0, tokenDetail(t)))
}

// makeRoom deletes all expired tokens if the number of tokens has reached the limit.
// Until then they are kept, because people may want to look at them.
func (d *Directory) makeRoom(ctx context.Context) error {
	ts, err := d.records.Tokens(ctx)
	if err != nil || len(ts) < account.MaxTokens {
		return err
	}
	left := len(ts)
	for _, t := range ts {
		if t.Active(d.Now(0)) {
			continue
		}
		if err := d.dropToken(ctx, t, "token.expire"); err != nil {
			return err
		}
		left--
	}
	if left >= account.MaxTokens {
		return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("there are %d tokens, the maximum; delete old ones", left)}
	}
	return nil
}

func newTokenID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func tokenDetail(t *account.Token) string {
	return fmt.Sprintf("%s %q %v", t.ID, t.Name, t.Scopes)
}

// Authenticate returns the token with a text. The token is shared and must not be
// changed.
//
// Codes: NoToken if the token is unknown or has expired.
func (d *Directory) Authenticate(ctx context.Context, text string) (*account.Token, error) {
	hash := account.HashToken(text)
	t, err := d.records.Token(ctx, hash)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(t.Hash[:], hash[:]) != 1 || !t.Active(d.Now(0)) {
		return nil, &account.Error{Code: account.NoToken}
	}
	return t, nil
}

// Tokens returns all tokens in the order of their ids.
func (d *Directory) Tokens(ctx context.Context) ([]*account.Token, error) {
	return d.records.Tokens(ctx)
}

// DeleteToken removes the token with an id.
// Codes: NoToken.
func (d *Directory) DeleteToken(ctx context.Context, actor, id string) error {
	ts, err := d.records.Tokens(ctx)
	if err != nil {
		return err
	}
	detail := id
	if i := slices.IndexFunc(ts, func(t *account.Token) bool { return t.ID == id }); i >= 0 {
		detail = tokenDetail(ts[i])
	}
	return d.records.DeleteToken(ctx, id, d.entry(ctx, actor, tokenDelete, 0, detail))
}

// DropToken deletes the tokens with a reserved name.
func (d *Directory) DropToken(ctx context.Context, name string) error {
	ts, err := d.records.Tokens(ctx)
	if err != nil {
		return err
	}
	for _, t := range ts {
		if t.Name == name {
			if err := d.dropToken(ctx, t, tokenDelete); err != nil {
				return err
			}
		}
	}
	return nil
}

// AdoptToken makes text the only token with a reserved name, with every scope. It deletes
// the other tokens with that name.
func (d *Directory) AdoptToken(ctx context.Context, name, text string) error {
	ts, err := d.records.Tokens(ctx)
	if err != nil {
		return err
	}
	hash, known := account.HashToken(text), false
	for _, t := range ts {
		switch {
		case t.Name != name:
		case t.Hash == hash:
			known = true
		default:
			if err := d.dropToken(ctx, t, tokenDelete); err != nil {
				return err
			}
		}
	}
	if known {
		return nil
	}
	_, err = d.storeToken(ctx, ServerActor, account.Token{Name: name, Scopes: []account.Scope{account.ScopeAdmin}}, text)
	if account.CodeOf(err) != account.Exists {
		return err
	}
	if t, e := d.records.StoredToken(ctx, hash); e == nil && t.Name == name {
		return nil // another node was faster
	}
	return err
}
