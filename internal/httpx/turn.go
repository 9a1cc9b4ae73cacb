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
	received bool         // the whole request is there
	busy     bool         // conn is told that it waits for us
}

type connKey struct{}

// withConn returns ctx with the connection that c was made from.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if c := limited(c); c != nil {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// begin begins the turn of r.
func (t *turn) begin(r *http.Request) {
	t.conn, _ = r.Context().Value(connKey{}).(*limitedConn)
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

// answer notes that the response of r begins, or would if its handler wrote one.
// If that did not wait for the body, net/http reads the rest of it: the client
// has little time for that.
func (t *turn) answer(w http.ResponseWriter, r *http.Request) {
	if t.busy {
		t.busy = false
		t.conn.expect(-1)
	}
	if !t.received && r.ProtoMajor == 1 {
		t.received = true
		// A writer without deadlines, as of a test, needs none.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyGrace))
	}
}
