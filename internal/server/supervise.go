package server

import (
	"context"
	"log/slog"
	"time"
)

// runSupervisor tells the supervisor that the server serves, and that it stops when ctx ends.
// The addresses are open since [Open].
func (s *Server) runSupervisor(ctx context.Context, _ func(error)) error {
	s.o.Supervisor.Ready("serving " + s.url())
	<-ctx.Done()
	s.o.Supervisor.Stopping("finishing the requests in flight", s.o.ShutdownTimeout+cutTime)
	return nil
}

// Parts of the time of the watchdog. The sum of both is far below 1, so that a busy machine
// ends no server that lives.
const (
	checkEvery = 4 // a check begins after a quarter of the time
	checkTime  = 4 // and its context ends after another quarter
)

// runWatchdog tells the watchdog that the server lives, until ctx ends. A check that does
// not return stops that, and then the supervisor ends the process and starts another one.
// An error of the check does not, because a restart frees no disk and mends no database.
func (s *Server) runWatchdog(ctx context.Context, _ func(error)) error {
	limit := s.o.Supervisor.Watchdog()
	if limit <= 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(limit / checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if s.lives(ctx, limit) {
			s.o.Supervisor.Alive()
		}
	}
}

// lives reports whether a check of the store returns within limit or before the end of ctx.
// The goroutine of a check that never returns ends with the process.
func (s *Server) lives(ctx context.Context, limit time.Duration) bool {
	checked := make(chan struct{})
	go func() {
		defer close(checked)
		ctx, cancel := context.WithTimeout(ctx, limit/checkTime)
		defer cancel()
		_ = s.dir.Ready(ctx) // /readyz and the log tell of an error
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-checked:
		return true
	case <-ctx.Done():
		return false
	case <-late.C:
		s.o.Logger.Error("the store does not respond, and so the watchdog of the supervisor is not told that the server lives", slog.Int64("after_ms", limit.Milliseconds()))
		return false
	}
}
