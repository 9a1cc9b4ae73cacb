package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// TestFollowCalls follows the calls of a server until Ctrl-C, which is no error.
func TestFollowCalls(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	t.Setenv(tokenVariable, srv.AdminToken)
	if err := srv.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r, w := io.Pipe()
	var stderr strings.Builder
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, &environment{strings.NewReader(""), w, &stderr}, []string{"calls", "--follow", "--url", srv.URL, "--sdkappid", fmt.Sprint(srv.SDKAppID)})
		_ = w.Close()
	}()
	lines := bufio.NewScanner(r)
	for _, want := range []string{"account_import ", "account_check ", "account_delete "} {
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Fatalf("line %q, want one with %s", lines.Text(), want)
		}
		if want == "account_import " { // each call is made after the line of the one before
			_, err := srv.Client.CheckAccounts(t.Context(), []string{"alice"})
			if err != nil {
				t.Fatal(err)
			}
		}
		if want == "account_check " {
			if _, err := srv.Client.DeleteAccounts(t.Context(), []string{"alice"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	interrupt()
	if lines.Scan() {
		t.Errorf("one more line: %q", lines.Text())
	}
	if got := <-code; got != exitOK || stderr.Len() > 0 {
		t.Errorf("exit code %d, %s", got, &stderr)
	}
}

func TestFailureSummary(t *testing.T) {
	got := failureSummary([]client.CallFailure{
		{UserID: "a", Code: 70402, Info: "it is too long; shorten it", Advice: "It is too long. Shorten it."}, {UserID: "b", Code: 40005}, {UserID: "c", Code: 70402},
	})
	if want := "1 with 40005, 2 with 70402; the first is a: It is too long. Shorten it."; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
