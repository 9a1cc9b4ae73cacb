package tracing

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// logEvery is the shortest time between two lines of the log about a collector that fails.
const logEvery = time.Minute

// A loggedExporter logs its failures, once a minute at most. It is called by one goroutine
// at a time.
type loggedExporter struct {
	sdktrace.SpanExporter
	lg     *slog.Logger
	logged atomic.Int64 // Unix time of the last line
	lost   atomic.Int64 // spans since then
}

// ExportSpans implements [sdktrace.SpanExporter].
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	lost := e.lost.Add(int64(len(spans)))
	if now := time.Now().Unix(); now-e.logged.Load() >= int64(logEvery/time.Second) {
		e.logged.Store(now)
		e.lost.Store(0)
		e.lg.Warn("traces are lost: the collector does not take them; check trace_to and the collector", slog.Int64("spans", lost), slog.String("err", err.Error()))
	}
	return nil // it is logged
}
