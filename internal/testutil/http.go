package testutil

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// NewRequest returns a request that ends with the test. If token is not empty, it becomes
// the bearer token of the request.
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

// Do sends req, reads and closes the body of the response, and returns both.
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
