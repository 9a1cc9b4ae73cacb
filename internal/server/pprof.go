package server

import (
	"context"
	"net/http"
	"net/http/pprof"
	"time"
)

// pprofTimeout is longer than the longest profile that somebody may want.
const pprofTimeout = 10 * time.Minute

// listenPprof opens the address for profiles of the process, if there is one.
func (s *Server) listenPprof(ctx context.Context) error {
	if s.o.PprofListen == "" {
		return nil
	}
	if err := s.listenAt(ctx, "--pprof-listen", s.o.PprofListen, ownListener(), s.pprofHandler()); err != nil {
		return err
	}
	s.listeners[len(s.listeners)-1].srv.WriteTimeout = pprofTimeout
	return nil
}

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
	return s.inside("pprof", "/debug/pprof/…", mux)
}
