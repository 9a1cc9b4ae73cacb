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

// errCutOff is why the context of a request ends that takes too long at the end.
var errCutOff = errors.New("the server has ended")

// Run serves srv on l until ctx ends or l breaks down. Then it takes no new
// connections, tells what lasts through [Ending], and waits for requests in flight and
// for what lasts. After grace it cuts off: contexts of requests end and connections are
// closed, also those that were taken over.
//
// Run returns when no handler runs and no connection is open that was taken over,
// however long that takes after the cut. It returns nil if ctx ended and nothing was
// cut off. It sets BaseContext of srv, and what [Listener.Serve] sets.
func (l *Listener) Run(ctx context.Context, srv *http.Server, grace time.Duration) error {
	base, cutOff := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cutOff(nil)
	srv.BaseContext = func(net.Listener) context.Context { return base }
	served := make(chan error, 1)
	go func() { served <- l.Serve(srv) }()
	var broken error
	select {
	case err := <-served:
		broken = fmt.Errorf("cannot serve %s any more: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	close(l.ending)
	ctx, cancel := context.WithTimeout(base, grace)
	defer cancel()
	err := l.drain(ctx, srv)
	if err == nil {
		return broken
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("requests in flight on %s were cut off after %v", l.Addr(), grace)
	}
	cutOff(errCutOff)
	err = errors.Join(broken, err, srv.Close())
	n, none := l.ongoing.cutOff()
	l.faults.lg.Warn("requests and connections cut off", slog.String("addr", l.Addr().String()), slog.Int("n", n))
	<-none
	return err
}

// drain closes l and waits until nothing is going on, or ctx ends.
func (l *Listener) drain(ctx context.Context, srv *http.Server) error {
	if err := srv.Shutdown(ctx); err != nil {
		return err
	}
	none := l.ongoing.end()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
	}
	select { // both may have come true
	case <-none:
		return nil
	default:
		return ctx.Err()
	}
}

// ongoing counts what goes on behind a Listener: handlers, and connections that were
// taken over. The zero value is ready.
type ongoing struct {
	mu    sync.Mutex
	n     int
	over  chan struct{} // made by end; closed when n is 0 then
	cut   bool
	links map[*link]struct{}
}

// wrap returns h with its calls counted. After the end none begins.
func (o *ongoing) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.enter() {
			panic(http.ErrAbortHandler)
		}
		defer o.leave()
		h.ServeHTTP(w, r)
	})
}

// enter reports false after the end.
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

// end lets nothing more begin, and returns what is closed when nothing goes on.
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

// join counts l, which a handler has just made of its connection.
func (o *ongoing) join(l *link) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	if o.links == nil {
		o.links = map[*link]struct{}{}
	}
	o.links[l] = struct{}{}
	if o.cut {
		go l.conn.Close()
	}
}

// part undoes join.
func (o *ongoing) part(l *link) {
	o.mu.Lock()
	delete(o.links, l)
	o.mu.Unlock()
	o.leave()
}

// cutOff closes the connections that were taken over, and those that will be. It
// returns how much goes on, and what is closed when nothing does.
func (o *ongoing) cutOff() (n int, none <-chan struct{}) {
	none = o.end()
	o.mu.Lock()
	o.cut, n = true, o.n
	links := slices.Collect(maps.Keys(o.links))
	o.mu.Unlock()
	for _, l := range links {
		_ = l.conn.Close() // its handler notices
	}
	return n, none
}
