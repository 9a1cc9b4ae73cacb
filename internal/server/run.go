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
	flag string // flag of the address, as "--listen"
	tls  bool
}

// cutTime is the time after [config.Config.ShutdownTimeout] in which requests that were
// cut off must end and the other components must stop.
const cutTime = 5 * time.Second

// Run serves until ctx ends, finishes the requests in flight, and closes the store. If a
// component fails, Run does the same and returns the error. Run closes the store after
// everything that uses it has ended. If that takes too long, Run returns without closing
// the store, and the error names the component that still runs.
func (s *Server) Run(ctx context.Context) error {
	err := runComponents(ctx, s.components(), s.o.Logger, s.o.ShutdownTimeout+cutTime)
	if _, ok := errors.AsType[*stuckError](err); ok {
		return err
	}
	return errors.Join(err, s.close())
}

// serve serves every address until ctx ends or one address fails. Then it closes all at
// once, waits for their requests in flight, and cuts off those that take too long.
func (s *Server) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(s.listeners))
	var wg sync.WaitGroup
	for i, l := range s.listeners {
		wg.Go(func() { errs[i] = l.Run(ctx, l.srv, s.o.ShutdownTimeout, fail) })
	}
	wg.Wait()
	<-ctx.Done() // which a failure brings about
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
	return errors.Join(errs...)
}
