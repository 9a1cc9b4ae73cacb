package metered

import (
	"context"
	"time"

	"rollcall/internal/account"
)

// CreateToken implements [account.Tokens].
func (m *engine) CreateToken(ctx context.Context, t account.Token, by account.AuditEntry) error {
	start := time.Now()
	err := m.Engine.CreateToken(ctx, t, by)
	m.observe("CreateToken", start, 0, err)
	return err
}

// Token implements [account.Tokens].
func (m *engine) Token(ctx context.Context, hash account.TokenHash) (*account.Token, error) {
	start := time.Now()
	t, err := m.Engine.Token(ctx, hash)
	m.observe("Token", start, 0, err)
	return t, err
}

// Tokens implements [account.Tokens].
func (m *engine) Tokens(ctx context.Context) ([]*account.Token, error) {
	start := time.Now()
	ts, err := m.Engine.Tokens(ctx)
	m.observe("Tokens", start, len(ts), err)
	return ts, err
}

// DeleteToken implements [account.Tokens].
func (m *engine) DeleteToken(ctx context.Context, id string, by account.AuditEntry) error {
	start := time.Now()
	err := m.Engine.DeleteToken(ctx, id, by)
	m.observe("DeleteToken", start, 0, err)
	return err
}
