package records

import (
	"cmp"
	"context"
	"slices"

	"rollcall/internal/account"
)

// CreateToken stores t and adds by to the audit trail, in one commit.
// Codes: Exists if a token has its ID or its Hash.
func (r *Registry) CreateToken(ctx context.Context, t account.Token, by account.AuditEntry) error {
	_, err := r.e.Commit(ctx, account.Commit{Writes: withEntry(0, by, writeToken(&t, 0)...)})
	if account.CodeOf(err) == account.Stale {
		return &account.Error{Code: account.Exists, Detail: "that token exists"}
	}
	return err
}

// writeToken returns the writes that store t in place of records with the given version.
func writeToken(t *account.Token, version uint64) []account.Write {
	key := tokenKey(t.Hash)
	return []account.Write{
		{Kind: kindToken, Key: key, Value: encode(t), If: version},
		{Kind: kindTokenID, Key: t.ID, Value: []byte(key), If: version},
	}
}

func noToken() error {
	return &account.Error{Code: account.NoToken, Detail: "there is no such token"}
}

// Token returns the token with the given hash, even if it has expired. It costs no more
// than a look-up in memory, and has the delay of [Registry.App]. The token is shared and
// must not be changed.
//
// Codes: NoToken.
func (r *Registry) Token(ctx context.Context, hash account.TokenHash) (*account.Token, error) {
	t, ok, err := r.tokens.get(ctx, hash)
	if err == nil && !ok {
		return nil, noToken()
	}
	return t, err
}

// StoredToken is [Registry.Token] without the delay, because it reads from the engine.
func (r *Registry) StoredToken(ctx context.Context, hash account.TokenHash) (*account.Token, error) {
	rec, err := r.e.Record(ctx, kindToken, tokenKey(hash))
	if account.CodeOf(err) == account.NoRecord {
		return nil, noToken()
	}
	if err != nil {
		return nil, err
	}
	t, err := decode[account.Token](rec.Value)
	if err != nil {
		return nil, damaged(kindToken, rec.Key, err)
	}
	return t, nil
}

// Tokens returns all tokens in the order of their ids, with the delay of [Registry.App].
// They are shared and must not be changed.
func (r *Registry) Tokens(ctx context.Context) ([]*account.Token, error) {
	ts, err := r.tokens.all(ctx)
	slices.SortFunc(ts, func(a, b *account.Token) int { return cmp.Compare(a.ID, b.ID) })
	return ts, err
}

// DeleteToken removes the token with the given id and adds by to the audit trail, in one
// commit.
// Codes: NoToken.
func (r *Registry) DeleteToken(ctx context.Context, id string, by account.AuditEntry) error {
	for {
		rec, err := r.e.Record(ctx, kindTokenID, id)
		if account.CodeOf(err) == account.NoRecord {
			return noToken()
		}
		if err != nil {
			return err
		}
		_, err = r.e.Commit(ctx, account.Commit{Writes: withEntry(0, by,
			account.Write{Kind: kindToken, Key: string(rec.Value), If: account.AnyVersion},
			account.Write{Kind: kindTokenID, Key: id, If: rec.Version},
		)})
		if account.CodeOf(err) != account.Stale {
			return err
		}
	}
}
