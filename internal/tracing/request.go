package tracing

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"rollcall/internal/httpx"
)

// A request is the span of a request. It implements [httpx.Trace].
type request struct{ span trace.Span }

// ID returns the id of the trace.
func (r *request) ID() string { return r.span.SpanContext().TraceID().String() }

// End ends the span with what the event says. Further calls have no effect.
func (r *request) End(e *httpx.Event, status int) {
	if e == nil || !r.span.IsRecording() {
		r.span.End()
		return
	}
	attributes := []attribute.KeyValue{
		attribute.String("rollcall.request_id", e.RequestID()),
		attribute.String("http.route", e.Path()),
		attribute.Int("http.response.status_code", status),
	}
	if app := e.App(); app != 0 {
		attributes = append(attributes, attribute.Int64("rollcall.sdkappid", int64(app)))
	}
	if items, failed := e.Counts(); items > 0 {
		attributes = append(attributes, attribute.Int("rollcall.items", items), attribute.Int("rollcall.failed", failed))
	}
	if e.Command() != "" {
		r.span.SetName(e.Command())
		attributes = append(attributes, attribute.String("rollcall.command", e.Command()), attribute.Int("rollcall.code", e.Code()))
	}
	r.span.SetAttributes(attributes...)
	fail(r.span, e.Failed() || status >= http.StatusInternalServerError, "the server failed; the log has the request_id")
	r.span.End(trace.WithTimestamp(e.Ended()))
}

// fail marks a span as failed, if it is.
func fail(span trace.Span, failed bool, why string) {
	if failed {
		span.SetStatus(codes.Error, why)
	}
}
