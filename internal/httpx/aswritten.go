package httpx

import (
	"net/url"
	"strings"
)

// AsWritten returns a URL with the given query, with which [http.ServeMux]
// matches the escaped path as it is written. ServeMux would otherwise clean the
// path and redirect to the result:
//   - The segments "." and ".." become ordinary names.
//   - No pattern contains an empty segment. A path therefore ends before its
//     first empty segment and matches the subtree above it.
//   - A path that begins with an empty segment or without a slash becomes one
//     that only the pattern "/" matches.
func AsWritten(escaped, query string) *url.URL {
	if !strings.HasPrefix(escaped, "/") || strings.HasPrefix(escaped, "//") {
		escaped = "/*"
	}
	if above, _, ok := strings.Cut(escaped, "//"); ok {
		escaped = above + "/"
	}
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		if s == "." || s == ".." {
			segments[i] = strings.ReplaceAll(s, ".", "%2E")
		}
	}
	escaped = strings.Join(segments, "/")
	path, err := url.PathUnescape(escaped)
	if err != nil { // net/http would have refused it
		path = escaped
	}
	return &url.URL{Path: path, RawPath: escaped, RawQuery: query}
}
