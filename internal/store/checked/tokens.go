package checked

import (
	"context"
	"reflect"

	"rollcall/internal/account"
)

// CreateToken implements [account.Tokens].
func (c *engine) CreateToken(ctx context.Context, t account.Token, by account.AuditEntry) error {
	const method = "CreateToken"
	broken(t.ID != "" && t.Hash != account.TokenHash{}, method, "the caller gave a token without an id or a hash")
	before := t.Clone()
	err := c.Engine.CreateToken(ctx, t, by)
	fault(method, err, account.Exists)
	broken(reflect.DeepEqual(&t, before), method, "the caller's token was changed")
	return err
}

// Token implements [account.Tokens].
func (c *engine) Token(ctx context.Context, hash account.TokenHash) (*account.Token, error) {
	t, err := c.Engine.Token(ctx, hash)
	fault("Token", err, account.NoToken)
	broken((t != nil) == (err == nil), "Token", "token %v beside error %v", t, err)
	broken(err != nil || t.Hash == hash, "Token", "another token in the place of the one of a hash")
	return t, err
}

// Tokens implements [account.Tokens].
func (c *engine) Tokens(ctx context.Context) ([]*account.Token, error) {
	ts, err := c.Engine.Tokens(ctx)
	fault("Tokens", err)
	for i, t := range ts {
		broken(i == 0 || ts[i-1].ID < t.ID, "Tokens", "token %s is out of order", t.ID)
	}
	return ts, err
}

// DeleteToken implements [account.Tokens].
func (c *engine) DeleteToken(ctx context.Context, id string, by account.AuditEntry) error {
	err := c.Engine.DeleteToken(ctx, id, by)
	fault("DeleteToken", err, account.NoToken)
	return err
}
