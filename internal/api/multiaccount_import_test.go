package api

import (
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/internal/account"
)

// TestFailAccountsOnce imports ids that fail several times in a batch. Each is
// listed once, at its first failure, in both forms of the request.
func TestFailAccountsOnce(t *testing.T) {
	f := newFixture(t, account.App{ID: plainApp})
	q := params(plainApp, "administrator", sign(t, testKey, plainApp, "administrator", f.time.Unix()))
	for _, body := range []string{
		`{"Accounts":["@b","a","@a","@b","@a","@b"]}`,
		`{"AccountList":[{"UserID":"@b"},{"UserID":"a"},{"UserID":"@a"},{"UserID":"@b"},{"UserID":"@a"},{"UserID":"@b"}]}`,
	} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, request("POST", "/v4/im_open_login_svc/multiaccount_import", q, body))
		if got, want := w.Body.String(), `"FailAccounts":["@b","@a"]`; !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}
