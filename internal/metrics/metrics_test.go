package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/httpx"
	"rollcall/internal/metrics"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/metered"
	"rollcall/internal/testutil"
	"rollcall/internal/wire"
)

var _ metered.Recorder = (*metrics.Metrics)(nil)

// scrape returns the text that Prometheus would read.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	return w.Body.String()
}

// wants checks that text contains each line.
func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func newMetrics(t *testing.T) *metrics.Metrics {
	return metrics.New(metrics.Options{Version: "test", Logger: testutil.Logger(t)})
}

func TestRequests(t *testing.T) {
	m := newMetrics(t)
	request := func(fn func(*httpx.Event)) {
		h := httpx.Handler(slog.New(slog.DiscardHandler), func(_ http.ResponseWriter, r *http.Request) error {
			e := httpx.EventFrom(r.Context())
			e.OnEnd(m.Request)
			fn(e)
			return nil
		}, nil)
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
	}
	kick := func(code int) func(*httpx.Event) {
		return func(e *httpx.Event) { e.SetCommand("kick"); e.SetCode(code) }
	}
	for range 3 {
		request(kick(0))
	}
	request(kick(60007))
	request(kick(60011))
	request(kick(70107))
	request(func(e *httpx.Event) { kick(0)(e); e.Add(slog.Int(httpx.ShadowAttr, 60007)) })
	request(func(e *httpx.Event) { e.SetCode(60009) })
	m.WatchInFlight(func() int { return 7 }, 8)
	wants(t, scrape(t, m),
		`rollcall_requests_total{code="0",command="kick"} 4`,
		`rollcall_requests_total{code="70107",command="kick"} 1`,
		`rollcall_requests_total{code="60009",command="unknown"} 1`,
		`rollcall_request_duration_seconds_count{command="kick"} 7`,
		`rollcall_limits_hit_total{command="kick",mode="enforced"} 2`,
		`rollcall_limits_hit_total{command="kick",mode="shadow"} 1`,
		`rollcall_requests_in_flight 7`,
	)
}

