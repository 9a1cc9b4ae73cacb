// Package docsui serves the interactive page at /docs, the documents that it
// shows at /openapi, and the list of errors at /docs/errors.
//
// Swagger UI comes embedded in a Go module. The page around it, with the form that signs
// calls, is ours. The page loads nothing from other servers, and a strict
// Content-Security-Policy enforces that.
package docsui

import (
	"embed"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/swaggest/swgui/v5/static"
	"github.com/vearutop/statigz"

	"rollcall/docs"
)

// prefix is where the page's files are.
const prefix = "/docs/"

// policy allows a page to load from this server only. It allows data: images and inline
// styles, because Swagger UI has icons in its style sheet and sets styles of elements.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page
var page embed.FS

// assets are the files of Swagger UI that the page uses.
var assets = []string{"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"}

// swagger returns a handler of the files of Swagger UI. The first call reads them all, so
// that the start of a server does not wait for that.
var swagger = sync.OnceValue(func() http.Handler {
	return http.StripPrefix(prefix, statigz.FileServer(static.FS))
})

// own returns our files by path.
var own = sync.OnceValue(func() map[string]file {
	return map[string]file{
		"/docs":               ownFile("index.html", "text/html; charset=utf-8"),
		"/docs/page.js":       ownFile("page.js", "text/javascript; charset=utf-8"),
		"/docs/page.css":      ownFile("page.css", "text/css; charset=utf-8"),
		"/docs/errors":        {"text/html; charset=utf-8", render(docs.Errors)},
		"/openapi/wire.json":  {"application/json", docs.Wire},
		"/openapi/admin.json": {"application/json", docs.Admin},
	}
})

// Handler serves /docs and everything below /docs/ and /openapi/. The first request
// prepares what takes time.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		f, ok := own()[r.URL.Path]
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
		case ok:
			w.Header().Set("Content-Type", f.contentType)
			_, _ = w.Write(f.body) // the client has gone; nothing is left to do
		case slices.Contains(assets, strings.TrimPrefix(r.URL.Path, prefix)):
			swagger().ServeHTTP(w, r)
		default:
			http.Error(w, "nothing here; the page is at /docs", http.StatusNotFound)
		}
	})
}

// A file is what is served at a path.
type file struct {
	contentType string
	body        []byte
}

func ownFile(name, contentType string) file {
	body, err := page.ReadFile("page/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return file{contentType, body}
}

// setHeaders sets the headers of every response. Responses must not be cached, because
// the page has a token in its memory.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
