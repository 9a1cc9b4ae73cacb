package httpx

import (
	"net/http"
	"net/url"
	"strings"
)

// Find returns the handler with whose pattern mux matches the escaped path as
// it is written, for any method. The handler gets the request as it is, without
// values in [http.Request.PathValue].
func Find(mux *http.ServeMux, escaped string) http.Handler {
	h, _ := mux.Handler(&http.Request{Method: http.MethodGet, URL: asWritten(escaped)})
	return h
}

// asWritten returns a URL with which [http.ServeMux] matches the escaped path
// as it is written. ServeMux would otherwise clean the path and redirect to the
// result:
//   - The segments "." and ".." become ordinary names. So does an escaped
//     slash, because ServeMux takes one in the last segment for a trailing
//     slash.
//   - No pattern contains an empty segment. A path therefore ends before its
//     first empty segment and matches the subtree above it.
//   - A path that begins with an empty segment or without a slash becomes one
//     that only the pattern "/" matches.
func asWritten(escaped string) *url.URL {
	if plain(escaped) {
		return &url.URL{Path: escaped}
	}
	if !strings.HasPrefix(escaped, "/") || strings.HasPrefix(escaped, "//") {
		escaped = "/*"
	}
	if above, _, ok := strings.Cut(escaped, "//"); ok {
		escaped = above + "/"
	}
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		switch strings.ToUpper(s) {
		case ".", "..":
			segments[i] = strings.ReplaceAll(s, ".", "%2E")
		case "%2F":
			segments[i] = "%2F%2F"
		}
	}
	escaped = strings.Join(segments, "/")
	path, err := url.PathUnescape(escaped)
	if err != nil { // net/http would have refused it
		path = escaped
	}
	return &url.URL{Path: path, RawPath: escaped}
}

// plain reports whether [http.ServeMux] matches a path as it is written, which is faster.
func plain(escaped string) bool {
	return strings.HasPrefix(escaped, "/") && !strings.Contains(escaped, "%") &&
		!strings.Contains(escaped, "//") && !strings.Contains(escaped, "/.")
}
