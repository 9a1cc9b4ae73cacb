// Package metrics counts the work of the server for Prometheus. It uses its own
// registry and no global one.
//
// [Metrics.Request] and [Metrics.Observe] run on every request. They do not
// allocate and use no lock, because the series of each combination of label
// values is looked up once and kept.
package metrics

import (
	"log/slog"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options are the options of [New]. Logger is required.
type Options struct {
	Version string // version of the program
	Logger  *slog.Logger
}

// Metrics are the metrics of one server. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	lg       *slog.Logger
	requests requests
	store    store
	backups  backups
	webhooks webhooks
}

// buckets are the buckets of latency in seconds. They reach from the time of a
// look-up in memory to beyond the time limit of a command.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

// New returns Metrics.
func New(o Options) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), lg: o.Logger, requests: newRequests(), store: newStore(), backups: newBackups(), webhooks: newWebhooks()}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_build_info", Help: "The program's version; always 1.",
	}, []string{"version", "goversion"})
	build.WithLabelValues(o.Version, runtime.Version()).Set(1)
	m.registry.MustRegister(
		build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests.total, m.requests.latency, m.requests.limits,
		m.store.total, m.store.latency,
	)
	m.registry.MustRegister(m.backups.all()...)
	m.registry.MustRegister(m.webhooks.all()...)
	return m
}

// WatchStore adds the number of accounts of each app in s, which is read on each
// scrape. It may be called once.
func (m *Metrics) WatchStore(s Store) { m.registry.MustRegister(newAccountCounts(s)) }

// WatchInFlight adds the number of requests that are being served, which n
// returns on each scrape, and its limit. It may be called once.
func (m *Metrics) WatchInFlight(n func() int, limit int) {
	m.gauge("rollcall_requests_in_flight_limit", "Requests of the account API that can be served at once, the setting max_in_flight. One app uses at most seven eighths.", func() int { return limit })
	m.gauge("rollcall_requests_in_flight", "Requests of the account API that are being served.", n)
}

// maxScrapes is the maximum number of concurrent scrapes.
const maxScrapes = 4

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(m.lg.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError, // so that one failing metric does not hide the others
		MaxRequestsInFlight: maxScrapes,
		EnableOpenMetrics:   true, // exemplars exist in this format alone
	})
}
