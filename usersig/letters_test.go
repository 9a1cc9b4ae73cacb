package usersig_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"rollcall/usersig"
)

// TestExplainWarnsOfPlainBase64 checks that plain base64 can be parsed, with a
// warning that a URL query changes its characters.
func TestExplainWarnsOfPlainBase64(t *testing.T) {
	for id := range 64 { // until one has a "+" or a "/"
		claims := usersig.Claims{SDKAppID: 1, Identifier: strings.Repeat("a", id+1)}
		text, err := usersig.Sign(usersig.HMACKey("secret"), claims)
		if err != nil {
			t.Fatal(err)
		}
		if w := usersig.Explain(text, usersig.Request{}).Steps[0].Warning; w != "" {
			t.Fatalf("a UserSig as it should be has the warning %q", w)
		}
		plain := strings.NewReplacer("*", "+", "-", "/", "_", "=").Replace(text)
		if _, err := base64.StdEncoding.DecodeString(plain); err != nil {
			t.Fatal(err)
		}
		if !strings.ContainsAny(plain, "+/") {
			continue
		}
		const want = "it has + or /, as plain base64 does: percent-encode it in a URL, or write * for + and - for /"
		if step := usersig.Explain(plain, usersig.Request{}).Steps[0]; step.Status != usersig.OK || step.Warning != want {
			t.Errorf("%+v", step)
		}
		return
	}
	t.Fatal("no UserSig had a + or a /")
}
