package httpx

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestFind checks that Find redirects no client and matches paths segment by
// segment as they are written.
func TestFind(t *testing.T) {
	mux := http.NewServeMux()
	for _, pattern := range []string{"/{$}", "/one", "/tree/", "/tree/one", "/tree/of/{name}", "/twig/{name}/of", "/"} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(pattern)) })
	}
	for path, want := range map[string]string{
		"/":                 "/{$}",
		"":                  "/",
		"*":                 "/",
		"//":                "/",
		"//one":             "/",
		"/one":              "/one",
		"/one/":             "/",
		"/one/%2F":          "/",
		"/%2F":              "/",
		"/./one":            "/",
		"/x/../one":         "/",
		"/%6fne":            "/one",
		"/tree/":            "/tree/",
		"/tree/%2F":         "/tree/",
		"/tree//one":        "/tree/",
		"/tree/./one":       "/tree/",
		"/tree/../one":      "/tree/",
		"/twig/%2f/of":      "/twig/{name}/of",
		"/tree/of/x":        "/tree/of/{name}",
		"/tree/of/.":        "/tree/of/{name}",
		"/tree/of/..":       "/tree/of/{name}",
		"/tree/of/%2e.":     "/tree/of/{name}",
		"/tree/of/a%2Fb":    "/tree/of/{name}",
		"/tree/of/%2F":      "/tree/of/{name}",
		"/tree/of/%2f":      "/tree/of/{name}",
		"/tree/of/%2F%2F":   "/tree/of/{name}",
		"/tree/of/":         "/tree/",
		"/tree/of//":        "/tree/",
		"/tree/of/%25":      "/tree/of/{name}",
		"/tree/of/x/../one": "/tree/",
	} {
		w := httptest.NewRecorder()
		Find(mux, path).ServeHTTP(w, httptest.NewRequest("CONNECT", "http://x/", nil))
		if got := w.Body.String(); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d %q, want %q", path, w.Code, got, want)
		}
	}
}
