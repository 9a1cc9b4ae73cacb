package server

import (
	"net/http"
	"strings"

	"rollcall/internal/admin"
	"rollcall/internal/docsui"
	"rollcall/internal/httpx"
)

// newAdmin builds the admin API.
func (s *Server) newAdmin() *admin.Server {
	kind, _, _ := strings.Cut(s.o.Store, ":") // the rest may hold a password
	return admin.New(admin.Options{
		Directory: s.dir, Logger: s.o.Logger, Version: s.o.Version, Store: kind, Hosts: s.o.AdminHost,
		Observer: s.metrics.Request, BackedUp: s.metrics.BackupMade,
	})
}

// ownHandler serves what is ours: health everywhere, the admin API, the page at
// /docs and the metrics where admins says so.
func (s *Server) ownHandler(admins bool) http.Handler {
	plain := s.adapt(func(w http.ResponseWriter, r *http.Request) error { return s.serveOwn(w, r, admins) })
	if !admins {
		return plain
	}
	metrics := s.inside("metrics", "/metrics", quiet(s.metrics.Handler()))
	docs := s.inside("docs", "/docs/…", docsui.Handler())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case docsui.Serves(r.URL.Path):
			docs.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, admin.Prefix):
			s.admin.ServeHTTP(w, r)
		case r.URL.Path == "/metrics":
			metrics.ServeHTTP(w, r)
		default:
			plain.ServeHTTP(w, r)
		}
	})
}

// directOnly serves h, but for what is meant for admins if a proxy has passed the
// request on: a developer's server is for its own machine, and behind a proxy
// everybody seems to be on it.
func (s *Server) directOnly(h http.Handler) http.Handler {
	refuse := s.adapt(s.admin.RefuseForwarded)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forAdmins(r.URL.Path) && forwarded(r.Header) {
			refuse.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// forAdmins reports whether path is not for everybody who can call the account API.
func forAdmins(path string) bool {
	return docsui.Serves(path) || strings.HasPrefix(path, admin.Prefix) || path == "/metrics"
}

// forwarded reports whether a proxy says that it has passed a request on. One that
// says nothing, as nginx without a line about it, cannot be told.
func forwarded(h http.Header) bool {
	for name := range h {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}

// quiet serves h, of which the log says little.
func quiet(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpx.EventFrom(r.Context()).Quiet()
		h.ServeHTTP(w, r)
	})
}

// inside serves h to who names a host of ours, and logs command and path.
func (s *Server) inside(command, path string, h http.Handler) http.Handler {
	serve := s.admin.CheckHost(func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	})
	return s.adapt(func(w http.ResponseWriter, r *http.Request) error {
		event := httpx.EventFrom(r.Context())
		event.SetCommand(command)
		event.SetPath(path)
		return serve(w, r)
	})
}
