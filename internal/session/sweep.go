package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// sweepEvery is the time between two looks at what has come due.
const sweepEvery = time.Second

// dueApps are the apps that had login sessions with an end at the last look.
type dueApps struct {
	changes uint64 // of the records at the time
	next    map[account.AppID]int64
}

// Run writes and reports what comes due, until ctx ends. It calls report with what fails, and
// goes on.
func (s *Sessions) Run(ctx context.Context, report func(error)) error {
	ticks := time.NewTicker(sweepEvery)
	defer ticks.Stop()
	for {
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		case <-s.wake:
		}
	}
}

// Wake lets Run look at once, because a clock has changed.
func (s *Sessions) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// look sweeps unless nothing can have come due since the last look.
func (s *Sessions) look(ctx context.Context) error {
	if s.due.next == nil || s.due.changes != s.o.Records.DueChanges() || s.anyDue(ctx) {
		return s.Sweep(ctx)
	}
	return s.sweepNodes(ctx)
}

// anyDue reports whether an app of the last look has something that is due now, or is gone.
func (s *Sessions) anyDue(ctx context.Context) bool {
	for id, at := range s.due.next {
		app, err := s.o.Records.App(ctx, id)
		if err != nil || at <= s.o.Now(app).UnixMilli() {
			return true
		}
	}
	return false
}

// Sweep writes and reports everything that has come due, and the ends of the links of nodes
// that have gone. It goes on after an app that fails.
// The first call, and the next ones until it succeeds, also removes the login sessions of apps
// that are gone. It must not be called while Run runs.
func (s *Sessions) Sweep(ctx context.Context) error {
	due := dueApps{s.o.Records.DueChanges(), map[account.AppID]int64{}}
	var errs []error
	var gone error
	if s.due.next == nil {
		gone = s.sweepGone(ctx)
		errs = append(errs, gone)
	}
	for id := account.AppID(0); ; {
		next, at, err := s.o.Records.NextDue(ctx, id)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if next == 0 {
			if gone == nil { // otherwise the next call tries again
				s.due = due
			}
			return errors.Join(append(errs, s.sweepNodes(ctx))...)
		}
		id, due.next[next] = next, at
		if err := s.sweepApp(ctx, id, at); err != nil {
			errs = append(errs, fmt.Errorf("app %d: %w", id, err))
		}
	}
}

// sweepGone removes the login sessions of apps that are gone. A crash between the removal of
// an app and that of its login sessions leaves them.
func (s *Sessions) sweepGone(ctx context.Context) error {
	for id := account.AppID(0); ; {
		var err error
		if id, err = s.o.Records.NextPresence(ctx, id); err != nil || id == 0 {
			return err
		}
		_, err = s.app(ctx, id)
		if account.CodeOf(err) == account.NoApp {
			err = s.Remove(ctx, id)
		}
		if err != nil {
			return fmt.Errorf("app %d: %w", id, err)
		}
	}
}

// app returns an app, also one that another server has created just now.
//
// Codes: NoApp.
func (s *Sessions) app(ctx context.Context, id account.AppID) (*account.App, error) {
	app, err := s.o.Records.App(ctx, id)
	if account.CodeOf(err) == account.NoApp {
		return s.o.Records.StoredApp(ctx, id)
	}
	return app, err
}

// sweepApp writes and reports what has come due in an app. first is the first time at which
// something is due. Login sessions of an app that is gone are removed.
func (s *Sessions) sweepApp(ctx context.Context, id account.AppID, first int64) error {
	app, err := s.app(ctx, id)
	if account.CodeOf(err) == account.NoApp {
		return s.Remove(ctx, id)
	}
	if err != nil || first > s.o.Now(app).UnixMilli() {
		return err
	}
	for {
		due, err := s.o.Records.DueBy(ctx, id, s.o.Now(app).UnixMilli(), records.MaxPresences)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := s.expireAll(ctx, app, due); err != nil {
			return err
		}
	}
}

// expireAll writes and reports what has come due of some accounts. An account can be due
// several times only after an interrupted removal; its superfluous times are removed.
func (s *Sessions) expireAll(ctx context.Context, app *account.App, due []records.Due) error {
	stale, err := s.o.Records.StaleDue(ctx, app.ID, due)
	if err != nil {
		return err
	}
	for _, d := range stale {
		if err := s.o.Records.DropDue(ctx, app.ID, d); err != nil {
			return err
		}
	}
	var users []account.UserID
	for _, d := range due {
		if !slices.Contains(stale, d) {
			users = append(users, d.User)
		}
	}
	return s.changeAll(ctx, users, action{app: app, status: asStored, do: func(*turn) error { return nil }})
}

// Remove removes all login sessions of an app without events.
func (s *Sessions) Remove(ctx context.Context, app account.AppID) error {
	ends, err := s.links(ctx, app)
	if err == nil {
		err = s.o.Records.RemovePresences(ctx, app)
	}
	if err == nil && len(ends) > 0 {
		err = s.tellAll(ctx, ends)
	}
	return err
}
