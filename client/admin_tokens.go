package client

import (
	"context"
	"net/http"
	"net/url"

	"rollcall/internal/adminapi"
)

// Scopes of a token. Each includes those before it.
const (
	ScopeRead  = "read"
	ScopeWrite = "write" // create and change apps, keys and admins
	ScopeAdmin = "admin" // delete apps; tokens, backups
)

// Tokens of the admin API.
type (
	// A Token describes a token without its secret. A token with a zero ExpiresAt
	// never expires.
	Token = adminapi.Token

	// A NewToken describes a token to create. A token with a zero ExpiresAt never
	// expires.
	NewToken = adminapi.NewToken

	// A CreatedToken is a new token with its secret, which the server shows only
	// once.
	CreatedToken = adminapi.CreatedToken
)

// Tokens returns all tokens. It needs the scope admin.
func (c *AdminClient) Tokens(ctx context.Context) ([]Token, error) {
	var resp adminapi.TokenList
	err := c.call(ctx, adminCall{method: http.MethodGet, path: "/tokens", resp: &resp})
	return resp.Tokens, err
}

// CreateToken creates a token. It needs the scope admin.
func (c *AdminClient) CreateToken(ctx context.Context, t NewToken) (*CreatedToken, error) {
	created := new(CreatedToken)
	return result(created, c.call(ctx, adminCall{method: http.MethodPost, path: "/tokens", body: t, resp: created}))
}

// DeleteToken revokes a token. It needs the scope admin.
func (c *AdminClient) DeleteToken(ctx context.Context, id string) error {
	return c.call(ctx, adminCall{method: http.MethodDelete, path: "/tokens/" + url.PathEscape(id)})
}
