package records_test

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
)

// token returns a token whose text is its id.
func token(id, name string) account.Token {
	return account.Token{
		ID: id, Name: name, Hash: account.HashToken(id), Created: now,
		Scopes: []account.Scope{account.ScopeRead, account.ScopeAdmin},
	}
}

func (v *env) createToken(t account.Token) {
	v.Helper()
	if err := v.r.CreateToken(v.Context(), t, by("token.create")); err != nil {
		v.Fatalf("CreateToken: %v", err)
	}
}

func (v *env) tokens() []*account.Token {
	v.Helper()
	ts, err := v.r.Tokens(v.Context())
	if err != nil {
		v.Fatalf("Tokens: %v", err)
	}
	return ts
}

func TestTokens(t *testing.T) {
	each(t, func(v *env) {
		v.equal("tokens of nothing", v.tokens(), []*account.Token(nil))
		first, second := token("00000002", "a"), token("00000001", "a")
		second.Expires = now.Add(-time.Hour) // package records does not check it
		given := first.Clone()
		v.createToken(*given)
		given.Scopes[0] = "changed afterwards"
		v.createToken(second)
		v.equal("tokens", v.tokens(), []*account.Token{&second, &first})
		for _, want := range []account.Token{first, second} {
			got, err := v.r.Token(v.Context(), want.Hash)
			v.code("Token", err, account.OK)
			v.equal("token", got, &want)
		}
		_, err := v.r.Token(v.Context(), account.HashToken("other"))
		v.code("Token of no token", err, account.NoToken)
	})
}

func TestTokenExists(t *testing.T) {
	each(t, func(v *env) {
		v.createToken(token("00000001", "a"))
		sameHash, sameID := token("00000001", "b"), token("00000002", "c")
		sameHash.ID, sameID.ID = "00000003", "00000001"
		for _, t := range []account.Token{sameHash, sameID} {
			v.code("CreateToken "+t.Name, v.r.CreateToken(v.Context(), t, by("token.create")), account.Exists)
		}
		if ts := v.tokens(); len(ts) != 1 || ts[0].Name != "a" {
			v.Errorf("tokens: %+v", ts)
		}
		if es := v.audit(account.AuditQuery{Limit: 10}); len(es) != 1 {
			v.Errorf("%d entries after one change", len(es))
		}
	})
}

func TestDeleteToken(t *testing.T) {
	each(t, func(v *env) {
		one := token("00000001", "a")
		v.createToken(one)
		v.createToken(token("00000002", "b"))
		v.code("DeleteToken", v.r.DeleteToken(v.Context(), "00000001", by("token.delete")), account.OK)
		for _, id := range []string{"00000001", "00000003", "none"} {
			v.code("DeleteToken of none", v.r.DeleteToken(v.Context(), id, by("token.delete")), account.NoToken)
		}
		_, err := v.r.Token(v.Context(), one.Hash)
		v.code("Token after its deletion", err, account.NoToken)
		if ts := v.tokens(); len(ts) != 1 || ts[0].ID != "00000002" {
			v.Errorf("tokens: %+v", ts)
		}
		v.createToken(one)
		v.equal("tokens after it was created again", len(v.tokens()), 2)
	})
}

// TestTokenAudit checks that the entries of tokens are in order among those of apps, and
// that they belong to no app.
func TestTokenAudit(t *testing.T) {
	each(t, func(v *env) {
		v.create(app)
		v.createToken(token("00000001", "a"))
		entry := by("token.delete")
		entry.App, entry.Seq = app, 99 // the registry sets both
		v.code("DeleteToken", v.r.DeleteToken(v.Context(), "00000001", entry), account.OK)
		v.create(otherApp)
		var got []string
		for _, e := range v.audit(account.AuditQuery{Limit: 10}) {
			got = append(got, fmt.Sprint(e.Action, " ", e.App))
		}
		v.equal("trail", got, []string{
			fmt.Sprint("app.create ", otherApp), "token.delete 0", "token.create 0", fmt.Sprint("app.create ", app),
		})
		v.equal("entries of the app", len(v.audit(account.AuditQuery{App: app, Limit: 10})), 1)
	})
}
