package admin

import (
	"context"
	"fmt"
	"math"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
)

// resettable is testApp for calls that replace all accounts of the app.
func (s *Server) resettable(ctx context.Context, c *call) (*account.App, error) {
	app, err := s.testApp(ctx, c)
	if err == nil && !s.dir.CanReplace() {
		err = &problemError{unsupported, "this store cannot reset apps and has no snapshots; use mem: or pebble:DIR"}
	}
	return app, err
}

func (s *Server) readClock(ctx context.Context, c *call) (adminapi.Clock, error) {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return adminapi.Clock{}, err
	}
	return s.showClock(app), nil
}

func (s *Server) showClock(app *account.App) adminapi.Clock {
	real := s.dir.Now(0)
	now := app.Clock.Now(real)
	return adminapi.Clock{Now: now, OffsetMS: now.Sub(real).Milliseconds(), Frozen: !app.Clock.Frozen.IsZero()}
}

// maxAdvance is the largest number of milliseconds that a [time.Duration] can represent.
const maxAdvance = math.MaxInt64 / int64(time.Millisecond)

func (s *Server) changeClock(ctx context.Context, c *call, req adminapi.ClockPatch) (adminapi.Clock, error) {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return adminapi.Clock{}, err
	}
	switch {
	case req.AdvanceMS > maxAdvance || req.AdvanceMS < -maxAdvance:
		return adminapi.Clock{}, bad(fmt.Sprintf("advance_ms is a number of milliseconds from %d to %d", -maxAdvance, maxAdvance))
	case req == adminapi.ClockPatch{}:
		return adminapi.Clock{}, bad("the body changes nothing; give now, advance_ms or frozen")
	}
	change := directory.ClockChange{Set: req.Now, Advance: time.Duration(req.AdvanceMS) * time.Millisecond, Frozen: req.Frozen}
	if app, err = s.dir.ChangeClock(ctx, c.actor(), app.ID, change); err != nil {
		return adminapi.Clock{}, err
	}
	return s.showClock(app), nil
}

func (s *Server) resetClock(ctx context.Context, c *call) (adminapi.Clock, error) {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return adminapi.Clock{}, err
	}
	if app, err = s.dir.ResetClock(ctx, c.actor(), app.ID); err != nil {
		return adminapi.Clock{}, err
	}
	return s.showClock(app), nil
}

func (s *Server) resetApp(ctx context.Context, c *call) (adminapi.App, error) {
	app, err := s.resettable(ctx, c)
	if err == nil {
		app, err = s.dir.Reset(ctx, c.actor(), app.ID)
	}
	if err != nil {
		return adminapi.App{}, err
	}
	return showApp(app), nil
}

func (s *Server) listSnapshots(ctx context.Context, c *call) (adminapi.SnapshotList, error) {
	app, err := s.resettable(ctx, c)
	if err != nil {
		return adminapi.SnapshotList{}, err
	}
	all, err := s.dir.Snapshots(ctx, app.ID)
	list := adminapi.SnapshotList{Snapshots: make([]adminapi.Snapshot, len(all))}
	for i, snap := range all {
		list.Snapshots[i] = showSnapshot(snap)
	}
	return list, err
}

func (s *Server) takeSnapshot(ctx context.Context, c *call, req adminapi.NewSnapshot) (adminapi.Snapshot, error) {
	app, err := s.resettable(ctx, c)
	if err != nil {
		return adminapi.Snapshot{}, err
	}
	snap, err := s.dir.TakeSnapshot(ctx, c.actor(), app.ID, req.Name)
	return showSnapshot(snap), err
}

func showSnapshot(s directory.Snapshot) adminapi.Snapshot {
	return adminapi.Snapshot{Name: s.Name, CreatedAt: s.Created, Accounts: s.Accounts, Bytes: s.Bytes}
}

func (s *Server) restoreSnapshot(ctx context.Context, c *call) (adminapi.App, error) {
	app, err := s.resettable(ctx, c)
	if err == nil {
		app, err = s.dir.RestoreSnapshot(ctx, c.actor(), app.ID, c.param("name"))
	}
	if err != nil {
		return adminapi.App{}, err
	}
	return showApp(app), nil
}

func (s *Server) deleteSnapshot(ctx context.Context, c *call) error {
	app, err := s.resettable(ctx, c)
	if err != nil {
		return err
	}
	return s.dir.DeleteSnapshot(ctx, c.actor(), app.ID, c.param("name"))
}

// Limits of the life of a throw-away app, in seconds.
const maxTTL = 366 * 24 * 60 * 60

// expiryOf returns the time at which a new app with this ttl_s expires, in real time. It
// returns the zero time for 0.
func (s *Server) expiryOf(seconds int64) (time.Time, error) {
	switch {
	case seconds == 0:
		return time.Time{}, nil
	case seconds < 0 || seconds > maxTTL:
		return time.Time{}, bad(fmt.Sprintf("ttl_s is a number of seconds from 1 to %d", maxTTL))
	}
	return s.dir.Now(0).Add(time.Duration(seconds) * time.Second), nil
}
