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

// After a fault we read on for a moment before we close: closing with unread
// bytes resets the connection, and the reset may overtake the answer.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// A conn is a connection of HTTP/1 whose faults are answered by us.
//
// Only the first bytes of an answer are looked at. What begins an answer is not
// guessed from the bytes, for a body may hold anything, nor from what is read,
// for the next request may arrive early: the first write of a connection begins
// one, and the first after net/http reported the one before as finished.
type conn struct {
	net.Conn
	faults *faultWriter

	// begins reports that the next write begins an answer. It is written and
	// read by the goroutine that serves the connection, and by those that a
	// handler may start to write its answer.
	begins atomic.Bool

	// arrived reports that bytes came since the last response ended.
	arrived atomic.Bool

	// rude reports that the connection ends while its client may still send.
	rude atomic.Bool

	// link is not nil once a handler has taken the connection over.
	link atomic.Pointer[link]

	// The goroutine that serves the connection alone uses these.
	responses int  // so far
	pipelined bool // the header of the request was there before the last response ended

	whole wholeWrite
}

// newConn returns c with its faults answered by w.
func newConn(c net.Conn, w *faultWriter) *conn {
	wrapped := &conn{Conn: c, faults: w}
	wrapped.begins.Store(true)
	return wrapped
}

// yieldEvery is how many responses a connection gets before others have their turn.
const yieldEvery = 8

// state follows [http.Server.ConnState]. A connection is idle for a moment after
// each answer, even if the next request has arrived already. A connection whose
// requests are always there never waits, so it would keep its processor until the
// scheduler takes that away, after 10 ms; a thousand of them would keep everybody
// else waiting for seconds.
func (c *conn) state(s http.ConnState) {
	switch s {
	case http.StateActive: // the header is there
		c.pipelined = !c.arrived.Load()
	case http.StateIdle:
		c.begins.Store(true)
		c.arrived.Store(false)
		c.responses++
		if c.pipelined || c.responses%yieldEvery == 0 {
			runtime.Gosched()
		}
	}
}

// Read implements [net.Conn].
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.arrived.Store(true)
	}
	if l := c.link.Load(); l != nil {
		l.in.Add(int64(n))
	}
	return n, err
}

// takeOver gives c to l. From then on what is written passes as it is.
func (c *conn) takeOver(l *link) {
	c.begins.Store(false)
	c.rude.Store(false)
	c.link.Store(l)
}

// Close implements [net.Conn]. If the client may still send, the connection ends a
// moment later, so that the last response reaches it.
func (c *conn) Close() error {
	if l := c.link.Swap(nil); l != nil {
		defer l.leave()
	}
	if !c.rude.Swap(false) {
		return c.Conn.Close()
	}
	go func() {
		defer c.Conn.Close()
		_ = c.linger() // the client has gone or has had its time
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
	if l := c.link.Load(); l != nil {
		n, err := c.Conn.Write(p)
		l.out.Add(int64(n))
		return n, err
	}
	return c.whole.write(c.Conn, p)
}

// refuse answers f in place of the library and ends the connection.
func (c *conn) refuse(version string, f Fault) error {
	defer c.Conn.Close()
	if _, err := c.Conn.Write(c.faults.answer(version, f)); err != nil {
		return err
	}
	return c.linger()
}

// linger ends the writing side and takes what the client still sends, for a moment.
func (c *conn) linger() error {
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(lingerTime)); err != nil {
		return err
	}
	// How it ends does not matter: the client has gone or has had its time.
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

// ConnectionState tells net/http what to set as [http.Request.TLS].
func (c *tlsConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }
