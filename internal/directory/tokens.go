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

// Names of the tokens that the server itself creates, and the name under which it acts.
// CreateToken refuses them, because the audit trail identifies actors by name.
const (
	ServerActor    = "serve"     // not a token: the server at its start
	ContextToken   = "context"   // in the context file of a developer's server
	BootstrapToken = "bootstrap" // named by --admin-token-file
)

// reservedNames are the names that only the server may use.
var reservedNames = []string{ServerActor, ContextToken, BootstrapToken}

// tokenPrefix begins the text of every token. It lets people, and scanners for leaked
// secrets, recognize a token.
const tokenPrefix = "rct_"

// secretBytes is the number of random bytes in the text of a token and in the secret of a
// session.
const secretBytes = 32

// NewTokenText returns the text of a new token: rct_ and 43 characters.
func NewTokenText() string { return newSecretText(tokenPrefix) }

// ValidTokenText reports whether text has the form of a token.
func ValidTokenText(text string) bool { return validSecretText(tokenPrefix, text) }

// newSecretText returns prefix and 43 random characters.
func newSecretText(prefix string) string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

func validSecretText(prefix, text string) bool {
	random, ok := strings.CutPrefix(text, prefix)
	b, err := base64.RawURLEncoding.Strict().DecodeString(random)
	return ok && err == nil && len(b) == secretBytes
}

// CreateToken creates a token with the name, scopes and expiry of t. It returns the record
// and the text of the token. The text is not stored, so it cannot be retrieved later.
//
// Codes: BadParameter, Conflict if there are too many tokens.
func (d *Directory) CreateToken(ctx context.Context, actor string, t account.Token) (*account.Token, string, error) {
	if slices.Contains(reservedNames, t.Name) {
		return nil, "", &account.Error{Code: account.BadParameter, Detail: fmt.Sprintf("the name %q is the server's own; choose another", t.Name)}
	}
	text := NewTokenText()
	token, err := d.storeToken(ctx, actor, t, text)
	if err != nil {
		return nil, "", err
	}
	return token, text, nil
}

// storeToken stores t as the record of the token with the given text. It makes room for
// the token if the number of tokens has reached the limit.
func (d *Directory) storeToken(ctx context.Context, actor string, t account.Token, text string) (*account.Token, error) {
	t.ID = newTokenID()
	t.Hash = account.HashToken(text)
	t.Created = account.Millis(d.Now(0))
	t.Scopes = slices.Clone(t.Scopes)
	t.Expires = moment(t.Expires)
	if err := t.Validate(); err != nil {
		return nil, err
	}
	// There is only one token of each reserved name. The limit does not apply to them, so
	// that a start does not fail because of other tokens.
	if slices.Contains(reservedNames, t.Name) {
		return &t, d.createToken(ctx, actor, &t)
	}
	// The calls on a node count and create tokens one after the other. Otherwise they could
	// exceed the limit together, as those of several nodes can; see [account.MaxTokens].
	select {
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

// makeRoom deletes the expired tokens once the number of tokens has reached the limit.
// Until then they remain, because people may want to look at them. The error has Code
// Conflict if there is no room even without them.
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
		return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("there are %d tokens, as many as there may be; delete old ones", left)}
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

// Authenticate returns the token with the given text. The token is shared and must not be
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

// DeleteToken deletes the token with the given id.
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

// DropToken deletes every token with the given name, which must be a reserved one.
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

// tokenDelete is the action of a token's deletion in the audit trail.
const tokenDelete = "token.delete"

// dropToken deletes a token on behalf of the server. It succeeds if another call has
// already deleted the token.
func (d *Directory) dropToken(ctx context.Context, t *account.Token, action string) error {
	err := d.records.DeleteToken(ctx, t.ID, d.entry(ctx, ServerActor, action, 0, tokenDetail(t)))
	if account.CodeOf(err) == account.NoToken {
		return nil
	}
	return err
}

// AdoptToken adds a token with the given text and name, which must be a reserved one. The
// token has every scope. It keeps at most others of the other tokens with the name, the
// newest ones, and deletes the rest. Several nodes of a store may adopt the same text at
// the same time.
func (d *Directory) AdoptToken(ctx context.Context, name, text string, others int) error {
	ts, err := d.records.Tokens(ctx)
	if err != nil {
		return err
	}
	hash := account.HashToken(text)
	ts = slices.DeleteFunc(ts, func(t *account.Token) bool { return t.Name != name })
	known := slices.ContainsFunc(ts, func(t *account.Token) bool { return t.Hash == hash })
	ts = slices.DeleteFunc(ts, func(t *account.Token) bool { return t.Hash == hash })
	slices.SortFunc(ts, func(a, b *account.Token) int { return b.Created.Compare(a.Created) })
	for _, t := range ts[min(others, len(ts)):] {
		if err := d.dropToken(ctx, t, tokenDelete); err != nil {
			return err
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
