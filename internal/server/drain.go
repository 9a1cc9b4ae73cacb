package server

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// A drain is the time between a signal to stop and the shutdown. The zero drain has not
// begun.
type drain struct {
	begun   chan struct{} // closed when /readyz begins to say 503
	closing chan struct{} // closed when responses begin to end their connections
}

func newDrain() drain { return drain{make(chan struct{}), make(chan struct{})} }

// closed reports whether c is closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// drained returns a context that ends when the server must shut down: the time of
// --drain after ctx, or at once after a second signal. The caller must call stop.
func (s *Server) drained(ctx context.Context) (drained context.Context, stop func()) {
	if s.o.Drain <= 0 {
		return ctx, func() {}
	}
	var signals <-chan os.Signal
	ignore := func() {}
	if s.o.Stops != nil {
		signals, ignore = s.o.Stops()
	}
	drained, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		defer ignore() // from now on a signal ends the process
		select {
		case <-ctx.Done():
			s.wait(drained, signals)
		case <-drained.Done():
		}
	})
	return drained, func() {
		cancel()
		wg.Wait()
	}
}

// firstSignal is how long the signal that began the drain may take to arrive. It does not
// arrive if it came before the channel was created.
const firstSignal = 100 * time.Millisecond

// wait passes through both halves of the drain. It ends early with ctx or at the second of
// the signals.
func (s *Server) wait(ctx context.Context, signals <-chan os.Signal) {
	half := s.o.Drain / 2
	s.o.Logger.Info("draining: calls are served, and /readyz says 503; another signal ends that", slog.Int64("at_most_ms", s.o.Drain.Milliseconds()))
	s.o.Supervisor.Stopping("draining: calls are served until the end", s.o.Drain+s.o.ShutdownTimeout+cutTime)
	close(s.drain.begun)
	if signals != nil {
		pause(ctx, signals, firstSignal)
	}
	if pause(ctx, signals, half) {
		close(s.drain.closing)
		pause(ctx, signals, s.o.Drain-half)
	}
}

// pause waits for d. It returns false if a signal comes or ctx ends before.
func pause(ctx context.Context, signals <-chan os.Signal, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-signals:
	case <-ctx.Done():
	}
	return false
}

// closingLast returns h. In the second half of the drain, its responses end their
// connections, so that clients open new ones to other nodes. The shutdown then finds few
// connections on which a request could just arrive.
func (s *Server) closingLast(h http.Handler) http.Handler {
	if s.o.Drain <= 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if closed(s.drain.closing) {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}
