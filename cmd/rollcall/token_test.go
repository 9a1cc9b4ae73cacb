package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// TestTokenScope calls with a token that may only read. Other calls are refused with an
// exit code of their own.
func TestTokenScope(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	created, err := srv.AdminClient.CreateToken(t.Context(), client.NewToken{Name: "reader", Scopes: []string{client.ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(tokenVariable, created.Secret)
	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{"app", "show"}, exitOK},
		{[]string{"app", "set", "--name", "x"}, exitRefused},
		{[]string{"token", "list"}, exitRefused},
	} {
		var stdout, stderr bytes.Buffer
		args := append(tt.args, "--url", srv.URL, "--sdkappid", fmt.Sprint(srv.SDKAppID))
		if got := run(t.Context(), &environment{strings.NewReader(""), &stdout, &stderr}, args); got != tt.want {
			t.Errorf("%q: exit code %d, want %d\n%s", tt.args, got, tt.want, &stderr)
		}
	}
}
