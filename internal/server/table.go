package server

import (
	"net/http"
	"net/url"
	"strings"

	"rollcall/internal/admin"
	"rollcall/internal/console"
	"rollcall/internal/httpx"
	"rollcall/internal/linkwire"
	"rollcall/internal/reference"
)

// A row is a path, or a tree of paths, outside the vendor's protocol, and its handler.
type row struct {
	pattern string // of [http.ServeMux], without a method
	handle  httpx.HandlerFunc
	logged  http.Handler // instead of handle: a handler that logs its requests and checks their Host header itself

	// admins says that the path is for administrators of the server, not for every caller
	// of the account API. Its requests must have an allowed Host header.
	admins bool

	command string // in the log
	path    string // in the log; "" logs no path, because the client chose it
	quiet   bool   // logged at level debug if it succeeds
}

// nothing is the handler of unknown paths for people.
var nothing = says(http.StatusNotFound, "nothing here; the account API is under /v4/, and / says what this is\n")

// rows lists all paths outside the vendor's protocol. admins says whether the address
// serves the rows for admins.
func (s *Server) rows(admins bool) []row {
	docs := plain(reference.Handler())
	nothing := s.unlessJSON(nothing)
	return []row{
		{pattern: "/{$}", path: "/", handle: s.unlessJSON(says(http.StatusOK, about(s.o.Version, admins)))},
		{pattern: "/healthz", path: "/healthz", quiet: true, handle: says(http.StatusOK, "ok\n")},
		{pattern: "/readyz", path: "/readyz", quiet: true, handle: s.ready},
		{pattern: "/metrics", path: "/metrics", quiet: true, admins: true, command: "metrics", handle: plain(s.metrics.Handler())},
		{pattern: linkwire.Path, path: linkwire.Path, command: "link", handle: s.devices.Serve},
		{pattern: "/docs", path: "/docs/…", admins: true, command: "docs", handle: docs},
		{pattern: "/docs/", path: "/docs/…", admins: true, command: "docs", handle: docs},
		{pattern: "/openapi/", path: "/docs/…", admins: true, command: "docs", handle: docs},
		{pattern: console.Prefix, path: console.Prefix + "/…", admins: true, command: "console", handle: s.serveConsole},
		{pattern: console.Prefix + "/", path: console.Prefix + "/…", admins: true, command: "console", handle: s.serveConsole},
		{pattern: "/openapi", handle: nothing}, // ServeMux would redirect to the tree
		{pattern: admin.Prefix, admins: true, logged: s.admin},
		{pattern: "/admin", handle: nothing},
		{pattern: "/", handle: nothing},
	}
}

// handler returns the handler of r with its check of the host and its log event.
func (s *Server) handler(r row) http.Handler {
	if r.logged != nil {
		return r.logged
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

// table returns a handler of the vendor's protocol and all rows:
//   - Unless admins is true, the rows for admins respond like unknown paths.
//   - If direct is true, the rows for admins refuse forwarded requests.
//   - Under a host name of the vendor there are no rows: every path outside the vendor's
//     protocol responds as there.
//
// Only /docs redirects. Requests of the vendor's tree do not pass the ServeMux, and neither do
// those of the admin API, which has its own.
func (s *Server) table(vendor http.Handler, admins, direct bool) http.Handler {
	mux := http.NewServeMux()
	var api http.Handler // of the tree of the admin API
	for _, r := range s.rows(admins) {
		h := s.handler(r)
		if r.admins && !admins {
			h = s.handler(row{handle: s.unlessJSON(nothing)})
		}
		if r.admins && direct {
			h = s.directOnly(h)
		}
		mux.Handle(r.pattern, h)
		if r.pattern == admin.Prefix {
			api = h
		}
	}
	outside := s.handler(row{handle: plain(http.HandlerFunc(s.api.Outside))})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if vendorPath(r.URL.Path) {
			vendor.ServeHTTP(w, r)
			return
		}
		if s.vendorHost(r.Host) {
			outside.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, admin.Prefix) {
			api.ServeHTTP(w, r)
			return
		}
		// The mux matches the unescaped path and ignores the method.
		path := &url.URL{Path: r.URL.Path}
		httpx.Find(mux, path.EscapedPath()).ServeHTTP(w, r)
	})
}
