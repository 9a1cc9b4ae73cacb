package server

import (
	"io"
	"log/slog"
	"net/http"
	"strings"

	"rollcall/internal/api"
	"rollcall/internal/httpx"
	"rollcall/internal/wire"
)

// withVendor serves the vendor's protocol, and own beside it.
func withVendor(vendor, own http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if vendorPath(r.URL.Path) {
			vendor.ServeHTTP(w, r)
			return
		}
		own.ServeHTTP(w, r)
	})
}

// vendorPath reports whether path was meant for the vendor's protocol, in
// whatever form.
func vendorPath(path string) bool {
	return strings.HasPrefix(path, api.Prefix) || wire.IsVendorPath(path)
}

func (s *Server) vendorHandler() http.Handler {
	var count httpx.Observer = s.metrics.Request
	serve := func(w http.ResponseWriter, r *http.Request) error {
		event := httpx.EventFrom(r.Context())
		event.OnEnd(count)
		event.SetPath(api.Prefix + "…")
		s.api.ServeHTTP(w, r)
		return nil
	}
	return httpx.Handler(s.o.Logger, serve, func(w http.ResponseWriter, r *http.Request, _ error) slog.Level {
		s.api.Refuse(w, r)
		return slog.LevelError
	})
}

// adapt makes a handler of h, which is ours.
func (s *Server) adapt(h httpx.HandlerFunc) http.Handler {
	return httpx.Handler(s.o.Logger, h, func(w http.ResponseWriter, _ *http.Request, _ error) slog.Level {
		answer(w, http.StatusInternalServerError, "internal error; the log says more\n")
		return slog.LevelError
	})
}

func (s *Server) serveOwn(w http.ResponseWriter, r *http.Request, admins bool) error {
	event := httpx.EventFrom(r.Context())
	event.SetPath(r.URL.Path)
	switch r.URL.Path {
	case "/":
		answer(w, http.StatusOK, about(s.o.Version, admins))
	case "/healthz":
		event.Quiet()
		answer(w, http.StatusOK, "ok\n")
	case "/readyz":
		event.Quiet()
		if err := s.dir.Ready(r.Context()); err != nil {
			event.Fail(err)
			answer(w, http.StatusServiceUnavailable, "not ready: writes are refused; the log says why\n")
			return nil
		}
		answer(w, http.StatusOK, "ready\n")
	default:
		event.SetPath("") // the client's own
		answer(w, http.StatusNotFound, "nothing here; the account API is under /v4/, and / says what this is\n")
	}
	return nil
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client has gone; nothing is left to do
}
