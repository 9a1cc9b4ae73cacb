// Package tracing sends traces of sampled requests to a collector, in the protocol of
// OpenTelemetry (OTLP over HTTP). A trace has a span for the request and one for each call
// of the store. A request that is not sampled costs one random number.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
)

// Limits of what waits for the collector. Spans beyond them are dropped, so a collector
// that is away delays no request.
const (
	maxQueued   = 4096            // spans
	maxBatch    = 512             // spans of one request to the collector
	sendTimeout = 5 * time.Second // of one request to the collector, with its retries
	maxDelay    = time.Second     // of a span in the queue
)

// path is where a collector takes traces.
const path = "/v1/traces"

// Options are the options of [New]. All are required but Host.
type Options struct {
	To      string  // URL of the collector, as http://127.0.0.1:4318
	Sample  float64 // part of the requests that are traced, from 0 to 1
	Version string  // of the program
	Host    string  // name of the machine
	Logger  *slog.Logger
}

// A Tracer traces requests. It is safe for concurrent use.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	sample   float64
}

// New returns a Tracer. It connects to nothing before the first trace.
func New(ctx context.Context, o Options) (*Tracer, error) {
	to := strings.TrimSuffix(strings.TrimSuffix(o.To, "/"), path) + path
	exporter, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(to), otlptracehttp.WithTimeout(sendTimeout),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: 500 * time.Millisecond, MaxInterval: sendTimeout, MaxElapsedTime: sendTimeout}),
	)
	if err != nil {
		return nil, fmt.Errorf("traces to %s: %w", o.To, err)
	}
	return newTracer(o, &loggedExporter{SpanExporter: exporter, lg: o.Logger}), nil
}

func newTracer(o Options, exporter sdktrace.SpanExporter) *Tracer {
	about := resource.NewSchemaless(
		attribute.String("service.name", "rollcall"), attribute.String("service.version", o.Version), attribute.String("host.name", o.Host),
	)
	p := sdktrace.NewTracerProvider(
		sdktrace.WithResource(about), sdktrace.WithSampler(sdktrace.AlwaysSample()), // [Tracer.Handler] samples
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(maxQueued), sdktrace.WithMaxExportBatchSize(maxBatch), sdktrace.WithBatchTimeout(maxDelay)),
	)
	return &Tracer{provider: p, tracer: p.Tracer("rollcall"), sample: o.Sample}
}

// Close sends the rest, for at most [sendTimeout]. Nothing is traced afterwards.
func (t *Tracer) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the exporter has logged why traces are lost
}

// Handler returns next with its requests traced: those that are sampled, and those whose
// caller says in the header Traceparent that it samples them.
func (t *Tracer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parent := parentOf(r)
		if !parent.IsSampled() && rand.Float64() >= t.sample { //nolint:gosec // no secret
			next.ServeHTTP(w, r)
			return
		}
		ctx := trace.ContextWithRemoteSpanContext(r.Context(), parent)
		_, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.request.method", methodOf(r))))
		request := &request{span}
		defer request.End(nil, 0) // a handler without an event
		next.ServeHTTP(w, r.WithContext(httpx.WithTrace(r.Context(), request)))
	})
}

// methodOf returns the method of a request, if it is one that HTTP has.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "_OTHER"
}

// parentOf returns the span that the header Traceparent of a request names, or none.
func parentOf(r *http.Request) trace.SpanContext {
	if r.Header.Get("Traceparent") == "" {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header))
	return trace.SpanContextFromContext(ctx)
}

// Observe adds a call of the store to the trace of ctx, if it has one. It is the Recorder of
// package metered.
func (t *Tracer) Observe(ctx context.Context, method string, items int, took time.Duration, code account.Code) {
	r, ok := httpx.TraceFrom(ctx).(*request)
	if !ok {
		return
	}
	end := time.Now()
	_, span := t.tracer.Start(trace.ContextWithSpan(context.Background(), r.span), "store."+method, trace.WithTimestamp(end.Add(-took)),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.Int("rollcall.items", items), attribute.String("rollcall.result", code.String())))
	fail(span, code == account.Internal || code == account.Unavailable || code == account.Unknown, code.String())
	span.End(trace.WithTimestamp(end))
}
