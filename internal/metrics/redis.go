package metrics

import "github.com/prometheus/client_golang/prometheus"

// RedisCounts are counts of the rate limits that nodes share through Redis.
type RedisCounts struct {
	Shared    bool   // whether Redis counts at the moment
	Errors    uint64 // calls of Redis that failed
	Fallbacks uint64 // decisions by the node alone
	Dropped   uint64 // calls in shadow mode that Redis has not counted
}

// WatchRedis adds the counts of shared rate limits, which read returns on each
// scrape. It may be called once.
func (m *Metrics) WatchRedis(read func() RedisCounts) {
	counter := func(name, help string, of func(RedisCounts) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "rollcall_ratelimit_redis_" + name + "_total", Help: help + "; only with Redis.",
		}, func() float64 { return float64(of(read())) })
	}
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "rollcall_ratelimit_redis_up", Help: "1 if Redis counts the calls of all nodes, 0 if this node counts its own; only with Redis.",
		}, func() float64 {
			if read().Shared {
				return 1
			}
			return 0
		}),
		counter("errors", "Calls of Redis that failed or took too long", func(c RedisCounts) uint64 { return c.Errors }),
		counter("fallbacks", "Decisions about a rate limit that this node made alone", func(c RedisCounts) uint64 { return c.Fallbacks }),
		counter("dropped", "Calls of apps in shadow mode that Redis has not counted", func(c RedisCounts) uint64 { return c.Dropped }),
	)
}
