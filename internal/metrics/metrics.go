// Package metrics counts what the server does, for Prometheus. It has a registry
// of its own and touches no global one.
//
// What is on the way of every request, [Metrics.Request] and [Metrics.Observe],
// asks for no memory and takes no lock: the series of a label's values are looked
// up once and kept.
package metrics

import (
	"log/slog"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rollcall/internal/account"
)

// Options are what Metrics are built from. Logger is required.
type Options struct {
	Version string // of the program
	Logger  *slog.Logger
}

// Metrics are the counts of one server. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	lg       *slog.Logger
	requests requests
	store    store
	backup   prometheus.Gauge
}

// buckets of latency in seconds: from what a look-up in memory takes to the time
// that a command may take.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

// New returns Metrics.
func New(o Options) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), lg: o.Logger, requests: newRequests(), store: newStore(), backup: newBackup()}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_build_info", Help: "The program's version; always 1.",
	}, []string{"version", "goversion"})
	build.WithLabelValues(o.Version, runtime.Version()).Set(1)
	m.registry.MustRegister(
		build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests.total, m.requests.latency, m.requests.limits,
		m.store.total, m.store.latency, m.backup,
	)
	return m
}

// WatchEngine adds the number of accounts of each app in e, read at each scrape.
// It may be called once.
func (m *Metrics) WatchEngine(e account.Engine) { m.registry.MustRegister(newCensus(e)) }

// WatchInFlight adds how many requests are being served, as n tells at each
// scrape. It may be called once.
func (m *Metrics) WatchInFlight(n func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rollcall_requests_in_flight", Help: "Requests of the account API that are being served.",
	}, func() float64 { return float64(n()) }))
}

// maxScrapes is how many scrapes are answered at once.
const maxScrapes = 4

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(m.lg.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError, // the other metrics say what is wrong
		MaxRequestsInFlight: maxScrapes,
	})
}
