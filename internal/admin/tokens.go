package admin

import (
	"context"
	"time"

	"rollcall/internal/account"
)

// TokenList is every token.
type TokenList struct {
	Tokens []Token `json:"tokens"`
}

func (s *Server) listTokens(ctx context.Context, c *call) (TokenList, error) {
	ts, err := s.dir.Tokens(ctx)
	if err != nil {
		return TokenList{}, err
	}
	answer := TokenList{make([]Token, len(ts))}
	for i, t := range ts {
		answer.Tokens[i] = showToken(t)
	}
	return answer, nil
}

// NewToken is a token to create.
type NewToken struct {
	Name      string          `json:"name"` // the actor in the audit trail; 1 to 64 bytes of printable ASCII
	Scopes    []account.Scope `json:"scopes"`
	ExpiresAt Time            `json:"expires_at,omitzero"` // never if absent
}

// CreatedToken is a token that was created.
type CreatedToken struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret"` // what the bearer sends; it is not shown again
}

func (s *Server) createToken(ctx context.Context, c *call, req NewToken) (CreatedToken, error) {
	t, text, err := s.dir.CreateToken(ctx, c.actor(), account.Token{
		Name: req.Name, Scopes: req.Scopes, Expires: time.Time(req.ExpiresAt),
	})
	if err != nil {
		return CreatedToken{}, err
	}
	return CreatedToken{showToken(t), text}, nil
}

func (s *Server) deleteToken(ctx context.Context, c *call) error {
	return s.dir.DeleteToken(ctx, c.actor(), c.r.PathValue("id"))
}
