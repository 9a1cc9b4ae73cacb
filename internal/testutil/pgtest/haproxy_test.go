package pgtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestHAProxy checks that a backend that is not ready gets no requests, and that one that
// does not listen costs none.
func TestHAProxy(t *testing.T) {
	var draining atomic.Bool
	start := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/readyz" && name == "a" && draining.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = io.WriteString(w, name)
		}))
		t.Cleanup(s.Close)
		return s
	}
	a, b := start("a"), start("b")
	proxy := HAProxy(t, a.URL, strings.TrimPrefix(b.URL, "http://"))
	call := func() string {
		t.Helper()
		resp, err := http.Get(proxy)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("a call returns %s %q, %v", resp.Status, body, err)
		}
		return string(body)
	}
	served := func(want string) bool {
		seen := map[string]bool{}
		for range 4 {
			seen[call()] = true
		}
		return len(seen) == len(want) && seen[want[:1]]
	}
	eventually(t, "both servers get calls", func() bool { return served("ab") })
	draining.Store(true)
	eventually(t, "only b gets calls", func() bool { return served("b") })
	draining.Store(false)
	eventually(t, "both servers get calls again", func() bool { return served("ab") })
	a.Close()
	for range 20 {
		if name := call(); name != "b" {
			t.Fatalf("%s answers after its end", name)
		}
	}
}
