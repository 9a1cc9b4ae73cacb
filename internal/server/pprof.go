package server

import (
	"net/http"
	"net/http/pprof"
	"time"
)

// pprofTimeout is longer than any usual profile.
const pprofTimeout = 10 * time.Minute

func (s *Server) pprofHandler() http.Handler {
	mux := http.NewServeMux()
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/":        pprof.Index,
		"/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol":  pprof.Symbol,
		"/debug/pprof/trace":   pprof.Trace,
	} {
		mux.HandleFunc(path, h)
	}
	return s.handler(row{admins: true, command: "pprof", path: "/debug/pprof/…", handle: plain(mux)})
}
