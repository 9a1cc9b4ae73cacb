package backups

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/backup"
	"rollcall/internal/durable"
	"rollcall/internal/repository"
)

// Names of directories in the data directory. What is left in them from a process that was
// killed is removed.
const (
	stagingDir = "backup-staging"
	drillDir   = "backup-drill"
)

// Options configure a Service. All are required except Record.
type Options struct {
	Settings

	Dir     string // the data directory: copies for backups and drills are below it
	Version string // of the program
	Store   string // kind of the store
	Logger  *slog.Logger
	Metrics Metrics

	// Snapshot copies the store as it is into a new directory; see [account.Snapshotter].
	Snapshot func(ctx context.Context, dir string) error

	// Inspect reads every record of the store in a directory, and changes nothing there.
	Inspect func(ctx context.Context, dir string) (*account.Contents, error)

	// Record enters a backup that the schedule has made in the audit trail.
	Record func(ctx context.Context, detail string) error
}

// Metrics receive what a service has done.
type Metrics interface {
	// BackupMade is called with the time of a backup.
	BackupMade(at time.Time)

	// BackupTook is called with the time that a backup has taken.
	BackupTook(time.Duration)

	// BackupFailed is called for a backup or a prune that has failed.
	BackupFailed()

	// BackupDrilled is called with the end of a drill, its result and its duration, and
	// with the time of the newest backup that a drill has verified.
	BackupDrilled(at time.Time, ok bool, took time.Duration, verified time.Time)
}

// A Service makes the backups of one server. It is safe for concurrent use.
type Service struct {
	o       Options
	working chan struct{} // full while a backup, a prune or a drill runs
}

// ErrBusy is the error of a backup while the server makes another one or a drill.
var ErrBusy = errors.New("the server makes a backup or a drill already: wait for its end")

// New returns a Service.
func New(o Options) *Service { return &Service{o: o, working: make(chan struct{}, 1)} }

// Place returns the place of the repository, without secrets.
func (s *Service) Place() string { return s.o.Place }

// begin returns ErrBusy if other work has not ended after a time. Without an error, the
// caller calls end when its own work has ended.
func (s *Service) begin(ctx context.Context, patience time.Duration) error {
	select {
	case s.working <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case s.working <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Service) end() { <-s.working }

// Check returns an error if the repository cannot be opened for writing. It asks no
// storage over the network.
func (s *Service) Check() error {
	r, err := repository.Prepare(s.o.Place, s.o.Options)
	if err != nil {
		return err
	}
	return r.Close()
}

// Create makes a backup and prunes the repository. If only the prune fails, the backup is
// made, and the failure is logged and counted. Create returns when ctx ends, even if a disk
// hangs; the backup then still counts as under way. A failure is logged, because its caller
// may learn no more than that there was one.
func (s *Service) Create(ctx context.Context) (*repository.Backup, error) {
	b, err := within(ctx, func() (*repository.Backup, error) { return s.create(ctx, 0) })
	if err != nil && !errors.Is(err, ErrBusy) && ctx.Err() == nil {
		s.o.Logger.Error("the backup that was asked for failed", slog.String("err", err.Error()))
	}
	return b, err
}

// grace is the time that a call has to end after its context.
const grace = 2 * time.Second

// within returns the result of fn, or an error soon after ctx has ended.
func within[T any](ctx context.Context, fn func() (T, error)) (result T, err error) {
	done := make(chan struct{})
	var of T
	var failed error
	go func() {
		defer close(done)
		of, failed = fn()
	}()
	select {
	case <-done:
		return of, failed
	case <-ctx.Done():
	}
	select { // it may end because of ctx
	case <-done:
		return of, failed
	case <-time.After(grace):
		return result, context.Cause(ctx)
	}
}

func (s *Service) create(ctx context.Context, patience time.Duration) (*repository.Backup, error) {
	if err := s.begin(ctx, patience); err != nil {
		return nil, err
	}
	defer s.end()
	start := time.Now()
	r, err := repository.Prepare(s.o.Place, s.o.Options)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	defer r.Close()
	doubt := s.readState().Damaged // a backup must not share the file that the drill found damaged
	b, err := r.Create(ctx, repository.Source{Version: s.o.Version, Store: s.o.Store, Doubt: doubt, Stage: s.stage}, nil)
	if err = errors.Join(err, os.RemoveAll(s.dir(stagingDir))); err != nil {
		return nil, s.failed(ctx, err)
	}
	s.o.Metrics.BackupMade(b.Created)
	s.o.Metrics.BackupTook(time.Since(start))
	s.o.Logger.Info("made a backup", slog.String("backup", b.ID), slog.String("to", r.String()), slog.Int64("accounts", b.Contents.Accounts),
		slog.Int64("bytes", b.Bytes), slog.Int64("new_bytes", b.NewBytes), slog.Int64("took_ms", time.Since(start).Milliseconds()))
	s.prune(ctx, r)
	return b, nil
}

// failed counts a failure, unless the server ends.
func (s *Service) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		s.o.Metrics.BackupFailed()
	}
	return err
}

