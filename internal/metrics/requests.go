package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"rollcall/internal/httpx"
	"rollcall/internal/wire"
)

// requests are the metrics of requests.
type requests struct {
	total   *prometheus.CounterVec
	latency *prometheus.HistogramVec
	limits  *prometheus.CounterVec

	ended   *series[outcome, ended]
	limited *series[limit, prometheus.Counter]
}

// An outcome is a command and the code of its response.
type outcome struct {
	command string
	code    int
}

// A limit is a command whose rate limit was exceeded, and what happened to the
// call.
type limit struct {
	command string
	mode    string
}

// Modes of a limit, as label values.
const (
	enforced = "enforced" // the call was refused
	shadow   = "shadow"   // the call was served
)

func newRequests() requests {
	r := requests{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_requests_total",
			Help: "Requests by command and code: 0 for success, the vendor's error code, or the HTTP status of the admin API.",
		}, []string{"command", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_request_duration_seconds", Buckets: buckets,
			Help: "Time from the head of a request to its response, by command.",
		}, []string{"command"}),
		limits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_limits_hit_total",
			Help: "Calls over a rate limit, by command and mode: enforced (refused) or shadow (served).",
		}, []string{"command", "mode"}),
	}
	r.ended = newSeries(func(o outcome) ended {
		command := label(o.command)
		return ended{r.total.WithLabelValues(command, strconv.Itoa(o.code)), r.latency.WithLabelValues(command)}
	})
	r.limited = newSeries(func(l limit) prometheus.Counter { return r.limits.WithLabelValues(label(l.command), l.mode) })
	for _, command := range wire.CommandNames() { // a rate can only be calculated if the counter exists before the first hit
		r.limited.of(limit{command, enforced})
		r.limited.of(limit{command, shadow})
	}
	return r
}

// label returns the label value of a command. If the request named no command,
// it is "unknown".
func label(command string) string {
	if command == "" {
		return "unknown"
	}
	return command
}

// Request counts a finished request. It is an [httpx.Observer].
func (m *Metrics) Request(e *httpx.Event) {
	r, command, code := &m.requests, e.Command(), e.Code()
	r.ended.of(outcome{command, code}).count(e.Took(), e.TraceID())
	switch {
	case wire.Code(code) == wire.CommandRate || wire.Code(code) == wire.AppRate:
		r.limited.of(limit{command, enforced}).Inc()
	case e.Has(httpx.ShadowAttr):
		r.limited.of(limit{command, shadow}).Inc()
	}
}
