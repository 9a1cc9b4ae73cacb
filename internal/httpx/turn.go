package httpx

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// bodyGrace is how long the rest of a body may take to arrive after a response
// that did not wait for it. If it takes longer, the connection is closed.
const bodyGrace = 250 * time.Millisecond

// A turn records which side a request waits for. First the server waits for the
// complete body, then the client waits for the beginning of the response. Only
// while the client waits can the connection not be closed to make room for
// another; see [ConnLimit]. The zero turn is that of a request without such a
// connection.
type turn struct {
	conn     *limitedConn // nil without a ConnLimit
	http1    *conn        // nil without a Listener, or in HTTP/2
	ongoing  *ongoing     // nil without a Listener
	lasts    bool         // whether the exchange is a stream or was taken over; see [Stream]
	received bool         // whether the complete request has arrived
	busy     bool         // whether the request is counted in conn.busy
	known    bool         // whether the caller has sent a genuine credential
}

type connKey struct{}

// connParts are the parts of a connection that a turn needs.
type connParts struct {
	listener *Listener
	conn     net.Conn
	limited  *limitedConn // may be nil
	http1    *conn        // may be nil
	begun    sync.Once    // the first request
}

// begin records that a request has begun.
func (p *connParts) begin() { p.begun.Do(func() { p.listener.fresh.remove(p.conn) }) }

// withConn returns ctx with the parts of c.
func (l *Listener) withConn(ctx context.Context, c net.Conn) context.Context {
	parts := &connParts{listener: l, conn: c, limited: limited(c)}
	switch c := c.(type) {
	case *conn:
		parts.http1 = c
	case *tlsConn:
		parts.http1 = c.conn
	}
	return context.WithValue(ctx, connKey{}, parts)
}

// begin begins the turn of r.
func (t *turn) begin(r *http.Request) {
	if parts, ok := r.Context().Value(connKey{}).(*connParts); ok {
		t.conn, t.http1, t.ongoing = parts.limited, parts.http1, &parts.listener.ongoing
	}
	if r.ContentLength == 0 {
		t.receive()
	}
}

// receive records that the complete request has arrived.
func (t *turn) receive() {
	if t.received {
		return
	}
	t.received = true
	if t.conn != nil {
		t.busy = true
		t.conn.addBusy(1)
	}
}

// beginLasting records that the exchange becomes a stream or is taken over. It
// returns an error if there are too many of these.
func (t *turn) beginLasting() error {
	if t.conn != nil {
		if err := t.conn.beginLasting(); err != nil {
			return err
		}
	}
	t.lasts = true
	return nil
}

// endLasting undoes beginLasting, if it was called.
func (t *turn) endLasting() {
	if t.lasts && t.conn != nil {
		t.conn.endLasting()
	}
	t.lasts = false
}

// respond records that the response of r begins, or that its handler has
// returned without one. If the response did not wait for the body, net/http
// reads the rest of the body. The client then has only [bodyGrace] for it,
// unless the exchange lasts.
//
// A client without a genuine credential that sends requests without waiting for
// responses gets the response to the second request, and then the connection is
// closed. Otherwise a connection full of refused requests would cost its sender
// nothing. Clients that wait for responses are not affected.
func (t *turn) respond(w http.ResponseWriter, r *http.Request) {
	if t.busy {
		t.busy = false
		t.conn.addBusy(-1)
	}
	if !t.known && t.http1 != nil && t.http1.pipelined {
		w.Header().Set("Connection", "close")
		t.http1.linger.Store(true)
	}
	if !t.received && !t.lasts && r.ProtoMajor == 1 {
		t.received = true
		// A writer without deadlines, as in a test, needs none.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyGrace))
	}
}
