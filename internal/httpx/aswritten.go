package httpx

import (
	"net/url"
	"strings"
)

// AsWritten returns a URL whose path [http.ServeMux] takes as the escaped one is
// written, with query. ServeMux cleans other paths, and redirects to what it made of
// them. Segments "." and ".." become names like others. An empty segment is in no
// pattern, so a path ends before it and is one of the tree above. A path that begins
// with an empty segment or without a slash becomes one that only the pattern "/"
// matches.
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
