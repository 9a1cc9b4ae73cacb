package httpx

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// connPatience is how long a connection may always keep the server waiting.
// After that it gives way to one that has no place: a second is much for a
// client that is about to speak, and little for one that must wait for it.
const connPatience = time.Second

// A ConnLimit bounds the connections that are open at once, so that strangers
// cannot use up the file descriptors of the process. It is safe for concurrent
// use, and listeners may share one.
//
// When the bound is reached, a new connection waits until another one ends, or
// until one has kept the server waiting for a second; that one is then closed,
// whoever waits longest first. A connection keeps the server waiting during its
// TLS handshake, before the header of its first request is there, and between
// two requests. While a request is being served its connection is left alone.
// Those who come meanwhile wait in the backlog of the kernel.
type ConnLimit struct {
	limit    int
	patience time.Duration
	freed    chan struct{} // holds a token after a connection has ended

	mu    sync.Mutex
	conns list.List // of *limitedConn; of those that wait, who waits longest is first
}

// NewConnLimit returns a ConnLimit of n connections, at least 1. [MaxConns] says
// how many a process can afford.
func NewConnLimit(n int) *ConnLimit {
	return &ConnLimit{limit: n, patience: connPatience, freed: make(chan struct{}, 1)}
}

// enter waits for a place for c. It reports false if done is closed before there
// is one.
func (l *ConnLimit) enter(c *limitedConn, done <-chan struct{}) bool {
	for {
		wait := l.tryEnter(c)
		if wait <= 0 {
			return true
		}
		select {
		case <-l.freed:
		case <-time.After(wait):
		case <-done:
			return false
		}
	}
}

// tryEnter gives c a place and returns 0, or returns the time after which it is
// worth another try.
func (l *ConnLimit) tryEnter(c *limitedConn) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns.Len() >= l.limit {
		oldest := l.oldest()
		if oldest == nil {
			return l.patience
		}
		if wait := l.patience - time.Since(oldest.since); wait > 0 {
			return wait
		}
		l.leave(oldest)
		_ = oldest.Conn.Close() // whoever serves it finds out by itself
	}
	c.since = time.Now()
	c.place = l.conns.PushBack(c)
	return 0
}

// oldest returns the connection that keeps us waiting longest, or nil if all are
// busy. The caller holds l.mu.
func (l *ConnLimit) oldest() *limitedConn {
	for e := l.conns.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*limitedConn); !c.busy {
			return c
		}
	}
	return nil
}

// leave takes c out. Calls after the first do nothing. The caller holds l.mu.
func (l *ConnLimit) leave(c *limitedConn) {
	if c.place == nil {
		return
	}
	l.conns.Remove(c.place)
	c.place = nil
	select {
	case l.freed <- struct{}{}:
	default: // a token is there already
	}
}

// A limitedConn is a connection that has its place in a [ConnLimit].
type limitedConn struct {
	net.Conn
	limit *ConnLimit

	// Guarded by limit.mu.
	place *list.Element // nil before enter and after leave
	since time.Time     // since when it keeps us waiting
	busy  bool          // it does not: its request is being served
}

// state follows [http.Server.ConnState]. A new connection keeps us waiting since
// it was accepted, which may be long ago if there was a handshake.
func (c *limitedConn) state(s http.ConnState) {
	if s == http.StateNew {
		return
	}
	c.limit.mu.Lock()
	defer c.limit.mu.Unlock()
	c.busy = s != http.StateIdle
	if s == http.StateIdle && c.place != nil {
		c.since = time.Now()
		c.limit.conns.MoveToBack(c.place)
	}
}

// Close implements [net.Conn].
func (c *limitedConn) Close() error {
	c.limit.mu.Lock()
	c.limit.leave(c)
	c.limit.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite shuts down the writing side.
func (c *limitedConn) CloseWrite() error { return closeWrite(c.Conn) }

// limited returns the connection with a place that c was made from, or nil.
func limited(c net.Conn) *limitedConn {
	for {
		switch outer := c.(type) {
		case *limitedConn:
			return outer
		case *conn:
			c = outer.Conn
		case *tlsConn:
			c = outer.tls.NetConn()
		case *tls.Conn:
			c = outer.NetConn()
		default:
			return nil
		}
	}
}

// A limitedListener accepts connections when there is a place for them.
type limitedListener struct {
	net.Listener
	limit *ConnLimit
	done  chan struct{} // closed by Close
	stop  sync.Once
}

// newLimitedListener returns a listener that accepts from inner within limit.
func newLimitedListener(inner net.Listener, limit *ConnLimit) *limitedListener {
	return &limitedListener{Listener: inner, limit: limit, done: make(chan struct{})}
}

// Accept implements [net.Listener]. The connection it returns is a *limitedConn.
func (l *limitedListener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &limitedConn{Conn: inner, limit: l.limit}
	if !l.limit.enter(c, l.done) {
		inner.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close implements [net.Listener].
func (l *limitedListener) Close() error {
	l.stop.Do(func() { close(l.done) })
	return l.Listener.Close()
}
