package server

import (
	"context"
	"log/slog"
	"time"

	"rollcall/internal/account"
)

// sweepMutesEvery is the time between two searches for mutes without effect.
const sweepMutesEvery = time.Hour

// sweepMutes removes mutes that have no effect any more, until ctx ends. It logs why it
// cannot, and keeps trying.
func (s *Server) sweepMutes(ctx context.Context, _ func(error)) error {
	ticker := time.NewTicker(sweepMutesEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := s.dir.SweepMutes(ctx); err != nil && account.Ended(ctx) == nil {
			s.o.Logger.Warn("mutes without effect were not removed; the server tries again", slog.String("err", err.Error()))
		}
	}
}
