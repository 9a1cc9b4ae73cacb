package httpx

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
)

// A fresh contains the connections that have been accepted and whose first
// request has not begun. The zero value is ready for use.
type fresh struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	over  chan struct{} // created by end; closed when there are none
}

// state is called for each [http.Server.ConnState]. A connection that is active
// stays: net/http says so before it looks whether the server is being shut down,
// and then drops the request. A connection with HTTP/2 is idle without a request.
func (f *fresh) state(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.conns == nil {
			f.conns = map[net.Conn]struct{}{}
		}
		f.conns[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		f.remove(c)
	case http.StateActive, http.StateIdle:
	}
}

// remove removes c, if it is there.
func (f *fresh) remove(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.conns, c)
	if f.over != nil && len(f.conns) == 0 {
		close(f.over)
		f.over = nil
	}
}

// end returns a channel that is closed when there are none. No connection may be
// accepted any more.
func (f *fresh) end() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	over := make(chan struct{})
	if len(f.conns) == 0 {
		close(over)
	} else {
		f.over = over
	}
	return over
}

// close closes all connections.
func (f *fresh) close() {
	f.mu.Lock()
	conns := slices.Collect(maps.Keys(f.conns))
	f.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the goroutine that serves it notices
	}
}
