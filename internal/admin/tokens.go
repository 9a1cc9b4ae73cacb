package admin

import (
	"time"

	"rollcall/internal/account"
)

// TokenList is every token.
type TokenList struct {
	Tokens []Token `json:"tokens"`
}

func (s *Server) listTokens(c *call) (TokenList, error) {
	ts, err := s.dir.Tokens(c.ctx)
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

func (s *Server) createToken(c *call, req NewToken) (CreatedToken, error) {
	t, text, err := s.dir.CreateToken(c.ctx, c.actor(), account.Token{
		Name: req.Name, Scopes: req.Scopes, Expires: time.Time(req.ExpiresAt),
	})
	if err != nil {
		return CreatedToken{}, err
	}
	return CreatedToken{showToken(t), text}, nil
}

func (s *Server) deleteToken(c *call) error {
	return s.dir.DeleteToken(c.ctx, c.actor(), c.params["id"])
}
