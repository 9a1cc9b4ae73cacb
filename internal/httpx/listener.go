package httpx

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
)

// ListenerOptions configures a [Listener].
type ListenerOptions struct {
	// TLS makes connections speak TLS. Its NextProtos default to h2 and
	// http/1.1. It is not used after [NewListener] returns.
	// Optional: without it connections are in the clear.
	TLS *tls.Config

	// Conns bounds the open connections. Handshakes count from their beginning.
	// Optional: without it nothing bounds them.
	Conns *ConnLimit

	// FaultAnswer returns the JSON body that answers f, and header fields beside
	// those of every answer. It is called from many goroutines. Required.
	FaultAnswer func(f Fault) (http.Header, []byte)

	// Logger receives one event for each fault, and failed handshakes: one a minute
	// at level Warn, the others at level Debug. Required.
	Logger *slog.Logger
}

// A Listener accepts connections on which net/http has no voice of its own.
//
// The server of net/http answers a request that it cannot parse by itself, in
// plain text: a bad escape in the path, a missing or malformed Host header,
// header fields that are too large or invalid, an unknown Transfer-Encoding or
// Expect, plain HTTP on a port of TLS. On a connection of a Listener the client
// gets HTTP 200 with a JSON body from [ListenerOptions.FaultAnswer], the header
// [RequestIDHeader] and "Connection: close" instead. The same goes for any other
// answer in HTTP/1 that has a status of 4xx or 5xx and lacks that header.
//
// On HTTP/2 such faults are errors of the protocol, which reset the stream. Two
// get answers of the library all the same: header fields over
// [http.Server.MaxHeaderBytes], which the client was told not to send, its 431,
// and fields that HTTP/2 does without, such as Connection, its 400.
type Listener struct {
	inner   net.Listener // of TCP, or of TLS connections after their handshake
	faults  *faultWriter
	ongoing ongoing
	ending  chan struct{} // closed when Run begins to end
}

// NewListener returns a Listener that accepts from inner and owns it. It starts
// no goroutines; with TLS, the first Accept does.
func NewListener(inner net.Listener, o ListenerOptions) *Listener {
	l := &Listener{inner: inner, faults: &faultWriter{lg: o.Logger, body: o.FaultAnswer}, ending: make(chan struct{})}
	if o.Conns != nil {
		l.inner = newLimitedListener(l.inner, o.Conns)
	}
	if o.TLS != nil {
		l.inner = newHandshaker(l.inner, o.TLS, l.faults)
	}
	return l
}

// Serve serves srv on l until srv is closed; it then returns
// [http.ErrServerClosed]. It wraps the handler of srv, and sets three fields:
// ConnState and ConnContext, where a function that was there is still called, and
// DisableGeneralOptionsHandler, so that "OPTIONS *" reaches the handler like every
// other request.
//
// A server that l should work for must be served by this method or by
// [Listener.Run]: l relies on ConnState, and [Handler] on the context.
func (l *Listener) Serve(srv *http.Server) error {
	next := srv.ConnState
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		if c, ok := c.(interface{ state(http.ConnState) }); ok {
			c.state(s)
		}
		if c := limited(c); c != nil {
			c.state(s)
		}
		if next != nil {
			next(c, s)
		}
	}
	inner := srv.ConnContext
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if inner != nil {
			ctx = inner(ctx, c)
		}
		return l.withConn(ctx, c)
	}
	srv.DisableGeneralOptionsHandler = true
	srv.Handler = l.ongoing.wrap(srv.Handler)
	return srv.Serve(l)
}

// Accept implements [net.Listener]. A connection that chose HTTP/2 is returned
// as the [*tls.Conn] that net/http insists on.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.inner.Accept()
	if err != nil {
		return nil, err
	}
	tc, ok := c.(*tls.Conn)
	switch {
	case !ok:
		return newConn(newLazyConn(c), l.faults), nil
	case tc.ConnectionState().NegotiatedProtocol == "h2":
		return tc, nil
	default:
		return &tlsConn{conn: newConn(tc, l.faults), tls: tc}, nil
	}
}

// Close implements [net.Listener]. Handshakes under way are broken off; when
// Close returns, no goroutine of l is left.
func (l *Listener) Close() error { return l.inner.Close() }

// Addr implements [net.Listener].
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }
