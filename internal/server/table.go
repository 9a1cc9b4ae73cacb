package server

import (
	"net/http"
	"net/url"

	"rollcall/internal/admin"
	"rollcall/internal/docsui"
	"rollcall/internal/httpx"
)

// A row is a path that is ours, or a tree of them, and what is served there.
type row struct {
	pattern string // of [http.ServeMux], without a method
	handle  httpx.HandlerFunc
	tells   http.Handler // in place of handle: what logs its requests itself

	// admins says that it is for administrators of the server, not for everybody who can
	// call the account API. Their requests name a host of ours.
	admins bool

	command string // in the log
	path    string // in the log; "" stands for one that is the client's own
	quiet   bool   // the log says little of it
}

// nothing is served where nothing is.
var nothing = says(http.StatusNotFound, "nothing here; the account API is under /v4/, and / says what this is\n")

// rows lists what is ours, as it is where the rows for admins are served or where not.
func (s *Server) rows(admins bool) []row {
	docs := plain(docsui.Handler())
	return []row{
		{pattern: "/{$}", path: "/", handle: says(http.StatusOK, about(s.o.Version, admins))},
		{pattern: "/healthz", path: "/healthz", quiet: true, handle: says(http.StatusOK, "ok\n")},
		{pattern: "/readyz", path: "/readyz", quiet: true, handle: s.ready},
		{pattern: "/metrics", path: "/metrics", quiet: true, admins: true, command: "metrics", handle: plain(s.metrics.Handler())},
		{pattern: "/docs", path: "/docs/…", admins: true, command: "docs", handle: docs},
		{pattern: "/docs/", path: "/docs/…", admins: true, command: "docs", handle: docs},
		{pattern: "/openapi/", path: "/docs/…", admins: true, command: "docs", handle: docs},
		{pattern: "/openapi", handle: nothing}, // ServeMux would redirect to the tree
		{pattern: admin.Prefix, admins: true, tells: s.admin},
		{pattern: "/admin", handle: nothing},
		{pattern: "/", handle: nothing},
	}
}

// handler serves r.
func (s *Server) handler(r row) http.Handler {
	if r.tells != nil {
		return r.tells
	}
	handle := r.handle
	if r.admins {
		handle = s.admin.CheckHost(handle)
	}
	return s.adapt(func(w http.ResponseWriter, req *http.Request) error {
		event := httpx.EventFrom(req.Context())
		event.SetCommand(r.command)
		event.SetPath(r.path)
		if r.quiet {
			event.Quiet()
		}
		return handle(w, req)
	})
}

// table serves the vendor's protocol and what is ours. There is nothing in the rows for
// admins unless admins is true. If direct is true, they refuse what a proxy has passed
// on. Nothing is redirected; the vendor's tree does not come to a ServeMux.
func (s *Server) table(vendor http.Handler, admins, direct bool) http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.rows(admins) {
		h := s.handler(r)
		if r.admins && !admins {
			h = s.handler(row{handle: nothing})
		}
		if r.admins && direct {
			h = s.directOnly(h)
		}
		mux.Handle(r.pattern, h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if vendorPath(r.URL.Path) {
			vendor.ServeHTTP(w, r)
			return
		}
		// The path counts without its escapes, and the method does not count.
		path := &url.URL{Path: r.URL.Path}
		httpx.Find(mux, path.EscapedPath()).ServeHTTP(w, r)
	})
}
