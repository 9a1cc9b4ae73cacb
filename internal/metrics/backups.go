package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// backups are the metrics of backups. They implement the interface of package backups.
type backups struct {
	last, took, verified       prometheus.Gauge
	drilled, drillOK, drillFor prometheus.Gauge
	failures                   prometheus.Counter
}

func newBackups() backups {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	return backups{
		last:     gauge("rollcall_last_backup_timestamp_seconds", "Unix time of the newest backup that the audit trail knows; 0 if there is none."),
		took:     gauge("rollcall_backup_last_duration_seconds", "Time that the last backup in the repository of --backup-to took; 0 if there was none since the start."),
		verified: gauge("rollcall_backup_last_verified_timestamp_seconds", "Unix time at which the newest backup was made that a drill has verified; 0 if there is none."),
		drilled:  gauge("rollcall_backup_drill_last_timestamp_seconds", "Unix time of the end of the last drill; 0 if there was none."),
		drillOK:  gauge("rollcall_backup_drill_last_success", "1 if the last drill restored and verified its backup, 0 if it failed or there was none."),
		drillFor: gauge("rollcall_backup_drill_last_duration_seconds", "Time that the last drill took; 0 if there was none."),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "rollcall_backup_failures_total", Help: "Failed attempts to make a backup in the repository, or to remove old ones."}),
	}
}

func (b *backups) all() []prometheus.Collector {
	return []prometheus.Collector{b.last, b.took, b.verified, b.drilled, b.drillOK, b.drillFor, b.failures}
}

// BackupMade sets the time of the newest backup.
func (m *Metrics) BackupMade(at time.Time) { m.backups.last.Set(float64(at.Unix())) }

// BackupTook sets the time that the last backup has taken.
func (m *Metrics) BackupTook(d time.Duration) { m.backups.took.Set(d.Seconds()) }

// BackupFailed counts a failed backup or prune.
func (m *Metrics) BackupFailed() { m.backups.failures.Inc() }

// BackupDrilled sets the end, the result and the duration of the last drill, and the time
// of the newest backup that a drill has verified, which may be zero.
func (m *Metrics) BackupDrilled(at time.Time, ok bool, took time.Duration, verified time.Time) {
	m.backups.drilled.Set(float64(at.Unix()))
	m.backups.drillFor.Set(took.Seconds())
	m.backups.drillOK.Set(0)
	if ok {
		m.backups.drillOK.Set(1)
	}
	if !verified.IsZero() {
		m.backups.verified.Set(float64(verified.Unix()))
	}
}
