package metrics

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
)

// store are the metrics of calls of the engine.
type store struct {
	total   *prometheus.CounterVec
	latency *prometheus.HistogramVec

	ended *series[result, ended]
}

// A result is a method of the engine and its outcome.
type result struct {
	method string
	code   account.Code
}

func newStore() store {
	s := store{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_store_calls_total",
			Help: "Calls of the store by method and result: ok, unavailable, unknown, internal and others.",
		}, []string{"method", "result"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_store_call_duration_seconds", Buckets: buckets,
			Help: "Time that calls of the store took, by method; for changes, until the change was durable.",
		}, []string{"method"}),
	}
	s.ended = newSeries(func(r result) ended {
		return ended{s.total.WithLabelValues(r.method, r.code.String()), s.latency.WithLabelValues(r.method)}
	})
	return s
}

// Observe counts a call of the engine. The names of methods come from a fixed
// set. Observe is the Recorder of package metered.
func (m *Metrics) Observe(ctx context.Context, method string, _ int, took time.Duration, code account.Code) {
	m.store.ended.of(result{method, code}).count(took, traceOf(ctx))
}

// traceOf returns the id of the trace that ctx belongs to, or "".
func traceOf(ctx context.Context) string {
	if t := httpx.TraceFrom(ctx); t != nil {
		return t.ID()
	}
	return ""
}

// WatchStoreCalls adds the number of calls of the store that are under way, which n returns
// on each scrape. It may be called once.
func (m *Metrics) WatchStoreCalls(n func() int) {
	m.gauge("rollcall_store_calls_in_flight", "Calls of the store that have begun and not ended; for changes, also those that wait for the disk or the database.", n)
}

// WatchReady adds whether the server accepts changes, which ready returns on each scrape. It
// may be called once.
func (m *Metrics) WatchReady(ready func(context.Context) error) {
	m.gauge("rollcall_ready", "1 if the server accepts changes, as /readyz says, otherwise 0.", func() int {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
		defer cancel()
		if ready(ctx) != nil {
			return 0
		}
		return 1
	})
}

// WatchImports adds the number of imports that this server works on, which n returns on each
// scrape. It may be called once.
func (m *Metrics) WatchImports(n func() int) {
	m.gauge("rollcall_imports_running", "Imports that this server works on: streams and jobs.", n)
}

// gauge adds a metric that n returns on each scrape.
func (m *Metrics) gauge(name, help string, n func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(n()) }))
}

// scrapeTimeout is the maximum time that a scrape waits for the store.
const scrapeTimeout = 2 * time.Second

// A Store knows which apps there are and how many accounts they have.
type Store interface {
	// Apps returns every app.
	Apps(context.Context) ([]*account.App, error)

	// Count returns how many accounts an app has.
	Count(context.Context, account.AppID) (int64, error)
}

// accountCounts collects the number of accounts of each app.
type accountCounts struct {
	store    Store
	accounts *prometheus.Desc
}

func newAccountCounts(s Store) *accountCounts {
	return &accountCounts{s, prometheus.NewDesc("rollcall_accounts", "Accounts that exist, by app.", []string{"sdkappid"}, nil)}
}

// Describe implements [prometheus.Collector].
func (c *accountCounts) Describe(ch chan<- *prometheus.Desc) { ch <- c.accounts }

// Collect implements [prometheus.Collector].
func (c *accountCounts) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	as, err := c.store.Apps(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.accounts, err)
		return
	}
	for _, a := range as {
		n, err := c.store.Count(ctx, a.ID)
		if account.CodeOf(err) == account.NoApp { // deleted meanwhile
			continue
		}
		if err != nil {
			ch <- prometheus.NewInvalidMetric(c.accounts, err)
			return
		}
		ch <- prometheus.MustNewConstMetric(c.accounts, prometheus.GaugeValue, float64(n), strconv.FormatUint(uint64(a.ID), 10))
	}
}
