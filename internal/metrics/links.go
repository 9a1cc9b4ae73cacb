package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Links count what happens to the links of devices. They implement the observer of package
// link.
type Links struct {
	logins *series[int, prometheus.Counter]
	ends   *series[string, prometheus.Counter]
}

// WatchLinks adds the number of links, which n returns on each scrape, and counts what is
// told to its result. It may be called once.
func (m *Metrics) WatchLinks(n func() int) *Links {
	m.gauge("rollcall_links", "Links of devices that are logged in, or about to.", n)
	logins := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_link_logins_total", Help: "Logins over links by the code of the answer; 0 is a success.",
	}, []string{"code"})
	ends := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rollcall_link_ends_total", Help: "Ends of links that were logged in, by the reason. closed is seen, silent is no answer to a ping.",
	}, []string{"reason"})
	m.registry.MustRegister(logins, ends)
	return &Links{
		logins: newSeries(func(code int) prometheus.Counter { return logins.WithLabelValues(strconv.Itoa(code)) }),
		ends:   newSeries(func(reason string) prometheus.Counter { return ends.WithLabelValues(reason) }),
	}
}

// LinkLogin counts a login with a code.
func (l *Links) LinkLogin(code int) { l.logins.of(code).Inc() }

// LinkEnded counts the end of a link.
func (l *Links) LinkEnded(reason string) { l.ends.of(reason).Inc() }
