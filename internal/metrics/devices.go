package metrics

import "github.com/prometheus/client_golang/prometheus"

// devices collect the number of devices by state.
type devices struct {
	count func() (online, pushOnline int, ok bool)
	desc  *prometheus.Desc
}

// WatchDevices adds the number of devices by state, which count returns on each scrape. It may
// be called once.
func (m *Metrics) WatchDevices(count func() (online, pushOnline int, ok bool)) {
	m.registry.MustRegister(&devices{count, prometheus.NewDesc("rollcall_devices",
		"Devices that are logged in, by state: Online or PushOnline (without a link); only for a store that this server uses alone.", []string{"state"}, nil)})
}

// Describe implements [prometheus.Collector].
func (d *devices) Describe(ch chan<- *prometheus.Desc) { ch <- d.desc }

// Collect implements [prometheus.Collector]. It omits the metric if the devices are not known.
func (d *devices) Collect(ch chan<- prometheus.Metric) {
	online, pushOnline, ok := d.count()
	if !ok {
		return
	}
	ch <- prometheus.MustNewConstMetric(d.desc, prometheus.GaugeValue, float64(online), "Online")
	ch <- prometheus.MustNewConstMetric(d.desc, prometheus.GaugeValue, float64(pushOnline), "PushOnline")
}
