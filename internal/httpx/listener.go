package httpx

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
)

// ListenerOptions are the options of a [Listener].
type ListenerOptions struct {
	// TLS is the configuration of connections with TLS. Its NextProtos default
	// to h2 and http/1.1. It is not used after [NewListener] returns. Optional:
	// if it is nil, connections are not encrypted.
	TLS *tls.Config

	// Conns limits the open connections, including those in a handshake.
	// Optional: if it is nil, there is no limit.
	Conns *ConnLimit

	// FaultResponse returns the JSON body of the response to f, and additional
	// header fields. It is called from many goroutines. Required.
	FaultResponse func(f Fault) (http.Header, []byte)

	// Logger receives one event for each fault, and failed handshakes: one per
	// minute at level Warn, the others at level Debug. Required.
	Logger *slog.Logger
}

// A Listener accepts connections on which net/http sends no error responses of
// its own.
//
// The server of net/http responds in plain text to a request that it cannot
// parse. Examples are a bad escape in the path, a missing or malformed Host
// header, header fields that are too large or invalid, an unknown
// Transfer-Encoding or Expect, and plain HTTP on a TLS port. On a connection of
// a Listener the client gets another response: HTTP 200 with a JSON body from
// [ListenerOptions.FaultResponse], the header [RequestIDHeader] and
// "Connection: close". The same applies to any other HTTP/1 response with a
// status of 4xx or 5xx that lacks that header.
//
// In HTTP/2 such faults are protocol errors, which reset the stream. Two faults
// still get a response of net/http:
//   - 431 for header fields over [http.Server.MaxHeaderBytes], which the client
//     was told not to send.
//   - 400 for fields that HTTP/2 does not have, such as Connection.
type Listener struct {
	socket  net.Listener // accepts for inner; can be closed earlier
	inner   net.Listener // returns TCP connections, or TLS connections after their handshake
	faults  *faultWriter
	fresh   fresh
	ongoing ongoing
	ending  chan struct{} // closed when Run begins to end
}

// NewListener returns a Listener that accepts from inner and owns it. It starts
// no goroutines. With TLS, the first Accept does.
func NewListener(inner net.Listener, o ListenerOptions) *Listener {
	l := &Listener{socket: inner, inner: inner, faults: &faultWriter{lg: o.Logger, body: o.FaultResponse}, ending: make(chan struct{})}
	if o.Conns != nil {
		l.inner = newLimitedListener(l.inner, o.Conns)
	}
	if o.TLS != nil {
		l.inner = newHandshaker(l.inner, o.TLS, l.faults)
	}
	return l
}

// Serve serves srv on l until srv is closed. It then returns
// [http.ErrServerClosed]. It wraps the handler of srv and sets three fields:
//   - ConnState and ConnContext, which still call the functions that were set
//     before.
//   - DisableGeneralOptionsHandler, so that "OPTIONS *" reaches the handler
//     like any other request.
//
// A server must be served by this method or by [Listener.Run] for l to work: l
// relies on ConnState, and [Handler] on the context.
func (l *Listener) Serve(srv *http.Server) error {
	next := srv.ConnState
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		if c, ok := c.(interface{ state(http.ConnState) }); ok {
			c.state(s)
		}
		if c := limited(c); c != nil {
			c.state(s)
		}
		l.fresh.state(c, s)
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
	srv.Handler = l.wrap(srv.Handler)
	return srv.Serve(l)
}

// Accept implements [net.Listener]. A connection with HTTP/2 is returned as a
// [*tls.Conn], because net/http requires that type.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.inner.Accept()
	if err != nil {
		return nil, err
	}
	tc, ok := c.(*tls.Conn)
	switch {
	case !ok:
		return newConn(c, l.faults), nil
	case tc.ConnectionState().NegotiatedProtocol == "h2":
		return tc, nil
	default:
		return &tlsConn{conn: newConn(tc, l.faults), tls: tc}, nil
	}
}

// Close implements [net.Listener]. It breaks off running handshakes. When Close
// returns, no goroutine of l is left.
func (l *Listener) Close() error { return l.inner.Close() }

// Addr implements [net.Listener].
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }
