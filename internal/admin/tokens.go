package admin

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

func (s *Server) listTokens(ctx context.Context, c *call) (adminapi.TokenList, error) {
	ts, err := s.dir.Tokens(ctx)
	if err != nil {
		return adminapi.TokenList{}, err
	}
	list := adminapi.TokenList{Tokens: make([]adminapi.Token, len(ts))}
	for i, t := range ts {
		list.Tokens[i] = showToken(t)
	}
	return list, nil
}

func (s *Server) createToken(ctx context.Context, c *call, req adminapi.NewToken) (adminapi.CreatedToken, error) {
	t, text, err := s.dir.CreateToken(ctx, c.actor(), account.Token{
		Name: req.Name, Scopes: texts[account.Scope](req.Scopes), Expires: req.ExpiresAt,
	})
	if err != nil {
		return adminapi.CreatedToken{}, err
	}
	return adminapi.CreatedToken{Token: showToken(t), Secret: text}, nil
}

func (s *Server) deleteToken(ctx context.Context, c *call) error {
	return s.dir.DeleteToken(ctx, c.actor(), c.param("id"))
}
