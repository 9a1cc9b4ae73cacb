package directory_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
)

func TestTokens(t *testing.T) {
	b := newBench(t, account.App{})
	want := account.Token{Name: "ci", Scopes: []account.Scope{account.ScopeWrite}, Expires: b.now.Add(time.Hour)}
	made, text, err := b.dir.CreateToken(t.Context(), "test", want)
	if err != nil {
		t.Fatal(err)
	}
	if !directory.ValidTokenText(text) || len(text) != 47 {
		t.Errorf("the text has %d characters", len(text))
	}
	got, err := b.dir.Authenticate(t.Context(), text)
	if err != nil || got.ID != made.ID || !got.Allows(account.ScopeRead) || got.Allows(account.ScopeAdmin) {
		t.Errorf("Authenticate = %+v, %v", got, err)
	}
	for _, wrong := range []string{"", text + "x", text[:46], strings.ToLower(text)} {
		if _, err := b.dir.Authenticate(t.Context(), wrong); account.CodeOf(err) != account.NoToken {
			t.Errorf("Authenticate(%q): %v, want NoToken", wrong, err)
		}
	}
	b.now = b.now.Add(time.Hour)
	if _, err := b.dir.Authenticate(t.Context(), text); account.CodeOf(err) != account.NoToken {
		t.Errorf("Authenticate after its expiry: %v, want NoToken", err)
	}
	if err := b.dir.DeleteToken(t.Context(), "test", made.ID); err != nil {
		t.Error(err)
	}
}

func TestTokenRefused(t *testing.T) {
	b := newBench(t, account.App{})
	read := []account.Scope{account.ScopeRead}
	for name, token := range map[string]account.Token{
		"no name":     {Scopes: read},
		"long name":   {Name: strings.Repeat("x", 65), Scopes: read},
		"a line feed": {Name: "a\nb", Scopes: read},
		"no scope":    {Name: "a"},
		"unknown":     {Name: "a", Scopes: []account.Scope{"root"}},
		"twice":       {Name: "a", Scopes: append(read, read...)},
		"expired":     {Name: "a", Scopes: read, Expires: b.now.Add(-time.Second)},
		"the server":  {Name: directory.ServerActor, Scopes: read},
		"bootstrap":   {Name: directory.BootstrapToken, Scopes: read},
	} {
		if _, text, err := b.dir.CreateToken(t.Context(), "test", token); account.CodeOf(err) != account.BadParameter || text != "" {
			t.Errorf("%s: %v, want BadParameter", name, err)
		}
	}
}

func TestTokensBounded(t *testing.T) {
	b := newBench(t, account.App{})
	token := account.Token{Name: "a", Scopes: []account.Scope{account.ScopeRead}}
	for range account.MaxTokens {
		if _, _, err := b.dir.CreateToken(t.Context(), "test", token); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := b.dir.CreateToken(t.Context(), "test", token); account.CodeOf(err) != account.Conflict {
		t.Errorf("one token more: %v, want Conflict", err)
	}
}

// An adopted token replaces the one of its name, and the same one again changes
// nothing.
func TestAdoptToken(t *testing.T) {
	b := newBench(t, account.App{})
	first, second := directory.NewTokenText(), directory.NewTokenText()
	for _, text := range []string{first, first, second} {
		if err := b.dir.AdoptToken(t.Context(), directory.ContextToken, text); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.dir.Authenticate(t.Context(), first); account.CodeOf(err) != account.NoToken {
		t.Errorf("the first token: %v, want NoToken", err)
	}
	if token, err := b.dir.Authenticate(t.Context(), second); err != nil || !token.Allows(account.ScopeAdmin) {
		t.Errorf("the second token: %+v, %v", token, err)
	}
	es, err := b.dir.Audit(t.Context(), account.AuditQuery{Limit: 10})
	if err != nil || len(es) != 4 { // app.create, create, delete, create
		t.Errorf("%d entries, %v: %+v", len(es), err, es)
	}
}
