package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/internal/importer"
	"rollcall/rollcalltest"
)

// importOdd returns an import of the ids from 1 to n. It rejects the ids that end in 1.
// After the last id the import fails with end, unless that is nil.
func importOdd(progress io.Writer, n int, end error) (*importing, iter.Seq2[importer.Rejection, error]) {
	im := newImporting(importer.Importer{InFlight: 1, Import: func(_ context.Context, accounts []client.Account) ([]client.Result, error) {
		results := make([]client.Result, len(accounts))
		for i, a := range accounts {
			if strings.HasSuffix(a.UserID, "1") {
				results[i].Code, results[i].Info = client.CodeQuotaExceeded, "full"
			}
		}
		return results, nil
	}}, progress)
	return im, im.Rejections(context.Background(), func(yield func(importer.Row, error) bool) {
		for i := range n {
			if !yield(importer.NewRow(i+1, client.Account{UserID: fmt.Sprint(i + 1)}), nil) {
				return
			}
		}
		if end != nil {
			yield(importer.Row{}, end)
		}
	})
}

// TestImportFails expects the counts up to a failure beside its error.
func TestImportFails(t *testing.T) {
	for form, want := range map[string]string{"table": "imported 135, failed 15\n", "json": `"imported": 135, "failed": 15}`} {
		var out bytes.Buffer
		broken := errors.New("disk on fire")
		im, rejections := importOdd(nil, 150, broken)
		if err := im.report(&environment{stdout: &out}, form, rejections); !errors.Is(err, broken) || !strings.Contains(out.String(), want) {
			t.Errorf("%s: error %v, output %q", form, err, &out)
		}
	}
}

// TestImportProgress expects counts on a terminal during the import.
func TestImportProgress(t *testing.T) {
	var out, progress bytes.Buffer
	im, rejections := importOdd(&progress, 200, nil)
	if err := im.report(&environment{stdout: &out}, "table", rejections); !errors.Is(err, errSomeFailed) {
		t.Errorf("error %v, want that some failed", err)
	}
	if !strings.Contains(progress.String(), "imported 90, failed 10, ") || !strings.HasSuffix(out.String(), "imported 180, failed 20\n") {
		t.Errorf("progress %q, output %q", &progress, &out)
	}
}

// TestClean checks that a text of a user cannot control a terminal.
func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"Alice 用户":      "Alice 用户",
		"\x1b[31mred\n": `\u001b[31mred\u000a`,
		"a\u202eb\tc":   `a\u202eb\u0009c`,
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}

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
