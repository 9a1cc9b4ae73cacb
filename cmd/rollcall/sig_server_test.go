package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/usersig"
)

// TestSigExplainElsewhere explains a UserSig while the environment names another server
// than the context. Only the server of the environment gets its token.
func TestSigExplainElsewhere(t *testing.T) {
	const key = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	asked := map[string]string{}
	serve := func(name string) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked[name] = r.Header.Get("Authorization")
			http.NotFound(w, r)
		}))
		t.Cleanup(srv.Close)
		return srv.URL
	}
	saved := filepath.Join(t.TempDir(), "context.json")
	text := fmt.Sprintf(`{"url":%q,"sdkappid":1400000000,"key":%q,"admin_token":"token of the context"}`, serve("context"), key)
	if err := os.WriteFile(saved, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(urlVariable, serve("environment"))
	t.Setenv(tokenVariable, "token-of-the-environment")
	sig, err := usersig.Sign(usersig.HMACKey(key), usersig.Claims{SDKAppID: 1400000000, Identifier: "alice", Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := []string{"sig", "explain", "--context", saved, "--identifier", "alice", sig}
	if code := run(t.Context(), &environment{strings.NewReader(""), &stdout, &stderr}, args); code != exitOK {
		t.Errorf("exit code %d\n%s", code, &stderr)
	}
	if len(asked) != 1 || asked["environment"] != "Bearer token-of-the-environment" {
		t.Errorf("the servers got %q, want the token of the environment at its server alone", asked)
	}
}
