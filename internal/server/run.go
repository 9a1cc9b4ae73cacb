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

// A listener is one address and what is served there.
type listener struct {
	*httpx.Listener
	srv  *http.Server
	flag string // that names the address
	tls  bool
}

// cutTime is how long after [config.Config.ShutdownTimeout] the requests that were cut off
// may take to end, and other components to stop.
const cutTime = 5 * time.Second

// Run serves until ctx ends, finishes what is in flight, and closes the store. If a
// component fails, Run does the same and returns why. The store is closed when nothing
// uses it any more; if that takes too long, Run returns without closing it, and says
// what still runs.
func (s *Server) Run(ctx context.Context) error {
	err := runComponents(ctx, s.components(), s.o.Logger, s.o.ShutdownTimeout+cutTime)
	if _, ok := errors.AsType[*stuckError](err); ok {
		return err
	}
	return errors.Join(err, s.close())
}

// serve serves every address until ctx ends. Then it closes all at once, waits for what
// is in flight there, and cuts off what takes too long.
func (s *Server) serve(ctx context.Context, fail func(error)) error {
	errs := make([]error, len(s.listeners))
	var wg sync.WaitGroup
	for i, l := range s.listeners {
		wg.Go(func() { errs[i] = l.Run(ctx, l.srv, s.o.ShutdownTimeout, fail) })
	}
	wg.Wait()
	<-ctx.Done() // which a failure brings about
	return errors.Join(errs...)
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
