package httpx

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// connWait is how long a connection may keep the server waiting without being
// closed for a new one. A second is long for a client that is about to send,
// and short for a client that must wait for a place.
const connWait = time.Second

// A ConnLimit limits the open connections, so that anonymous clients cannot use
// up the file descriptors of the process. It is safe for concurrent use, and
// listeners may share one.
//
// A connection keeps the server waiting in these phases:
//   - during its TLS handshake
//   - until its request has arrived with the complete body
//   - from the beginning of the response until the client has received it
//   - between two requests
//
// If the limit is reached, a new connection waits until another one ends, or
// until one has kept the server waiting for a second. The one that has waited
// longest is then closed. From the end of its request until the beginning of
// the response a connection is never closed. Further connections wait in the
// backlog of the kernel.
//
// A source is an IPv4 address or an IPv6 network. A source is greedy if it has
// more than a sixteenth of the places. Connections of greedy sources are closed
// first. They are closed at once if the source of the new connection has less
// than half as many. One place in 32 is reserved for sources without
// connections, such as a health check. Streams and connections that were taken
// over are never closed for others. They have at most half of the places.
type ConnLimit struct {
	limit   int
	kept    int           // places reserved for sources without connections
	share   int           // a source with more connections is greedy
	maxWait time.Duration // connWait, except in tests
	freed   chan struct{} // contains a token after a connection has ended

	mu      sync.Mutex
	conns   list.List // of *limitedConn; of the waiting ones, that with the longest wait is first
	sources map[netip.Prefix]*connSource
	greedy  []*connSource
	lasting int // streams and connections that were taken over
}

// A connSource is a source of connections. It exists while it has a connection.
type connSource struct {
	from  netip.Prefix
	conns list.List // of *limitedConn, in the same order as in the ConnLimit
}

// NewConnLimit returns a ConnLimit of n connections, at least 1. [MaxConns]
// returns how many a process can afford.
func NewConnLimit(n int) *ConnLimit {
	return &ConnLimit{
		limit: n, kept: n / 32, share: n / 16, maxWait: connWait,
		freed: make(chan struct{}, 1), sources: map[netip.Prefix]*connSource{},
	}
}

// sourceOf returns the source of c. Providers assign whole IPv6 networks to
// customers, so a network is one source. All addresses that are not TCP are one
// source.
func sourceOf(c net.Conn) netip.Prefix {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	addr, bits := tcp.AddrPort().Addr().Unmap().WithZone(""), 64
	if addr.Is4() {
		bits = 32
	}
	from, _ := addr.Prefix(bits) // an address without a family is one source too
	return from
}

// enter waits for a place for c. It returns false if done is closed first.
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

// tryEnter assigns a place to c and returns 0. If there is none, it returns the
// time after which the caller should try again.
func (l *ConnLimit) tryEnter(c *limitedConn) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	from, own, room := sourceOf(c.Conn), 0, l.limit
	if s := l.sources[from]; s != nil {
		own, room = s.conns.Len(), l.limit-l.kept
	}
	if l.conns.Len() >= room {
		victim, maxWait := l.victim(own)
		if victim == nil {
			return l.maxWait
		}
		if wait := maxWait - time.Since(victim.since); wait > 0 {
			return wait
		}
		l.leave(victim)
		_ = victim.Conn.Close() // the goroutine that serves it notices
	}
	l.join(c, from)
	return 0
}

// victim returns the connection to close for a new one whose source has own
// places, and how long that connection may keep the server waiting first. It
// returns nil if all are busy. The caller has locked l.mu.
func (l *ConnLimit) victim(own int) (*limitedConn, time.Duration) {
	var most *connSource
	for _, s := range l.greedy {
		if most == nil || s.conns.Len() > most.conns.Len() {
			most = s
		}
	}
	if most == nil {
		return oldest(&l.conns), l.maxWait
	}
	c := oldest(&most.conns)
	switch {
	case c == nil:
		return oldest(&l.conns), l.maxWait
	case most.conns.Len() > 2*own:
		return c, 0
	}
	return c, l.maxWait
}

// oldest returns the connection that has kept the server waiting longest, or
// nil if all are busy.
func oldest(conns *list.List) *limitedConn {
	for e := conns.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*limitedConn); c.busy == 0 {
			return c
		}
	}
	return nil
}

// join assigns a place to c. The caller has locked l.mu.
func (l *ConnLimit) join(c *limitedConn, from netip.Prefix) {
	s := l.sources[from]
	if s == nil {
		s = &connSource{from: from}
		l.sources[from] = s
	}
	c.since, c.source = time.Now(), s
	c.place, c.inSource = l.conns.PushBack(c), s.conns.PushBack(c)
	if s.conns.Len() == l.share+1 {
		l.greedy = append(l.greedy, s)
	}
}

// leave removes c. Further calls do nothing. The caller has locked l.mu.
func (l *ConnLimit) leave(c *limitedConn) {
	if c.place == nil {
		return
	}
	s := c.source
	l.conns.Remove(c.place)
	s.conns.Remove(c.inSource)
	c.place = nil
	l.lasting -= c.lasting
	if s.conns.Len() == l.share {
		l.greedy = slices.DeleteFunc(l.greedy, func(g *connSource) bool { return g == s })
	}
	if s.conns.Len() == 0 {
		delete(l.sources, s.from)
	}
	select {
	case l.freed <- struct{}{}:
	default: // it contains a token already
	}
}

// A limitedConn is a connection with a place in a [ConnLimit].
type limitedConn struct {
	net.Conn
	limit *ConnLimit

	// Guarded by limit.mu.
	place    *list.Element // nil before join and after leave
	inSource *list.Element
	source   *connSource
	since    time.Time // when it began to keep the server waiting
	busy     int       // requests that wait for the server; if there are any, the connection does not keep it waiting
	lasting  int       // number of its streams, or 1 if it was taken over
}

// state is called for each [http.Server.ConnState]. A new connection keeps the
// server waiting from the time at which it was accepted, which may be long ago
// if it had a handshake. After a header or a response that time begins again.
func (c *limitedConn) state(s http.ConnState) {
	if s == http.StateNew || s == http.StateClosed {
		return
	}
	c.addBusy(0)
}

// addBusy adds n to the requests that wait for the server. If there are none,
// the client keeps the server waiting from now on.
func (c *limitedConn) addBusy(n int) {
	c.limit.mu.Lock()
	defer c.limit.mu.Unlock()
	c.busy += n
	if c.busy == 0 && c.place != nil {
		c.since = time.Now()
		c.limit.conns.MoveToBack(c.place)
		c.source.conns.MoveToBack(c.inSource)
	}
}

// beginLasting adds a stream of c, or c itself if it is taken over.
func (c *limitedConn) beginLasting() error {
	l := c.limit
	l.mu.Lock()
	defer l.mu.Unlock()
	if most := max(l.limit/2, 1); l.lasting >= most {
		return &BusyError{Limit: most, Cause: errNoWait}
	}
	c.busy++
	if c.lasting++; c.place != nil {
		l.lasting++
	}
	return nil
}

// endLasting undoes beginLasting.
func (c *limitedConn) endLasting() {
	c.limit.mu.Lock()
	if c.lasting--; c.place != nil {
		c.limit.lasting--
	}
	c.limit.mu.Unlock()
	c.addBusy(-1)
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

// limited returns the limitedConn inside c, or nil.
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

// A limitedListener accepts connections as the limit permits.
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
