package tracing_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
	"rollcall/internal/tracing"
)

// A collector keeps the spans that it gets.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracev1.Span
	about string // resource of the newest ones
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := new(collector)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		req := new(coltrace.ExportTraceServiceRequest)
		if err == nil {
			err = proto.Unmarshal(body, req)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range req.ResourceSpans {
			c.about = resource.Resource.String()
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

// serve lets a traced handler serve one request with the header Traceparent.
func serve(t *testing.T, tracer *tracing.Tracer, lg *slog.Logger, parent string) {
	t.Helper()
	h := httpx.Handler(lg, func(w http.ResponseWriter, r *http.Request) error {
		e := httpx.EventFrom(r.Context())
		e.SetCommand("account_import")
		e.SetPath("/v4/…")
		e.SetApp(1400000001)
		e.SetCode(70169)
		e.SetCounts(3, 1)
		tracer.Observe(r.Context(), "Upsert", 3, 2*time.Millisecond, account.Unavailable)
		tracer.Observe(context.Background(), "Count", 0, time.Millisecond, account.OK) // belongs to no request
		w.WriteHeader(http.StatusOK)
		return nil
	}, nil)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v4/x?usersig=SECRET", strings.NewReader("BODY"))
	r.Header.Set("Traceparent", parent)
	tracer.Handler(h).ServeHTTP(httptest.NewRecorder(), r)
}

func newTracer(t *testing.T, to string, sample float64, lg *slog.Logger) *tracing.Tracer {
	t.Helper()
	tracer, err := tracing.New(t.Context(), tracing.Options{To: to, Sample: sample, Version: "v1", Host: "host", Logger: lg})
	if err != nil {
		t.Fatal(err)
	}
	return tracer
}

func attributes(s *tracev1.Span) string {
	var b strings.Builder
	for _, a := range s.Attributes {
		b.WriteString(a.Key + "=" + a.Value.String() + " ")
	}
	return b.String()
}

// TestTrace reads a trace back from a collector.
func TestTrace(t *testing.T) {
	c := newCollector(t)
	var log bytes.Buffer
	tracer := newTracer(t, c.URL+"/", 0, slog.New(slog.NewTextHandler(&log, nil)))
	serve(t, tracer, slog.New(slog.NewTextHandler(&log, nil)), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	serve(t, tracer, slog.New(slog.DiscardHandler), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00") // the caller does not sample
	serve(t, tracer, slog.New(slog.DiscardHandler), "")
	tracer.Close()
	if len(c.spans) != 2 {
		t.Fatalf("%d spans, want that of the request and that of the store: %v", len(c.spans), c.spans)
	}
	store, request := c.spans[0], c.spans[1]
	if request.Name != "account_import" || store.Name != "store.Upsert" || !bytes.Equal(store.ParentSpanId, request.SpanId) {
		t.Errorf("names %q and %q, want account_import above store.Upsert", request.Name, store.Name)
	}
	if took := store.EndTimeUnixNano - store.StartTimeUnixNano; took != 2_000_000 || request.EndTimeUnixNano < request.StartTimeUnixNano {
		t.Errorf("the call of the store took %d ns, want 2 ms", took)
	}
	for _, s := range c.spans {
		if (s.Status.GetCode() == tracev1.Status_STATUS_CODE_ERROR) != (s == store) {
			t.Errorf("%s: status %v", s.Name, s.Status)
		}
	}
	for _, want := range []string{"rollcall.sdkappid", "1400000001", "rollcall.code", "70169", "rollcall.failed", "rollcall.request_id", "/v4/…"} {
		if !strings.Contains(attributes(request), want) {
			t.Errorf("the span of the request lacks %s: %s", want, attributes(request))
		}
	}
	for _, secret := range []string{"SECRET", "BODY"} {
		if strings.Contains(attributes(request)+attributes(store), secret) {
			t.Errorf("a span has %s", secret)
		}
	}
	if !strings.Contains(log.String(), "trace_id=4bf92f3577b34da6a3ce929d0e0e4736") {
		t.Errorf("the line of the log lacks the trace: %s", &log)
	}
	if !strings.Contains(c.about, "rollcall") || !strings.Contains(c.about, "v1") {
		t.Errorf("resource %s", c.about)
	}
}

// TestSample traces all requests, and none.
func TestSample(t *testing.T) {
	for sample, want := range map[float64]int{0: 0, 1: 20} {
		c := newCollector(t)
		tracer := newTracer(t, c.URL, sample, slog.New(slog.DiscardHandler))
		for range 10 {
			serve(t, tracer, slog.New(slog.DiscardHandler), "00-bad")
		}
		tracer.Close()
		if len(c.spans) != want {
			t.Errorf("sample %v: %d spans, want %d", sample, len(c.spans), want)
		}
	}
}

// TestCollectorAway checks that a collector that is away costs one line of the log.
func TestCollectorAway(t *testing.T) {
	c := newCollector(t)
	c.Close()
	var log bytes.Buffer
	tracer := newTracer(t, c.URL, 1, slog.New(slog.NewTextHandler(&log, nil)))
	serve(t, tracer, slog.New(slog.DiscardHandler), "")
	tracer.Close()
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "check trace_to") {
		t.Errorf("%d lines, want one that says what to do: %s", n, &log)
	}
}

// FuzzTraceparent feeds headers to the tracer.
func FuzzTraceparent(f *testing.F) {
	for _, header := range []string{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "", "00---", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"} {
		f.Add(header)
	}
	tracer, err := tracing.New(context.Background(), tracing.Options{To: "http://127.0.0.1:1", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		h := tracer.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if trace := httpx.TraceFrom(r.Context()); trace != nil && !strings.Contains(header, trace.ID()) {
				t.Errorf("%q: trace %s", header, trace.ID())
			}
		}))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Traceparent", header)
		h.ServeHTTP(httptest.NewRecorder(), r)
	})
}
