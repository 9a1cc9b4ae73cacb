package backups

import (
	"context"
	"log/slog"
	"os"
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
	var plans []*plan
	if s.o.Schedule != nil {
		plans = append(plans, &plan{name: "the backup", schedule: s.o.Schedule, last: s.newest, do: s.scheduled})
	}
	if s.o.Drills != nil { // without drills nothing could replace the result of an old one
		st := s.readState()
		s.show(st)
		last := func(context.Context) (time.Time, error) { return st.Drilled, nil }
		plans = append(plans, &plan{name: "the drill of backups", schedule: s.o.Drills, last: last, do: s.drillScheduled})
	}
	s.follow(ctx, plans)
	<-ctx.Done() // without a schedule there is nothing to do
	return nil
}

// tidy removes what a process that was killed has left. A backup or a drill that is under
// way, because somebody asked for it at once, keeps its files.
func (s *Service) tidy() {
	if s.begin(context.Background(), 0) != nil {
		return
	}
	defer s.end()
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

	due    time.Time // zero for never
	known  bool      // whether last has returned
	failed int       // how often in a row
}

// follow does the work of plans until ctx ends, one after the other. So a drill that is due
// together with a backup reads that backup.
func (s *Service) follow(ctx context.Context, plans []*plan) {
	for _, p := range plans {
		p.due = time.Now()
	}
	for len(plans) > 0 {
		p := next(plans)
		if !until(ctx, p.due) {
			return
		}
		s.step(ctx, p)
	}
}

// next returns the plan that is due first.
func next(plans []*plan) *plan {
	first := plans[0]
	for _, p := range plans[1:] {
		if first.due.IsZero() || !p.due.IsZero() && p.due.Before(first.due) {
			first = p
		}
	}
	return first
}

// step finds out when a plan is due, or does its work.
func (s *Service) step(ctx context.Context, p *plan) {
	if p.known {
		err := p.do(ctx)
		p.due = p.schedule.Next(time.Now())
		s.settle(ctx, p, p.name+" failed", err)
		return
	}
	last, err := p.last(ctx)
	p.known = err == nil
	switch {
	case err != nil:
		p.due = time.Time{} // no schedule shortens the pause
	case last.IsZero():
		p.due = time.Now()
	default:
		p.due = p.schedule.Next(earlier(last, time.Now()))
	}
	s.settle(ctx, p, p.name+" has to wait, because the backups cannot be listed", err)
}

// settle lets work that has failed be tried again after a pause that doubles, but not later
// than at its next time.
func (s *Service) settle(ctx context.Context, p *plan, text string, err error) {
	if err == nil {
		p.failed = 0
		return
	}
	pause := min(firstRetry<<min(p.failed, 6), maxRetry)
	p.failed++
	if again := time.Now().Add(pause); again.Before(p.due) || p.due.IsZero() {
		p.due = again
	}
	s.complain(ctx, text, err, time.Until(p.due))
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
	b, err := within(ctx, func() (*repository.Backup, error) { return s.create(ctx, maxRetry) })
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
	_, err := s.Drill(ctx, maxRetry)
	return err
}
