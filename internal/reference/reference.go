// Package reference serves the documents that are generated from the code: the list of
// errors at /docs/errors, and the descriptions of both APIs at /openapi. The page at /docs
// leads to the console, which tries them out.
package reference

import (
	"net/http"
	"sync"

	"rollcall/docs"
	"rollcall/internal/console/asset"
	"rollcall/internal/console/text"
)

// static is where the console has the files of its pages. The list of errors looks alike.
const static = "/console/static/"

// try is the page of the console that makes calls.
const try = "/console/try"

// policy allows a page to load from this server only, and no script.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// files returns the documents by path, and by path and language. The first call prepares what takes time.
var files = sync.OnceValue(func() map[string]file {
	return map[string]file{
		"/docs/errors":        {"text/html; charset=utf-8", render("en", docs.Errors)},
		"/docs/errors zh":     {"text/html; charset=utf-8", render("zh", docs.ErrorsChinese)},
		"/openapi/wire.json":  {"application/json", docs.Wire},
		"/openapi/admin.json": {"application/json", docs.Admin},
	}
})

// A file is what is served at a path.
type file struct {
	contentType string
	body        []byte
}

// Handler serves /docs and everything below /docs/ and /openapi/.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		f, ok := files()[inLanguage(r)]
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
		case r.URL.Path == "/docs":
			http.Redirect(w, r, try, http.StatusPermanentRedirect)
		case ok:
			w.Header().Set("Content-Type", f.contentType)
			_, _ = w.Write(f.body) // the client has gone; nothing is left to do
		default:
			http.Error(w, "nothing here; the errors are at /docs/errors, and the console is at /console", http.StatusNotFound)
		}
	})
}

// inLanguage returns the key of the document that a request asks for, in the language of
// the console.
func inLanguage(r *http.Request) string {
	chosen, _ := r.Cookie(text.Cookie)
	if chosen == nil {
		chosen = new(http.Cookie)
	}
	path := r.URL.Path + " " + string(text.Choose(chosen.Value, r.Header.Get("Accept-Language")))
	if _, ok := files()[path]; ok {
		return path
	}
	return r.URL.Path
}

// setHeaders sets the headers of every response. A new version of the server has new
// documents, so responses are not cached.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

func style() string { return asset.Address(static, "console.css") }
func icon() string  { return asset.Address(static, "icon.svg") }