// stage copies the store into the data directory, where tables are linked if the store is
// on the same file system, and reads the copy.
func (s *Service) stage(ctx context.Context) (string, *account.Contents, error) {
	dir := s.dir(stagingDir)
	if err := os.RemoveAll(dir); err != nil {
		return "", nil, err
	}
	if err := durable.Mkdir(dir); err != nil {
		return "", nil, err
	}
	if err := s.o.Snapshot(ctx, filepath.Join(dir, backup.Store)); err != nil {
		return "", nil, err
	}
	contents, err := s.o.Inspect(ctx, dir)
	if err != nil {
		return "", nil, fmt.Errorf("the copy of the store cannot be read: %w", err)
	}
	return dir, contents, nil
}

func (s *Service) dir(name string) string { return filepath.Join(s.o.Dir, name) }

func (s *Service) prune(ctx context.Context, r *repository.Repository) {
	if s.o.Keep == nil {
		return
	}
	p, err := r.Prune(ctx, *s.o.Keep, false)
	if err != nil {
		if s.failed(ctx, err); ctx.Err() == nil {
			s.o.Logger.Error("old backups were not removed; the next backup tries again", slog.String("err", err.Error()))
		}
		return
	}
	if len(p.Removed) > 0 {
		s.o.Logger.Info("removed old backups", slog.Int("backups", len(p.Removed)), slog.Int("kept", len(p.Kept)), slog.Int64("bytes", p.Bytes))
	}
}

// List returns the backups of the repository, oldest first. There are none before the
// first one. List returns when ctx ends, even if a disk hangs.
func (s *Service) List(ctx context.Context) ([]repository.Listed, error) {
	return within(ctx, func() ([]repository.Listed, error) { return s.list(ctx) })
}

func (s *Service) list(ctx context.Context) ([]repository.Listed, error) {
	r, err := repository.Prepare(s.o.Place, s.o.Options)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.List(ctx)
}

// Drill restores the newest backup for a trial. Drill returns when ctx ends, even if a disk
// hangs; the drill then still counts as under way. It returns ErrBusy if other work has not
// ended after patience.
func (s *Service) Drill(ctx context.Context, patience time.Duration) (*repository.Drilled, error) {
	return within(ctx, func() (*repository.Drilled, error) { return s.drill(ctx, patience) })
}

func (s *Service) drill(ctx context.Context, patience time.Duration) (*repository.Drilled, error) {
	if err := s.begin(ctx, patience); err != nil {
		return nil, err
	}
	defer s.end()
	start := time.Now()
	d, err := s.restore(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	state := s.readState()
	_, state.Damaged = errors.AsType[*repository.DamagedError](err)
	state.Drilled, state.Sound, state.TookMS = time.Now().UTC(), err == nil, time.Since(start).Milliseconds()
	if err == nil {
		state.Verified = d.Created
		s.o.Logger.Info("restored a backup for a trial", slog.String("backup", d.ID), slog.Int64("accounts", d.Contents.Accounts), slog.Int64("bytes", d.Bytes), slog.Int64("took_ms", d.TookMS))
	}
	s.show(state)
	return d, errors.Join(err, s.writeState(state))
}

// drillReserve is the number of bytes that a drill leaves free on the disk of the data. A
// store with less room refuses changes, and needs some for its own work.
const drillReserve = 1 << 30

// restore restores the newest backup below the data directory, and reads it.
func (s *Service) restore(ctx context.Context) (*repository.Drilled, error) {
	for _, dir := range []string{s.dir(drillDir), s.dir(drillDir) + repository.PartialSuffix} {
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	r, err := repository.Open(ctx, s.o.Place, s.o.Options)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Drill(ctx, repository.Drill{Scratch: s.dir(drillDir), Reserve: drillReserve, Inspect: s.o.Inspect})
}
