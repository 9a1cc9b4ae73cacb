package httpx

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"
)

// Before a connection is closed after a fault, the server reads for a moment.
// Closing a connection with unread bytes resets it, and the reset may arrive
// before the response is read.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// A conn is an HTTP/1 connection. It replaces the responses of net/http to
// requests that net/http refuses by itself.
//
// A conn inspects only the first write of each response. It cannot find the
// beginning of a response in the data, because a body may contain anything. It
// cannot use what it reads either, because the next request may arrive early. A
// response therefore begins with the first write of the connection, and with
// the first write after net/http has reported the previous response as
// finished.
type conn struct {
	net.Conn
	faults *faultWriter

	// begins is true if the next write begins a response. It is used by the
	// goroutine that serves the connection, and by goroutines that a handler
	// starts to write its response.
	begins atomic.Bool

	// arrived is true if bytes have arrived since the last response ended.
	arrived atomic.Bool

	// linger is true if the connection is being closed while the client may
	// still send.
	linger atomic.Bool

	// hijacked is not nil once a handler has taken the connection over.
	hijacked atomic.Pointer[hijackedConn]

	// The next fields are used only by the goroutine that serves the
	// connection.
	responses int  // number of responses so far
	pipelined bool // whether net/http had read the header of the request before the last response ended

	whole wholeWrite
}

// newConn returns c with faults handled by w.
func newConn(c net.Conn, w *faultWriter) *conn {
	wrapped := &conn{Conn: c, faults: w}
	wrapped.begins.Store(true)
	return wrapped
}

// yieldEvery is the number of responses after which a connection lets other
// goroutines run.
const yieldEvery = 8

// state is called for each [http.Server.ConnState]. A connection is idle for a
// moment after each response, even if the next request has already arrived. A
// connection that always has a next request never waits. It would occupy its
// processor until the scheduler preempts it after 10 ms. A thousand such
// connections would delay all others for seconds, so state yields.
func (c *conn) state(s http.ConnState) {
	switch s {
	case http.StateActive: // the header has arrived
		c.pipelined = !c.arrived.Load()
		if c.responses == 0 {
			growStack(0)
		}
	case http.StateIdle:
		c.begins.Store(true)
		c.arrived.Store(false)
		c.responses++
		if c.pipelined || c.responses%yieldEvery == 0 {
			runtime.Gosched()
		}
	}
}

// growStack gives the goroutine of a connection the stack that most requests need. Go doubles
// a stack when a call needs more, and copies all its frames. Here they are few. In the handler
// of the first request they would be copied several times, which takes a twentieth of the time of
// a short connection.
//
//go:noinline
func growStack(i int) byte {
	var frame [9 << 10]byte // more than half of 16 KiB
	return frame[i]         // so that the compiler does not remove it
}

// Read implements [net.Conn].
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.arrived.Store(true)
	}
	if l := c.hijacked.Load(); l != nil {
		l.in.Add(int64(n))
	}
	return n, err
}

// takeOver assigns c to l. All further writes pass unchanged.
func (c *conn) takeOver(l *hijackedConn) {
	c.begins.Store(false)
	c.linger.Store(false)
	c.hijacked.Store(l)
}

// Close implements [net.Conn]. If the client may still send, the connection is
// closed a moment later, so that the client can read the last response.
func (c *conn) Close() error {
	if l := c.hijacked.Swap(nil); l != nil {
		defer l.leave()
	}
	if !c.linger.Swap(false) {
		return c.Conn.Close()
	}
	go func() {
		defer c.Conn.Close()
		_ = c.drain() // an error means that the client has gone or was too slow
	}()
	return nil
}

// Write implements [net.Conn].
func (c *conn) Write(p []byte) (int, error) {
	if c.begins.Load() {
		c.begins.Store(false)
		if version, f, ok := libraryFault(p); ok {
			return len(p), c.refuse(version, f)
		}
	}
	if l := c.hijacked.Load(); l != nil {
		n, err := c.Conn.Write(p)
		l.out.Add(int64(n))
		return n, err
	}
	return c.whole.write(c.Conn, p)
}

// refuse responds to f instead of net/http and closes the connection.
func (c *conn) refuse(version string, f Fault) error {
	defer c.Conn.Close()
	if _, err := c.Conn.Write(c.faults.response(version, f)); err != nil {
		return err
	}
	return c.drain()
}

// drain shuts down the writing side and reads for a moment what the client
// still sends.
func (c *conn) drain() error {
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(lingerTime)); err != nil {
		return err
	}
	// An error means that the client has gone or was too slow.
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	return nil
}

// CloseWrite shuts down the writing side, which net/http does before it closes
// a connection that the client still writes to.
func (c *conn) CloseWrite() error { return closeWrite(c.Conn) }

// closeWrite shuts down the writing side of c, if it can.
func closeWrite(c net.Conn) error {
	if cw, ok := c.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

// A tlsConn is a conn over TLS.
type tlsConn struct {
	*conn
	tls *tls.Conn
}

// ConnectionState is called by net/http to set [http.Request.TLS].
func (c *tlsConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }
