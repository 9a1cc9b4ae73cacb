package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"rollcall/internal/httpx"
)

// A listener is one address and what is served there.
type listener struct {
	*httpx.Listener
	srv  *http.Server
	flag string // that names the address
	tls  bool
}

// Run serves until ctx ends, finishes what is in flight, and closes the store.
// If a listener breaks down, Run does the same and returns why.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { failed <- fmt.Errorf("cannot serve %s any more: %w", l.Addr(), l.Serve(l.srv)) }()
	}
	var err error
	select {
	case err = <-failed:
		s.o.Logger.Error("shutting down", slog.String("err", err.Error()), slog.Int64("at_most_ms", s.o.ShutdownTimeout.Milliseconds()))
	case <-ctx.Done():
		s.o.Logger.Info("shutting down", slog.Int64("at_most_ms", s.o.ShutdownTimeout.Milliseconds()))
	}
	return errors.Join(err, s.shutdown(context.WithoutCancel(ctx)))
}

// shutdown closes every address at once, waits for what is in flight there, and
// closes the store.
func (s *Server) shutdown(ctx context.Context) error {
	errs := make([]error, len(s.listeners))
	var wg sync.WaitGroup
	for i, l := range s.listeners {
		wg.Go(func() { errs[i] = l.shutdown(ctx, s.o.ShutdownTimeout) })
	}
	wg.Wait()
	return errors.Join(append(errs, s.close())...)
}

// shutdown takes no new connections and waits for requests in flight; those that
// take too long are cut off.
func (l *listener) shutdown(ctx context.Context, atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	err := l.srv.Shutdown(ctx)
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("requests in flight on %s were cut off after %v", l.Addr(), atMost)
	}
	return errors.Join(err, l.srv.Close())
}

// close releases what Open took.
func (s *Server) close() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	return errors.Join(errs...)
}
