package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/backups"
	"rollcall/internal/repository"
	"rollcall/internal/store/open"
)

// openBackups prepares the backups of the settings.
func (s *Server) openBackups() error {
	if s.o.BackupTo == "" {
		return nil
	}
	settings, _, err := backups.Parse(&s.o.Config)
	switch {
	case err != nil:
		return err
	case !s.dir.Copyable():
		return errors.New("--backup-to: " + admin.NoBackup(open.Kind(s.o.Store)))
	case s.o.Data == "":
		return errors.New("--backup-to needs --data, where the server prepares its backups: give a directory")
	}
	s.backups = backups.New(backups.Options{
		Settings: settings, Dir: s.o.Data, Version: s.o.Version, Store: open.Kind(s.o.Store), Logger: s.o.Logger, Metrics: s.metrics,
		Snapshot: s.dir.Snapshot,
		Inspect:  func(ctx context.Context, dir string) (*account.Contents, error) { return open.CheckStore(ctx, dir, "") },
		Record: func(ctx context.Context, detail string) error {
			return s.dir.Record(ctx, actor, admin.BackupAction, 0, detail)
		},
	})
	return s.checkBackups()
}

// checkBackups looks at the place of the backups. A directory may be of a disk that is not
// there yet, so only a bucket that cannot be used prevents the start.
func (s *Server) checkBackups() error {
	err := s.backups.Check()
	if err != nil && strings.Contains(s.backups.Place(), "://") {
		return fmt.Errorf("--backup-to: %w", err)
	}
	if err != nil {
		s.o.Logger.Error("no backup can be made yet", slog.String("to", s.backups.Place()), slog.String("err", err.Error()))
	}
	return nil
}

// runBackups works on the schedules of backups until ctx ends.
func (s *Server) runBackups(ctx context.Context, _ func(error)) error { return s.backups.Run(ctx) }

// adminBackups are the backups of the server for the admin API.
type adminBackups struct{ *backups.Service }

// Create implements [admin.Backups].
func (b adminBackups) Create(ctx context.Context) (adminapi.Backup, error) {
	made, err := b.Service.Create(ctx)
	switch {
	case errors.Is(err, backups.ErrBusy), errors.Is(err, repository.ErrLocked):
		return adminapi.Backup{}, fmt.Errorf("%w: %w", admin.ErrBackupBusy, err)
	case err != nil:
		return adminapi.Backup{}, err
	}
	return adminapi.Backup{
		Repository: b.Place(), ID: made.ID, Accounts: made.Contents.Accounts, Apps: made.Contents.Apps,
		Bytes: made.Bytes, NewBytes: made.NewBytes, TookMS: made.TookMS,
	}, nil
}

// List implements [admin.Backups].
func (b adminBackups) List(ctx context.Context) ([]adminapi.StoredBackup, error) {
	all, err := b.Service.List(ctx)
	slices.Reverse(all)
	return backups.Shown(all), err
}
