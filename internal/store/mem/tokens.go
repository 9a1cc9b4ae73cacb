package mem

import (
	"cmp"
	"context"
	"slices"

	"rollcall/internal/account"
)

// CreateToken implements [account.Tokens].
func (s *Store) CreateToken(ctx context.Context, t account.Token, by account.AuditEntry) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := func(other *account.Token) bool { return other.ID == t.ID || other.Hash == t.Hash }
	if slices.ContainsFunc(s.tokens, taken) {
		return &account.Error{Code: account.Exists, Detail: "that token exists"}
	}
	s.tokens = append(s.tokens, t.Clone())
	slices.SortFunc(s.tokens, func(a, b *account.Token) int { return cmp.Compare(a.ID, b.ID) })
	s.enter(0, by)
	return nil
}

// Token implements [account.Tokens].
func (s *Store) Token(ctx context.Context, hash account.TokenHash) (*account.Token, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.tokens, func(t *account.Token) bool { return t.Hash == hash })
	if i < 0 {
		return nil, noToken()
	}
	return s.tokens[i], nil
}

func noToken() error {
	return &account.Error{Code: account.NoToken, Detail: "there is no such token"}
}

// Tokens implements [account.Tokens].
func (s *Store) Tokens(ctx context.Context) ([]*account.Token, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tokens), nil
}

// DeleteToken implements [account.Tokens].
func (s *Store) DeleteToken(ctx context.Context, id string, by account.AuditEntry) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.tokens, func(t *account.Token) bool { return t.ID == id })
	if i < 0 {
		return noToken()
	}
	s.tokens = slices.Delete(s.tokens, i, i+1)
	s.enter(0, by)
	return nil
}
