package httpx

import (
	"context"
	"net"
	"net/http"
	"time"
)

// bodyGrace is how long the rest of a body may take to arrive after its request
// was answered without it. The connection of a client that needs longer is
// closed; the others keep theirs.
const bodyGrace = 250 * time.Millisecond

// A turn says who waits for whom during one request: the server until the whole
// body is there, then the client until its response begins. Only then is the
// connection safe from having to make room for another; see [ConnLimit]. The
// zero turn is that of a request without such a connection.
type turn struct {
	conn     *limitedConn // nil if nothing bounds the connections
	http1    *conn        // nil if the request is not one of a Listener in HTTP/1
	ongoing  *ongoing     // nil if it is not one of a Listener
	lasts    bool         // the exchange lasts; see [Stream]
	received bool         // the whole request is there
	busy     bool         // conn is told that it waits for us
	known    bool         // the caller has shown a credential
}

type connKey struct{}

// connParts are the parts of one connection that a turn needs.
type connParts struct {
	listener *Listener
	limited  *limitedConn // may be nil
	http1    *conn        // may be nil
}

// withConn returns ctx with the parts of c.
func (l *Listener) withConn(ctx context.Context, c net.Conn) context.Context {
	parts := &connParts{listener: l, limited: limited(c)}
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

// receive notes that the whole request is there.
func (t *turn) receive() {
	if t.received {
		return
	}
	t.received = true
	if t.conn != nil {
		t.busy = true
		t.conn.expect(1)
	}
}

// last notes that the exchange lasts, or says why it may not.
func (t *turn) last() error {
	if t.conn != nil {
		if err := t.conn.last(); err != nil {
			return err
		}
	}
	t.lasts = true
	return nil
}

// endLast undoes last, if there is something to undo.
func (t *turn) endLast() {
	if t.lasts && t.conn != nil {
		t.conn.endLast()
	}
	t.lasts = false
}

// answer notes that the response of r begins, or would if its handler wrote one.
// If that did not wait for the body, net/http reads the rest of it: the client
// has little time for that, unless the exchange lasts.
//
// A stranger who sends requests without waiting for responses gets the response to
// the second of them and no more: a connection full of requests that are refused
// costs its sender nothing, and a client that waits for responses never sends one.
func (t *turn) answer(w http.ResponseWriter, r *http.Request) {
	if t.busy {
		t.busy = false
		t.conn.expect(-1)
	}
	if !t.known && t.http1 != nil && t.http1.pipelined {
		w.Header().Set("Connection", "close")
		t.http1.rude.Store(true)
	}
	if !t.received && !t.lasts && r.ProtoMajor == 1 {
		t.received = true
		// A writer without deadlines, as of a test, needs none.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyGrace))
	}
}
