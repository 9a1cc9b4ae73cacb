package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// webhooks are the metrics of webhooks. They implement the interface of package webhooks.
type webhooks struct {
	sent *prometheus.CounterVec
	took *prometheus.HistogramVec
	lost *prometheus.CounterVec
}

// webhookBuckets reach to the time limit of a reliable webhook.
var webhookBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 15}

func newWebhooks() webhooks {
	return webhooks{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_webhook_attempts_total",
			Help: "Attempts to deliver a webhook, by mode and result: delivered, failed, or dead (given up).",
		}, []string{"mode", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_webhook_duration_seconds", Buckets: webhookBuckets,
			Help: "Time of an attempt to deliver a webhook, by mode.",
		}, []string{"mode"}),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_webhook_lost_total",
			Help: "Events that were lost: full (the queue of mode faithful), stopped (the server, before mode faithful sent them), or dropped (too many dead letters).",
		}, []string{"why"}),
	}
}

func (w *webhooks) all() []prometheus.Collector {
	return []prometheus.Collector{w.sent, w.took, w.lost}
}

// PrepareWebhooks creates the series of webhooks. A rate can only be calculated if a counter
// exists before its first event.
func (m *Metrics) PrepareWebhooks(modes, results, reasons []string) {
	for _, mode := range modes {
		for _, r := range results {
			m.webhooks.sent.WithLabelValues(mode, r)
		}
		m.webhooks.took.WithLabelValues(mode)
	}
	for _, why := range reasons {
		m.webhooks.lost.WithLabelValues(why)
	}
}

// WebhookSent counts an attempt to deliver a webhook.
func (m *Metrics) WebhookSent(mode, result string, took time.Duration) {
	m.webhooks.sent.WithLabelValues(mode, result).Inc()
	if took > 0 { // otherwise an event was given up without an attempt
		m.webhooks.took.WithLabelValues(mode).Observe(took.Seconds())
	}
}

// WebhookLost counts lost events.
func (m *Metrics) WebhookLost(why string, n int) {
	m.webhooks.lost.WithLabelValues(why).Add(float64(n))
}

// WatchWebhooks adds the state of webhooks, which the functions return on each scrape. It may
// be called once.
func (m *Metrics) WatchWebhooks(queued, kept, paused func() int, oldest func() time.Duration) {
	m.gauge("rollcall_webhook_queue", "Events of mode faithful in the memory of this server.", queued)
	m.gauge("rollcall_webhook_outbox", "Events of mode reliable that are not delivered yet, on the server that delivers; counted up to 1000 for a webhook that is paused.", kept)
	m.gauge("rollcall_webhook_paused", "Apps whose webhook is paused after failures, on the server that delivers.", paused)
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rollcall_webhook_oldest_seconds", Help: "Age of the oldest event of mode reliable that is not delivered yet, on the server that delivers.",
	}, func() float64 { return oldest().Seconds() }))
}
