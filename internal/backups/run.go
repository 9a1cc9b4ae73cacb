package backups

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"rollcall/internal/repository"
)

// Pauses of the schedule.
const (
	firstRetry = time.Minute
	maxRetry   = time.Hour
	lookEvery  = time.Minute // at the clock, which may be set, or stand still while the machine sleeps
)

// Run works on the schedules until ctx ends, even if a disk hangs. A time that was missed,
// because the server did not run, is made up for at once.
func (s *Service) Run(ctx context.Context) error {
	s.tidy()
	st := s.readState()
	s.show(st)
	var wg sync.WaitGroup
	if s.o.Schedule != nil {
		wg.Go(func() { s.follow(ctx, plan{"the backup", s.o.Schedule, s.newest, s.scheduled}) })
	}
	if s.o.Drills != nil {
		last := func(context.Context) (time.Time, error) { return st.Drilled, nil }
		wg.Go(func() { s.follow(ctx, plan{"the drill of backups", s.o.Drills, last, s.drillScheduled}) })
	}
	wg.Wait()
	<-ctx.Done() // without a schedule there is nothing to do
	return nil
}

// tidy removes what a process that was killed has left. A backup or a drill that is under
// way, because somebody asked for it at once, keeps its files.
func (s *Service) tidy() {
	if !s.working.TryLock() {
		return
	}
	defer s.working.Unlock()
	for _, dir := range []string{stagingDir, drillDir, drillDir + repository.PartialSuffix} {
		if err := os.RemoveAll(s.dir(dir)); err != nil {
			s.o.Logger.Warn("what an interrupted backup or drill has left cannot be removed", slog.String("err", err.Error()))
		}
	}
}

// A plan is work on a schedule.
type plan struct {
	name     string
	schedule cron.Schedule
	last     func(context.Context) (time.Time, error) // when it was done; zero for never
	do       func(context.Context) error
}

// follow does the work of a plan until ctx ends. Work that fails is tried again after a
// pause that doubles, but not later than at its next time.
func (s *Service) follow(ctx context.Context, p plan) {
	var due time.Time
	for pause := firstRetry; due.IsZero(); {
		last, err := p.last(ctx)
		switch {
		case err == nil && last.IsZero():
			due = time.Now()
		case err == nil:
			due = p.schedule.Next(earlier(last, time.Now()))
		default:
			s.complain(ctx, p.name+" has to wait, because the backups cannot be listed", err, pause)
			if !until(ctx, time.Now().Add(pause)) {
				return
			}
			pause = min(2*pause, maxRetry)
		}
	}
	for pause := firstRetry; until(ctx, due); {
		err := p.do(ctx)
		due = p.schedule.Next(time.Now())
		if err == nil {
			pause = firstRetry
			continue
		}
		if again := time.Now().Add(pause); again.Before(due) || due.IsZero() {
			due = again
		}
		s.complain(ctx, p.name+" failed", err, time.Until(due))
		pause = min(2*pause, maxRetry)
	}
}

// earlier returns the earlier of two times. The last work has a time to come if the clock
// was wrong once, and the schedule must not wait for that time.
func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}

// complain logs a failure, unless the server ends.
func (s *Service) complain(ctx context.Context, text string, err error, pause time.Duration) {
	if ctx.Err() == nil {
		s.o.Logger.Error(text, slog.String("err", err.Error()), slog.Int64("again_in_ms", pause.Milliseconds()))
	}
}

// until waits for a time of the day. It reports false if ctx ends. A zero time never comes.
func until(ctx context.Context, at time.Time) bool {
	for {
		left := time.Until(at.Round(0)) // by the clock of the machine, which may be set
		if at.IsZero() {
			left = lookEvery
		} else if left <= 0 {
			return ctx.Err() == nil
		}
		timer := time.NewTimer(min(left, lookEvery))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}

// newest returns the time of the newest backup.
func (s *Service) newest(ctx context.Context) (time.Time, error) {
	all, err := s.List(ctx)
	if err != nil {
		return time.Time{}, s.failed(ctx, err)
	}
	var at time.Time
	for _, b := range all {
		if b.Fault == nil {
			at = b.Created
		}
	}
	return at, nil
}

// scheduled makes a backup and enters it in the audit trail.
func (s *Service) scheduled(ctx context.Context) error {
	b, err := s.Create(ctx)
	if err != nil || s.o.Record == nil {
		return err
	}
	if err := s.o.Record(ctx, Detail(b.ID, s.o.Place)); err != nil && ctx.Err() == nil {
		s.o.Logger.Warn("the backup was made, but not entered in the audit trail", slog.String("err", err.Error()))
	}
	return nil
}

// Detail returns the detail of an audit entry for a backup.
func Detail(id, place string) string { return id + " in " + place }

func (s *Service) drillScheduled(ctx context.Context) error {
	_, err := s.Drill(ctx)
	return err
}
