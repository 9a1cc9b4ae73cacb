package testutil

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// NewRequest returns a request that ends with the test. A token that is not empty is
// its bearer token.
func NewRequest(tb testing.TB, method, target, token, body string) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, target, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

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
