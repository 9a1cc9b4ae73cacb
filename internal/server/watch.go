package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/metrics"
	"rollcall/internal/store/open"
)

// watch adds metrics of the state of the server, and of things that run out unnoticed: the
// validity of the certificate, the room on the disk, and the age of the newest backup.
func (s *Server) watch(ctx context.Context) {
	s.metrics.WatchImports(s.imports.Running)
	s.metrics.WatchDevices(s.records.CountDevices)
	s.metrics.WatchReady(func(ctx context.Context) error {
		if closed(s.drain.begun) {
			return errStopping
		}
		return s.dir.Ready(ctx)
	})
	if calls, ok := s.engine.(interface{ InFlight() int }); ok {
		s.metrics.WatchStoreCalls(calls.InFlight)
	}
	if s.certificate != nil {
		s.metrics.WatchCertificate(s.certificate.notAfter)
	}
	if dir, ok := open.Dir(s.o.Store); ok {
		s.disk = s.metrics.WatchDisk(func() (u metrics.DiskUsage, err error) {
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

var errStopping = errors.New("the server is about to stop")

// backupPages is the number of pages of the audit trail that are searched for a backup.
// The limit keeps the start short however long the trail is.
const backupPages = 10

// lastBackup returns the time of the newest backup. It returns the zero time if the newest
// entries of the audit trail contain none.
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
