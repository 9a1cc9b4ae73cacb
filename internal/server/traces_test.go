package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"rollcall/internal/config"
	"rollcall/internal/testutil"
)

// TestTraces reads the traces of a server back from a collector: the account API, the admin
// API and their calls of the store. The server sends what is left when it stops.
func TestTraces(t *testing.T) {
	var mu sync.Mutex
	names := map[string]int{}
	var all strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		req := new(coltrace.ExportTraceServiceRequest)
		if err := proto.Unmarshal(body, req); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		all.WriteString(req.String())
		for _, rs := range req.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					names[s.Name]++
				}
			}
		}
	}))
	t.Cleanup(collector.Close)
	t.Run("server", func(t *testing.T) {
		s := start(t, config.Config{Store: "mem:", TraceTo: collector.URL, TraceSample: 1}, nil)
		testutil.Secret(t, s.Context().Key, s.Context().AdminToken)
		for range 3 {
			if got := importAlice(t, http.DefaultClient, s.Context()); got != imported {
				t.Fatal(got)
			}
		}
		if _, err := adminOf(t, s).Status(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	mu.Lock()
	defer mu.Unlock()
	for name, want := range map[string]int{"account_import": 3, "store.Upsert": 3, "admin.readStatus": 1} {
		if names[name] != want {
			t.Errorf("%d spans %s, want %d: %v", names[name], name, want, names)
		}
	}
	if strings.Contains(all.String(), "alice") || strings.Contains(all.String(), "usersig") {
		t.Errorf("a trace has a UserID or a signature: %s", &all)
	}
}
