package server

import (
	"context"
	"log/slog"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/metrics"
	"rollcall/internal/store/open"
)

// watch shows in the metrics what ends or fills up unnoticed: the certificate, the
// disk, the age of the newest backup.
func (s *Server) watch(ctx context.Context) {
	if s.certificate != nil {
		s.metrics.WatchCertificate(s.certificate.notAfter)
	}
	if dir, ok := open.Dir(s.o.Store); ok {
		s.metrics.WatchDisk(func() (u metrics.DiskUsage, err error) {
			u.Used, u.Free, err = open.Disk(dir)
			return u, err
		})
	}
	at, err := s.lastBackup(ctx)
	switch {
	case err != nil:
		s.o.Logger.Warn("the audit trail was not searched for the newest backup", slog.String("err", err.Error()))
	case !at.IsZero():
		s.metrics.BackupMade(at)
	}
}

// backupPages is how many pages of the audit trail are searched for a backup: a
// start must not take longer with each year.
const backupPages = 10

// lastBackup returns when the newest backup was made, as far as the newest entries
// of the audit trail tell; the zero time if they do not.
func (s *Server) lastBackup(ctx context.Context) (time.Time, error) {
	q := account.AuditQuery{Limit: account.MaxListLimit}
	for range backupPages {
		entries, err := s.dir.Audit(ctx, q)
		if err != nil {
			return time.Time{}, err
		}
		for _, e := range entries {
			if e.Action == admin.BackupAction {
				return e.Time, nil
			}
			q.Before = e.Seq
		}
		if len(entries) < q.Limit {
			break
		}
	}
	return time.Time{}, nil
}

// reload reads again what may change while the server runs, at each signal: the files
// of the certificate. Everything else is read at the start.
func (s *Server) reload(ctx context.Context, _ func(error)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.o.Hangups:
		}
		if s.certificate == nil {
			s.o.Logger.Info("nothing to reload: this server has no certificate, and settings are read at the start")
			continue
		}
		s.certificate.reloadNow()
	}
}
