package intercept

import (
	"bufio"
	"net"
	"sync"
)

// A queue is a listener whose connections come from elsewhere.
type queue struct {
	conns  chan net.Conn
	done   chan struct{}
	closed sync.Once
	addr   net.Addr
}

func newQueue() *queue {
	return &queue{conns: make(chan net.Conn), done: make(chan struct{}), addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}
}

// put passes c on to a caller of Accept. It closes c if the queue is closed.
func (q *queue) put(c net.Conn) {
	select {
	case q.conns <- c:
	case <-q.done:
		c.Close()
	}
}

// Accept implements [net.Listener].
func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (q *queue) Close() error {
	q.closed.Do(func() { close(q.done) })
	return nil
}

// Addr implements [net.Listener].
func (q *queue) Addr() net.Addr { return q.addr }

// A readAhead is a connection of which some bytes have been read already.
type readAhead struct {
	net.Conn
	r *bufio.Reader
}

// Read implements [net.Conn].
func (c *readAhead) Read(p []byte) (int, error) { return c.r.Read(p) }

// CloseWrite shuts down the writing side.
func (c *readAhead) CloseWrite() error { return closeWrite(c.Conn) }

// closeWrite shuts down the writing side of c, if it can.
func closeWrite(c net.Conn) error {
	if cw, ok := c.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return c.Close()
}
