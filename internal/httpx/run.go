package httpx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// errCutOff is the cause with which the contexts of requests end that are still
// running after the grace time.
var errCutOff = errors.New("the server has ended")

// firstWait is how long the first request of a connection that was accepted
// before the end may take to arrive. A client that has just connected sends it
// at once.
const firstWait = time.Second

// Run serves srv on l until ctx ends or l fails. It calls broken with the reason
// as soon as l fails. Then it accepts no more connections, closes the channel of
// [Ending], and waits for running requests, streams, and connections that were
// taken over. A connection that was accepted before has a second for its
// handshake and its first request, or half of grace. After grace Run cuts
// everything off: the contexts of requests end, and connections are closed,
// including those that were taken over.
//
// Run returns when no handler runs and no connection that was taken over is
// open, however long that takes after the cut. It returns nil if nothing was
// cut off. It sets BaseContext of srv, and the fields that [Listener.Serve]
// sets.
func (l *Listener) Run(ctx context.Context, srv *http.Server, grace time.Duration, broken func(error)) error {
	base, cutOff := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cutOff(nil)
	srv.BaseContext = func(net.Listener) context.Context { return base }
	served := make(chan struct{})
	var failed error // of Serve, once served is closed
	go func() {
		defer close(served)
		failed = l.Serve(srv)
	}()
	select {
	case <-served:
		broken(fmt.Errorf("cannot serve %s any more: %w", l.Addr(), failed))
	case <-ctx.Done():
	}
	close(l.ending)
	ctx, cancel := context.WithTimeout(base, grace)
	defer cancel()
	l.awaitFirst(min(firstWait, grace/2), served)
	err := l.drain(ctx, srv)
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("requests in flight on %s were cut off after %v", l.Addr(), grace)
	}
	cutOff(errCutOff)
	err = errors.Join(err, srv.Close())
	n, none := l.ongoing.cutOff()
	l.faults.lg.Warn("requests and connections cut off", slog.String("addr", l.Addr().String()), slog.Int("n", n))
	<-none
	return err
}

// awaitFirst accepts no more connections and waits until the first requests of
// those that were accepted have begun, at most for limit. [http.Server.Shutdown]
// would drop these requests. It then closes the connections without one, for
// which Shutdown would wait for five seconds.
func (l *Listener) awaitFirst(limit time.Duration, served <-chan struct{}) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	_ = l.socket.Close() // an error means that it is closed, or that it cannot be
	select {
	case <-served:
	case <-timer.C:
		return
	}
	select {
	case <-l.fresh.end():
	case <-timer.C:
		l.fresh.close()
	}
}

// drain closes l and waits until nothing runs, or ctx ends.
func (l *Listener) drain(ctx context.Context, srv *http.Server) error {
	if err := srv.Shutdown(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	none := l.ongoing.end()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
	}
	select { // both may have happened
	case <-none:
		return nil
	default:
		return ctx.Err()
	}
}

// ongoing counts the running handlers of a Listener and the connections that
// were taken over. The zero value is ready for use.
type ongoing struct {
	mu    sync.Mutex
	n     int
	over  chan struct{} // created by end; closed when n is 0
	cut   bool
	conns map[*hijackedConn]struct{}
}

// wrap returns h with its calls counted. No call begins after the end.
func (l *Listener) wrap(h http.Handler) http.Handler {
	o := &l.ongoing
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.enter() {
			panic(http.ErrAbortHandler)
		}
		defer o.leave()
		if parts, ok := r.Context().Value(connKey{}).(*connParts); ok {
			parts.begin()
		}
		h.ServeHTTP(w, r)
	})
}

// enter counts a handler. It returns false after end.
func (o *ongoing) enter() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over != nil {
		return false
	}
	o.n++
	return true
}

func (o *ongoing) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n--; o.over != nil && o.n == 0 {
		close(o.over)
	}
}

// end prevents new handlers and returns a channel that is closed when nothing
// runs any more.
func (o *ongoing) end() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over == nil {
		o.over = make(chan struct{})
		if o.n == 0 {
			close(o.over)
		}
	}
	return o.over
}

// add counts l, whose handler has just taken it over.
func (o *ongoing) add(l *hijackedConn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	if o.conns == nil {
		o.conns = map[*hijackedConn]struct{}{}
	}
	o.conns[l] = struct{}{}
	if o.cut {
		go l.conn.Close()
	}
}

// remove undoes add.
func (o *ongoing) remove(l *hijackedConn) {
	o.mu.Lock()
	delete(o.conns, l)
	o.mu.Unlock()
	o.leave()
}

// cutOff closes the connections that were taken over, and those that will be.
// It returns how many handlers and connections are left, and a channel that is
// closed when none is left.
func (o *ongoing) cutOff() (n int, none <-chan struct{}) {
	none = o.end()
	o.mu.Lock()
	o.cut, n = true, o.n
	conns := slices.Collect(maps.Keys(o.conns))
	o.mu.Unlock()
	for _, l := range conns {
		_ = l.conn.Close() // its handler notices
	}
	return n, none
}
