package server

import (
	"context"
	"net/http"
	"os"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/metered"
	"rollcall/internal/tracing"
)

// openTraces prepares the traces of requests, if the settings have a collector.
func (s *Server) openTraces(ctx context.Context) (err error) {
	if s.o.TraceTo == "" {
		return nil
	}
	host, _ := os.Hostname() // a trace without it is better than none
	s.tracer, err = tracing.New(ctx, tracing.Options{To: s.o.TraceTo, Sample: s.o.TraceSample, Version: s.o.Version, Host: host, Logger: s.o.Logger})
	return err
}

// traced returns h with its requests traced, if the server has traces.
func (s *Server) traced(h http.Handler) http.Handler {
	if s.tracer == nil {
		return h
	}
	return s.tracer.Handler(h)
}

// recorder returns what the calls of the store are reported to.
func (s *Server) recorder() metered.Recorder {
	if s.tracer == nil {
		return s.metrics
	}
	return recorders{s.metrics, s.tracer}
}

type recorders []metered.Recorder

// Observe implements [metered.Recorder].
func (rs recorders) Observe(ctx context.Context, method string, items int, took time.Duration, code account.Code) {
	for _, r := range rs {
		r.Observe(ctx, method, items, took, code)
	}
}
