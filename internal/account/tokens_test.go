package account_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
)

func TestScopes(t *testing.T) {
	all := account.Scopes()
	for i, have := range all {
		for j, needs := range all {
			if got := have.Includes(needs); got != (i >= j) {
				t.Errorf("%s includes %s: %v", have, needs, got)
			}
		}
		if have.Includes("") || have.Includes("root") || account.Scope("root").Includes(have) {
			t.Errorf("an unknown scope is compared with %s", have)
		}
	}
	token := account.Token{Scopes: []account.Scope{account.ScopeRead, account.ScopeWrite}}
	if !token.Allows(account.ScopeWrite) || token.Allows(account.ScopeAdmin) {
		t.Error("a token does not allow what its scopes do")
	}
}

func TestTokenActive(t *testing.T) {
	now := time.UnixMilli(1_770_000_000_000)
	for _, tt := range []struct {
		expires time.Time
		want    bool
	}{{time.Time{}, true}, {now.Add(time.Millisecond), true}, {now, false}, {now.Add(-time.Millisecond), false}} {
		if got := (&account.Token{Expires: tt.expires}).Active(now); got != tt.want {
			t.Errorf("expires %v: active %v", tt.expires, got)
		}
	}
}

func TestTokenHash(t *testing.T) {
	b, err := json.Marshal(account.Token{Hash: account.HashToken("text")})
	if err != nil || strings.Contains(string(b), "text") || !strings.Contains(string(b), `"hash":"982d9e3eb996f559`) {
		t.Errorf("%s, %v", b, err)
	}
	var got account.Token
	if err := json.Unmarshal(b, &got); err != nil || got.Hash != account.HashToken("text") {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "98", strings.Repeat("x", 64), strings.Repeat("0", 66)} {
		if err := new(account.TokenHash).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is accepted as a hash", bad)
		}
	}
}
