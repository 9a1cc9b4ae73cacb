package server

import (
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"

	"rollcall/internal/api"
	"rollcall/internal/httpx"
	"rollcall/internal/intercept"
	"rollcall/internal/wire"
)

// vendorPath reports whether path belongs to the vendor's protocol, in any spelling.
func vendorPath(path string) bool {
	return strings.HasPrefix(path, api.Prefix) || wire.IsVendorPath(path)
}

// vendorHost reports whether the Host header of a request has a name of the vendor, or
// one of the local certificate.
func (s *Server) vendorHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(host)
	return intercept.IsVendor(host) || slices.Contains(s.o.Intercept, host)
}

// unlessJSON returns h, but a request that contains JSON or asks for it gets the response
// of the vendor. A client of the vendor's protocol with a wrong address can then read the
// refusal.
func (s *Server) unlessJSON(h httpx.HandlerFunc) httpx.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if isJSON(r.Header.Get("Content-Type")) || isJSON(r.Header.Get("Accept")) {
			s.api.Outside(w, r)
			return nil
		}
		return h(w, r)
	}
}

// isJSON reports whether a header field names the type of JSON before any other.
func isJSON(field string) bool {
	first, _, _ := strings.Cut(field, ",")
	kind, _, err := mime.ParseMediaType(first)
	return err == nil && kind == "application/json"
}

func (s *Server) vendorHandler() http.Handler {
	count := func(e *httpx.Event) {
		s.metrics.Request(e)
		s.figures.Request(e)
	}
	serve := func(w http.ResponseWriter, r *http.Request) error {
		event := httpx.EventFrom(r.Context())
		event.OnEnd(count)
		event.SetPath(api.Prefix + "…")
		defer s.served.Add(1) // also after a fault that cuts the connection, which panics
		s.api.ServeHTTP(w, r)
		return nil
	}
	return httpx.Handler(s.o.Logger, serve, func(w http.ResponseWriter, r *http.Request, _ error) slog.Level {
		s.api.Refuse(w, r)
		return slog.LevelError
	})
}

// adapt returns a handler with a log event for h, which serves a path outside the
// vendor's protocol.
func (s *Server) adapt(h httpx.HandlerFunc) http.Handler {
	return httpx.Handler(s.o.Logger, h, func(w http.ResponseWriter, _ *http.Request, _ error) slog.Level {
		answer(w, http.StatusInternalServerError, "internal error; the log says more\n")
		return slog.LevelError
	})
}

// plain returns h as a HandlerFunc.
func plain(h http.Handler) httpx.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// says returns a handler that responds to every request with text.
func says(status int, text string) httpx.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) error {
		answer(w, status, text)
		return nil
	}
}

// ready responds with status 200 if the server accepts writes and is not about to stop,
// otherwise with 503.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	if closed(s.drain.begun) {
		answer(w, http.StatusServiceUnavailable, "not ready: the server is about to stop\n")
		return nil
	}
	if err := s.dir.Ready(r.Context()); err != nil {
		httpx.EventFrom(r.Context()).Fail(err)
		answer(w, http.StatusServiceUnavailable, "not ready: writes are refused; the log says why\n")
		return nil
	}
	answer(w, http.StatusOK, "ready\n")
	return nil
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client has gone; nothing is left to do
}
