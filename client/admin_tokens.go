package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Scopes of a token. Each includes those before it.
const (
	ScopeRead  = "read"
	ScopeWrite = "write" // make and change apps, keys and admins
	ScopeAdmin = "admin" // delete apps; tokens, backups
)

// A Token tells of a token without showing it.
type Token struct {
	ID        string    `json:"id"`   // 8 hexadecimal digits
	Name      string    `json:"name"` // the actor in the audit trail
	Scopes    []string  `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
}

// A NewToken says what token to make.
type NewToken struct {
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
}

// A CreatedToken is a new token and its secret, which is shown this once.
type CreatedToken struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret"`
}

// Tokens returns all tokens. It needs the scope admin.
func (c *AdminClient) Tokens(ctx context.Context) ([]Token, error) {
	var resp struct {
		Tokens []Token `json:"tokens"`
	}
	err := c.call(ctx, adminCall{method: http.MethodGet, path: "/tokens", resp: &resp})
	return resp.Tokens, err
}

// CreateToken makes a token. It needs the scope admin.
func (c *AdminClient) CreateToken(ctx context.Context, t NewToken) (*CreatedToken, error) {
	created := new(CreatedToken)
	return result(created, c.call(ctx, adminCall{method: http.MethodPost, path: "/tokens", body: t, resp: created}))
}

// DeleteToken revokes a token. It needs the scope admin.
func (c *AdminClient) DeleteToken(ctx context.Context, id string) error {
	return c.call(ctx, adminCall{method: http.MethodDelete, path: "/tokens/" + url.PathEscape(id)})
}
