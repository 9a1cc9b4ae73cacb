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

// connPatience is how long a connection may always keep the server waiting.
// After that it gives way to one that has no place: a second is much for a
// client that is about to speak, and little for one that must wait for it.
const connPatience = time.Second

// A ConnLimit bounds the connections that are open at once, so that strangers
// cannot use up the file descriptors of the process. It is safe for concurrent
// use, and listeners may share one.
//
// A connection keeps the server waiting during its TLS handshake, until its
// request is there with the whole body, from the beginning of the response until
// the client has taken that, and between two requests. When the bound is reached,
// a new connection waits until another one ends, or until one has kept the server
// waiting for a second; that one is then closed, whoever waits longest first.
// Between the end of a request and the beginning of its response a connection is
// left alone. Those who come meanwhile wait in the backlog of the kernel.
//
// A source, which is an IPv4 address or a network of IPv6, is greedy if it holds
// more than a sixteenth of the places. Greedy sources give way first, and at once
// to a newcomer whose source holds less than half as many. One place in 32 is
// kept for sources that hold none, such as a probe of health. Streams and connections
// that were taken over are left alone, and are at most half as many as the places.
type ConnLimit struct {
	limit    int
	kept     int // places for sources that hold none
	share    int // a source with more places is greedy
	patience time.Duration
	freed    chan struct{} // holds a token after a connection has ended

	mu      sync.Mutex
	conns   list.List // of *limitedConn; of those that wait, who waits longest is first
	sources map[netip.Prefix]*connSource
	greedy  []*connSource
	lasting int // streams and connections that were taken over
}

// A connSource is where connections come from. It is known while there is one.
type connSource struct {
	from  netip.Prefix
	conns list.List // of *limitedConn, in the order of those of the ConnLimit
}

// NewConnLimit returns a ConnLimit of n connections, at least 1. [MaxConns] says
// how many a process can afford.
func NewConnLimit(n int) *ConnLimit {
	return &ConnLimit{
		limit: n, kept: n / 32, share: n / 16, patience: connPatience,
		freed: make(chan struct{}, 1), sources: map[netip.Prefix]*connSource{},
	}
}

// sourceOf returns the source of c: networks of IPv6 are given to customers as a
// whole. Addresses that are not of TCP are one source.
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
	from, own, room := sourceOf(c.Conn), 0, l.limit
	if s := l.sources[from]; s != nil {
		own, room = s.conns.Len(), l.limit-l.kept
	}
	if l.conns.Len() >= room {
		victim, patience := l.victim(own)
		if victim == nil {
			return l.patience
		}
		if wait := patience - time.Since(victim.since); wait > 0 {
			return wait
		}
		l.leave(victim)
		_ = victim.Conn.Close() // whoever serves it finds out by itself
	}
	l.join(c, from)
	return 0
}

// victim returns the connection that gives way to one whose source holds own
// places, and how long it may keep us waiting before. It returns nil if all are
// busy. The caller holds l.mu.
func (l *ConnLimit) victim(own int) (*limitedConn, time.Duration) {
	var most *connSource
	for _, s := range l.greedy {
		if most == nil || s.conns.Len() > most.conns.Len() {
			most = s
		}
	}
	if most == nil {
		return oldest(&l.conns), l.patience
	}
	c := oldest(&most.conns)
	switch {
	case c == nil:
		return oldest(&l.conns), l.patience
	case most.conns.Len() > 2*own:
		return c, 0
	}
	return c, l.patience
}

// oldest returns the connection that keeps us waiting longest, or nil if all are
// busy.
func oldest(conns *list.List) *limitedConn {
	for e := conns.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*limitedConn); c.busy == 0 {
			return c
		}
	}
	return nil
}

// join gives c a place. The caller holds l.mu.
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

// leave takes c out. Calls after the first do nothing. The caller holds l.mu.
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
	default: // a token is there already
	}
}

// A limitedConn is a connection that has its place in a [ConnLimit].
type limitedConn struct {
	net.Conn
	limit *ConnLimit

	// Guarded by limit.mu.
	place    *list.Element // nil before join and after leave
	inSource *list.Element
	source   *connSource
	since    time.Time // since when it keeps us waiting
	busy     int       // requests that keep it waiting for us; then it does not
	lasting  int       // streams on it, or 1 if it was taken over
}

// state follows [http.Server.ConnState]. A new connection keeps us waiting since
// it was accepted, which may be long ago if there was a handshake; one that has
// sent a header, or has taken a response, since then.
func (c *limitedConn) state(s http.ConnState) {
	if s == http.StateNew || s == http.StateClosed {
		return
	}
	c.expect(0)
}

// expect adds n to the requests that wait for us, and notes that from now on the
// client keeps us waiting if there are none.
func (c *limitedConn) expect(n int) {
	c.limit.mu.Lock()
	defer c.limit.mu.Unlock()
	c.busy += n
	if c.busy == 0 && c.place != nil {
		c.since = time.Now()
		c.limit.conns.MoveToBack(c.place)
		c.source.conns.MoveToBack(c.inSource)
	}
}

// last adds something that lasts on c.
func (c *limitedConn) last() error {
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

// endLast undoes last.
func (c *limitedConn) endLast() {
	c.limit.mu.Lock()
	if c.lasting--; c.place != nil {
		c.limit.lasting--
	}
	c.limit.mu.Unlock()
	c.expect(-1)
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
		case *lazyConn:
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
