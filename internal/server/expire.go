package server

import (
	"context"
	"log/slog"
	"time"

	"rollcall/internal/account"
)

// expireEvery is the time between two searches for throw-away apps that have expired. The
// search reads memory only.
const expireEvery = time.Second

// expire removes throw-away apps that have expired, until ctx ends. It logs an app that
// cannot be removed once, and keeps trying.
func (s *Server) expire(ctx context.Context, _ func(error)) error {
	ticker := time.NewTicker(expireEvery)
	defer ticker.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		removed, err := s.dir.RemoveExpired(ctx)
		for _, id := range removed {
			s.o.Logger.Info("removed a throw-away app that has expired", slog.Uint64("app", uint64(id)))
		}
		text := ""
		if err != nil && account.Ended(ctx) == nil {
			text = err.Error()
		}
		if text != "" && text != last {
			s.o.Logger.Warn("a throw-away app that has expired was not removed; the server tries again", slog.String("err", text))
		}
		last = text
	}
}
