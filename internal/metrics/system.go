package metrics

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// WatchCertificate adds the expiry time of the certificate that is served,
// which notAfter returns on each scrape. It may be called once.
func (m *Metrics) WatchCertificate(notAfter func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rollcall_tls_certificate_expiry_timestamp_seconds", Help: "Unix time at which the served certificate expires; only with TLS.",
	}, func() float64 { return float64(notAfter().Unix()) }))
}

// A DiskUsage is the use of a disk by a store, in bytes.
type DiskUsage struct {
	Used uint64 // bytes of the files of the store
	Free uint64 // bytes that the store can still use
}

// WatchDisk adds the use of the disk, which measure returns on each scrape. It
// may be called once. The function that it returns measures in the same way: it
// fails if the disk does not respond within half a second, and calls measure
// once for all who wait.
func (m *Metrics) WatchDisk(measure func() (DiskUsage, error)) func() (DiskUsage, error) {
	d := &disk{
		measure: measure,
		used:    prometheus.NewDesc("rollcall_disk_used_bytes", "Bytes that the files of the store use; only for a store on disk.", nil, nil),
		free:    prometheus.NewDesc("rollcall_disk_free_bytes", "Bytes that are free for the store on its file system; only for a store on disk.", nil, nil),
	}
	m.registry.MustRegister(d)
	return d.usage
}

// diskTimeout is the maximum time that a scrape waits for a measurement.
// Without this limit a hanging disk would block the other metrics, too.
const diskTimeout = 500 * time.Millisecond

// A disk collects the use of a disk. Only one measurement runs at a time.
type disk struct {
	measure    func() (DiskUsage, error)
	used, free *prometheus.Desc

	mu      sync.Mutex
	running chan struct{} // closed at the end of the running measurement; nil if there is none
	last    DiskUsage
	err     error
}

// Describe implements [prometheus.Collector].
func (d *disk) Describe(ch chan<- *prometheus.Desc) {
	ch <- d.used
	ch <- d.free
}

// Collect implements [prometheus.Collector]. It omits both metrics if the
// measurement takes longer than [diskTimeout].
func (d *disk) Collect(ch chan<- prometheus.Metric) {
	usage, err := d.usage()
	switch {
	case errors.Is(err, errDiskHangs):
		return
	case err != nil:
		ch <- prometheus.NewInvalidMetric(d.used, err)
		return
	}
	ch <- prometheus.MustNewConstMetric(d.used, prometheus.GaugeValue, float64(usage.Used))
	ch <- prometheus.MustNewConstMetric(d.free, prometheus.GaugeValue, float64(usage.Free))
}

var errDiskHangs = errors.New("the disk does not respond")

// usage returns the result of a measurement, or errDiskHangs if it takes longer than
// [diskTimeout].
func (d *disk) usage() (DiskUsage, error) {
	timer := time.NewTimer(diskTimeout)
	defer timer.Stop()
	select {
	case <-d.start():
	case <-timer.C:
		return DiskUsage{}, errDiskHangs
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last, d.err
}

// start starts a measurement unless one is running. It returns a channel that
// is closed at the end of the measurement.
func (d *disk) start() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running == nil {
		done := make(chan struct{})
		d.running = done
		go func() {
			usage, err := d.measure()
			d.mu.Lock()
			defer d.mu.Unlock()
			d.last, d.err, d.running = usage, err, nil
			close(done)
		}()
	}
	return d.running
}