func TestStore(t *testing.T) {
	m := newMetrics(t)
	e := metered.New(new(mem.Store), m)
	dir := directory.New(directory.Options{Engine: e})
	m.WatchStore(dir)
	for _, id := range []account.AppID{1, 2} {
		if _, err := dir.CreateApp(t.Context(), "test", account.App{ID: id, Edition: account.Trial}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Upsert(t.Context(), 2, []account.Upsert{{ID: "a"}, {ID: "b"}}, account.UpsertPolicy{Now: time.UnixMilli(1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Record(t.Context(), 1, "3"); account.CodeOf(err) != account.NoRecord {
		t.Fatal(err)
	}
	text := scrape(t, m)
	wants(t, text,
		`rollcall_accounts{sdkappid="1"} 1`,
		`rollcall_accounts{sdkappid="2"} 3`,
		`rollcall_store_calls_total{method="Commit",result="ok"} 2`,
		`rollcall_store_calls_total{method="Record",result="no record"} 1`,
		`rollcall_store_call_duration_seconds_count{method="Upsert"} 1`,
	)
	for _, name := range []string{`rollcall_build_info{goversion="go`, "go_goroutines ", "process_cpu_seconds_total "} {
		if !strings.Contains(text, name) {
			t.Errorf("no %s", name)
		}
	}
}

// TestStoreFails checks that a scrape shows the other metrics if the store
// fails.
func TestStoreFails(t *testing.T) {
	m := newMetrics(t)
	m.WatchStore(failing{})
	m.Observe(t.Context(), "Records", 0, time.Second, account.Internal)
	text := scrape(t, m)
	wants(t, text, `rollcall_store_calls_total{method="Records",result="internal"} 1`)
	if strings.Contains(text, "rollcall_accounts{") {
		t.Error("accounts of a store that failed")
	}
}

// A failing store cannot list apps.
type failing struct{}

func (failing) Count(context.Context, account.AppID) (int64, error) { return 0, nil }

func (failing) Apps(context.Context) ([]*account.App, error) {
	return nil, &account.Error{Code: account.Internal, Err: errors.New("no disk")}
}

// TestNoAllocation checks that the methods that run on every request do not
// allocate.
func TestNoAllocation(t *testing.T) {
	m := newMetrics(t)
	e := new(httpx.Event)
	e.SetCommand("kick")
	e.SetCode(60007)
	for name, fn := range map[string]func(){
		"Request": func() { m.Request(e) },
		"Observe": func() { m.Observe(t.Context(), "Status", 100, time.Millisecond, account.OK) },
	} {
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	m := metrics.New(metrics.Options{Logger: slog.New(slog.DiscardHandler)})
	e := new(httpx.Event)
	e.SetCommand("kick")
	for b.Loop() {
		m.Request(e)
	}
}

// TestLimitsFromStart checks that the counters of limits exist before the first
// hit, without which no rate can be calculated.
func TestLimitsFromStart(t *testing.T) {
	text := scrape(t, newMetrics(t))
	for _, command := range wire.CommandNames() {
		wants(t, text,
			`rollcall_limits_hit_total{command="`+command+`",mode="enforced"} 0`,
			`rollcall_limits_hit_total{command="`+command+`",mode="shadow"} 0`,
		)
	}
}

func TestSystem(t *testing.T) {
	m := newMetrics(t)
	wants(t, scrape(t, m), "rollcall_last_backup_timestamp_seconds 0")
	m.BackupMade(time.Unix(7, 0))
	m.BackupTook(1500 * time.Millisecond)
	m.BackupFailed()
	m.BackupDrilled(time.Unix(10, 0), true, time.Second, time.Unix(10, 0))
	m.BackupDrilled(time.Unix(11, 0), false, 2*time.Second, time.Time{})
	m.WatchCertificate(func() time.Time { return time.Unix(8, 0) })
	m.WatchDisk(func() (metrics.DiskUsage, error) { return metrics.DiskUsage{Used: 9, Free: 10}, nil })
	wants(t, scrape(t, m),
		"rollcall_last_backup_timestamp_seconds 7",
		"rollcall_backup_last_duration_seconds 1.5",
		"rollcall_backup_failures_total 1",
		"rollcall_backup_drill_last_timestamp_seconds 11",
		"rollcall_backup_drill_last_success 0",
		"rollcall_backup_drill_last_duration_seconds 2",
		"rollcall_backup_last_verified_timestamp_seconds 10",
		"rollcall_tls_certificate_expiry_timestamp_seconds 8",
		"rollcall_disk_used_bytes 9",
		"rollcall_disk_free_bytes 10",
	)
}

// TestDiskHangs checks that a hanging disk removes only its own metrics from a
// scrape, and that only one measurement runs.
func TestDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMetrics(t)
		done := make(chan struct{})
		var measurements atomic.Int32
		m.WatchDisk(func() (metrics.DiskUsage, error) {
			measurements.Add(1)
			<-done
			return metrics.DiskUsage{Used: 9}, nil
		})
		for range 3 {
			text := scrape(t, m)
			if strings.Contains(text, "rollcall_disk") || !strings.Contains(text, "rollcall_last_backup") {
				t.Errorf("a scrape while the disk hangs:\n%s", text)
			}
		}
		if n := measurements.Load(); n != 1 {
			t.Errorf("%d measurements started, want 1", n)
		}
		close(done)
		synctest.Wait()
		wants(t, scrape(t, m), "rollcall_disk_used_bytes 9")
	})
}

// aTrace is the trace of a request that is sampled.
type aTrace struct{}

func (aTrace) ID() string            { return "4bf92f3577b34da6a3ce929d0e0e4736" }
func (aTrace) End(*httpx.Event, int) {}

// TestExemplar checks that the histograms name a trace, in the format that has exemplars.
func TestExemplar(t *testing.T) {
	m := metrics.New(metrics.Options{Logger: slog.New(slog.DiscardHandler)})
	ctx := httpx.WithTrace(t.Context(), aTrace{})
	m.Observe(ctx, "Upsert", 1, time.Millisecond, account.OK)
	h := httpx.Handler(slog.New(slog.DiscardHandler), func(_ http.ResponseWriter, r *http.Request) error {
		e := httpx.EventFrom(r.Context())
		e.SetCommand("account_check")
		e.OnEnd(m.Request)
		return nil
	}, nil)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	for _, name := range []string{"rollcall_store_call_duration_seconds", "rollcall_request_duration_seconds"} {
		if !regexp.MustCompile(name + `_bucket\{.*\} 1 # \{trace_id="4bf92f3577b34da6a3ce929d0e0e4736"\}`).MatchString(w.Body.String()) {
			t.Errorf("%s has no exemplar:\n%s", name, w.Body)
		}
	}
}
