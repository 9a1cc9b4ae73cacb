package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"rollcall/internal/intercept"
)

// localInterval is the time between two checks of how long the local certificate is
// still valid.
const localInterval = 12 * time.Hour

// checkNames checks the names of --intercept.
func (s *Server) checkNames() error {
	for _, name := range s.o.Intercept {
		if err := intercept.CheckName(name); err != nil {
			return fmt.Errorf("--intercept: %w", err)
		}
	}
	return nil
}

// openLocal creates the certificate of --tls-local if necessary, and uses it.
func (s *Server) openLocal() (err error) {
	if !s.o.TLSLocal {
		return nil
	}
	if err := s.ensureLocal(time.Now()); err != nil {
		return err
	}
	leaf := intercept.LeafFile(s.o.Data) // with its key
	s.certificate, err = newCertificate(leaf, leaf, s.o.Logger)
	return err
}

// ensureLocal creates the files of the local certificate if they are missing, or at their
// end. Handshakes then find the new files.
func (s *Server) ensureLocal(now time.Time) error {
	replaced, err := intercept.Ensure(s.o.Data, s.o.Intercept, now)
	if err != nil {
		return fmt.Errorf("--tls-local: %w", err)
	}
	if replaced {
		s.o.Logger.Warn("the local CA was replaced: let clients trust the new one, for example with \"rollcall ca install\"",
			slog.String("file", intercept.CAFile(s.o.Data)))
	}
	return nil
}

// renewLocal replaces the local certificate before it expires. A failure is logged and
// tried again, because the old certificate still serves.
func (s *Server) renewLocal(ctx context.Context, _ func(error)) error {
	if !s.o.TLSLocal {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(localInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := s.ensureLocal(now); err != nil {
				s.o.Logger.Warn("the local certificate was not renewed", slog.String("err", err.Error()))
			}
		}
	}
}
