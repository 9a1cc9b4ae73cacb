package testutil

import (
	"io"
	"net/http"
	"testing"
)

// Do sends req and returns the answer, whose body is read and closed, and the
// body.
func Do(tb testing.TB, client *http.Client, req *http.Request) (resp *http.Response, body string) {
	tb.Helper()
	resp, err := client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp, string(b)
}
