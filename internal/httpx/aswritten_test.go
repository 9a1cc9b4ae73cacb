package httpx

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestAsWritten checks that ServeMux redirects no client and matches paths
// segment by segment as they are written.
func TestAsWritten(t *testing.T) {
	mux := http.NewServeMux()
	for _, pattern := range []string{"/{$}", "/one", "/tree/", "/tree/one", "/tree/of/{name}", "/"} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(r.Pattern + " " + r.PathValue("name")))
		})
	}
	for path, want := range map[string]string{
		"/":                 "/{$} ",
		"":                  "/ ",
		"*":                 "/ ",
		"//":                "/ ",
		"//one":             "/ ",
		"/one":              "/one ",
		"/one/":             "/ ",
		"/./one":            "/ ",
		"/x/../one":         "/ ",
		"/%6fne":            "/one ",
		"/tree/":            "/tree/ ",
		"/tree//one":        "/tree/ ",
		"/tree/./one":       "/tree/ ",
		"/tree/../one":      "/tree/ ",
		"/tree/of/x":        "/tree/of/{name} x",
		"/tree/of/.":        "/tree/of/{name} .",
		"/tree/of/..":       "/tree/of/{name} ..",
		"/tree/of/%2e.":     "/tree/of/{name} ..",
		"/tree/of/a%2Fb":    "/tree/of/{name} a/b",
		"/tree/of/%2F%2F":   "/tree/of/{name} //",
		"/tree/of/":         "/tree/ ",
		"/tree/of//":        "/tree/ ",
		"/tree/of/%25":      "/tree/of/{name} %",
		"/tree/of/x/../one": "/tree/ ",
	} {
		for _, method := range []string{"GET", "CONNECT"} {
			r := httptest.NewRequest(method, "http://x/", nil)
			r.URL = AsWritten(path, "q=1")
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if got := w.Body.String(); w.Code != http.StatusOK || got != want || r.URL.RawQuery != "q=1" {
				t.Errorf("%s %s: %d %q, want %q", method, path, w.Code, got, want)
			}
		}
	}
}
