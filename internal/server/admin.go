package server

import (
	"net/http"
	"strings"

	"rollcall/internal/admin"
	"rollcall/internal/config"
	"rollcall/internal/docsui"
	"rollcall/internal/httpx"
)

// adminOnPublic reports whether the admin API and the metrics live on the public
// address: only where that can be reached from this machine alone, as a
// developer's server does.
func (o *Options) adminOnPublic() bool { return o.TLSCert == "" && config.Loopback(o.Listen) }

// newAdmin builds the admin API.
func (s *Server) newAdmin() *admin.Server {
	kind, _, _ := strings.Cut(s.o.Store, ":") // the rest may hold a password
	return admin.New(admin.Options{
		Directory: s.dir, Logger: s.o.Logger, Version: s.o.Version, Store: kind, Hosts: s.o.AdminHosts,
		Observer: s.metrics.Request,
	})
}

// ownHandler serves what is ours: health everywhere, the admin API, the page at
// /docs and the metrics where admins says so.
func (s *Server) ownHandler(admins bool) http.Handler {
	plain := s.adapt(func(w http.ResponseWriter, r *http.Request) error { return s.serveOwn(w, r, admins) })
	if !admins {
		return plain
	}
	scrape := s.metrics.Handler()
	metrics := s.adapt(s.admin.CheckHost(func(w http.ResponseWriter, r *http.Request) error {
		httpx.EventFrom(r.Context()).SetCommand("metrics")
		scrape.ServeHTTP(w, r)
		return nil
	}))
	page := docsui.Handler()
	docs := s.adapt(s.admin.CheckHost(func(w http.ResponseWriter, r *http.Request) error {
		httpx.EventFrom(r.Context()).SetCommand("docs")
		page.ServeHTTP(w, r)
		return nil
	}))
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
