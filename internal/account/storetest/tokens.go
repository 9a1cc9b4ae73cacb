package storetest

import (
	"fmt"
	"time"

	"rollcall/internal/account"
)

// token returns a token whose text is its id.
func token(id, name string) account.Token {
	return account.Token{
		ID: id, Name: name, Hash: account.HashToken(id), Created: account.Millis(now),
		Scopes: []account.Scope{account.ScopeRead, account.ScopeAdmin},
	}
}

func (v *env) createToken(t account.Token) {
	v.Helper()
	if err := v.e.CreateToken(v.Context(), t, by("token.create")); err != nil {
		v.Fatalf("CreateToken: %v", err)
	}
}

// tokens returns every token.
func (v *env) tokens() []*account.Token {
	v.Helper()
	ts, err := v.e.Tokens(v.Context())
	if err != nil {
		v.Fatalf("Tokens: %v", err)
	}
	return ts
}

func testTokens(v *env) {
	if ts := v.tokens(); len(ts) != 0 {
		v.Errorf("tokens of nothing: %+v", ts)
	}
	first, second := token("00000002", "a"), token("00000001", "a")
	second.Expires = account.Millis(now.Add(-time.Hour)) // a store does not judge
	given := first.Clone()
	v.createToken(*given)
	given.Scopes[0] = "changed afterwards"
	v.createToken(second)
	v.equal("tokens", v.tokens(), []*account.Token{&second, &first})
	for _, want := range []account.Token{first, second} {
		got, err := v.e.Token(v.Context(), want.Hash)
		if err != nil {
			v.Fatalf("Token: %v", err)
		}
		v.equal("token", got, &want)
	}
	if _, err := v.e.Token(v.Context(), account.HashToken("other")); account.CodeOf(err) != account.NoToken {
		v.Errorf("Token of no token: %v, want Code no token", err)
	}
}

func testTokenExists(v *env) {
	v.createToken(token("00000001", "a"))
	sameHash, sameID := token("00000001", "b"), token("00000002", "c")
	sameHash.ID, sameID.ID = "00000003", "00000001"
	for _, t := range []account.Token{sameHash, sameID} {
		if err := v.e.CreateToken(v.Context(), t, by("token.create")); account.CodeOf(err) != account.Exists {
			v.Errorf("CreateToken(%s): %v, want Code exists", t.Name, err)
		}
	}
	if ts := v.tokens(); len(ts) != 1 || ts[0].Name != "a" {
		v.Errorf("tokens: %+v", ts)
	}
	if es := v.audit(account.AuditQuery{Limit: 10}); len(es) != 1 {
		v.Errorf("%d entries after one change", len(es))
	}
}

func testTokenDelete(v *env) {
	one := token("00000001", "a")
	v.createToken(one)
	v.createToken(token("00000002", "b"))
	if err := v.e.DeleteToken(v.Context(), "00000001", by("token.delete")); err != nil {
		v.Fatalf("DeleteToken: %v", err)
	}
	for _, id := range []string{"00000001", "00000003", ""} {
		if err := v.e.DeleteToken(v.Context(), id, by("token.delete")); account.CodeOf(err) != account.NoToken {
			v.Errorf("DeleteToken(%q): %v, want Code no token", id, err)
		}
	}
	if _, err := v.e.Token(v.Context(), one.Hash); account.CodeOf(err) != account.NoToken {
		v.Errorf("Token after its deletion: %v, want Code no token", err)
	}
	if ts := v.tokens(); len(ts) != 1 || ts[0].ID != "00000002" {
		v.Errorf("tokens: %+v", ts)
	}
	v.createToken(one)
	if len(v.tokens()) != 2 {
		v.Error("the token was not made again")
	}
}

// testTokenAudit checks that entries of tokens stand in order among those of
// apps, and belong to no app.
func testTokenAudit(v *env) {
	v.createApp(app)
	v.createToken(token("00000001", "a"))
	entry := by("token.delete")
	entry.App, entry.Seq = app, 99 // both are the store's
	if err := v.e.DeleteToken(v.Context(), "00000001", entry); err != nil {
		v.Fatalf("DeleteToken: %v", err)
	}
	v.createApp(otherApp)
	var got []string
	for _, e := range v.audit(account.AuditQuery{Limit: 10}) {
		got = append(got, fmt.Sprint(e.Action, " ", e.App))
	}
	v.equal("trail", got, []string{
		fmt.Sprint("app.create ", otherApp), "token.delete 0", "token.create 0", fmt.Sprint("app.create ", app),
	})
	if es := v.audit(account.AuditQuery{App: app, Limit: 10}); len(es) != 1 {
		v.Errorf("the trail of one app: %+v", es)
	}
}

// testRecord checks that an entry without a change stands in order among those
// with one, and that it changes nothing.
func testRecord(v *env) {
	before := v.createApp(app)
	for _, id := range []account.AppID{0, app} {
		entry := by("record")
		entry.App, entry.Seq = id, 99 // the number is the store's
		if err := v.e.Record(v.Context(), entry); err != nil {
			v.Fatalf("Record: %v", err)
		}
	}
	v.createToken(token("00000001", "a"))
	var got []string
	for _, e := range v.audit(account.AuditQuery{Limit: 10}) {
		got = append(got, fmt.Sprint(e.Action, " ", e.App, " ", e.Actor, " ", e.Detail))
	}
	v.equal("trail", got, []string{
		"token.create 0 test detail of token.create", fmt.Sprint("record ", app, " test detail of record"),
		"record 0 test detail of record", fmt.Sprint("app.create ", app, " test detail of app.create"),
	})
	v.equalApps("the app", v.app(app), before)
}

func testReopenTokens(v *env, reopen func()) {
	kept, gone := token("00000001", "kept"), token("00000002", "gone")
	kept.Expires = account.Millis(now.Add(time.Hour))
	v.createToken(kept)
	v.createToken(gone)
	if err := v.e.DeleteToken(v.Context(), gone.ID, by("token.delete")); err != nil {
		v.Fatalf("DeleteToken: %v", err)
	}
	trail := v.audit(account.AuditQuery{Limit: 10})
	reopen()
	v.equal("tokens", v.tokens(), []*account.Token{&kept})
	if _, err := v.e.Token(v.Context(), gone.Hash); account.CodeOf(err) != account.NoToken {
		v.Errorf("Token after its deletion: %v, want Code no token", err)
	}
	got, err := v.e.Token(v.Context(), kept.Hash)
	if err != nil {
		v.Fatalf("Token: %v", err)
	}
	v.equal("token", got, &kept)
	v.equal("trail", v.audit(account.AuditQuery{Limit: 10}), trail)
}
