package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"rollcall/internal/httpx"
)

// A listener is one address with its HTTP server.
type listener struct {
	*httpx.Listener
	srv  *http.Server
	flag string // that sets the address
	tls  bool
}

// cutTime is the time after [config.Config.ShutdownTimeout] in which the requests that were
// cut off and the other components have to end.
const cutTime = 5 * time.Second

// Run serves until ctx ends and the time of the drain is over, finishes the requests in
// flight, and closes the store. If a component fails, Run does the same and returns the
// error. Run closes the store only after all its users have ended. If that takes too long,
// Run returns without closing the store, and its error names the component that still runs.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := s.drained(ctx)
	defer stop()
	err := runComponents(ctx, s.components(), s.o.Logger, s.o.ShutdownTimeout+cutTime)
	if _, ok := errors.AsType[*stuckError](err); ok {
		return err
	}
	return errors.Join(err, s.close())
}

// serve serves every address until ctx ends. Then it closes all addresses at once, waits
// for the requests in flight, and cuts off requests that take too long.
func (s *Server) serve(ctx context.Context, fail func(error)) error {
	errs := make([]error, len(s.listeners))
	var wg sync.WaitGroup
	for i, l := range s.listeners {
		wg.Go(func() { errs[i] = l.Run(ctx, l.srv, s.o.ShutdownTimeout, fail) })
	}
	wg.Wait()
	<-ctx.Done() // a failure ends ctx too
	return errors.Join(errs...)
}

// close closes the addresses and the store.
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
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if s.tracer != nil {
		s.tracer.Close()
	}
	return errors.Join(errs...)
}
