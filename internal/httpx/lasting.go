package httpx

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// errNoWait is why what lasts is refused.
var errNoWait = errors.New("what lasts does not wait for a place")

// Stream says that the exchange of w lasts: its response is sent, or the body of its
// request arrives, bit by bit. w is that of a [Handler], or has a method Unwrap that
// leads there. A handler calls Stream before it writes, [Extend] before each bit, and
// ends when [Ending] says so.
//
// With Stream the request is over for the log, its [Observer] and an [InFlight]. The
// stream has an event of its own at its end, named "stream". Its connection gives way to
// none.
//
// Streams and connections that were taken over have at most half of the places of a
// [ConnLimit]. Stream returns a [*BusyError] if there is none; the handler returns it.
func Stream(w http.ResponseWriter) error {
	for {
		switch outer := w.(type) {
		case *responseWriter:
			return outer.x.stream()
		case interface{ Unwrap() http.ResponseWriter }:
			w = outer.Unwrap()
		default:
			return http.ErrNotSupported
		}
	}
}

// Extend gives the exchange of w, or the connection that was taken over from it, until
// d from now to read and to write, in place of the timeouts of the [http.Server]. Each
// call counts anew; 0 lifts both deadlines.
func Extend(w http.ResponseWriter, d time.Duration) error {
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
	}
	c := http.NewResponseController(w)
	return errors.Join(c.SetReadDeadline(until), c.SetWriteDeadline(until))
}

// Ending returns what is closed when the server that the request of ctx came to begins
// to end. From then on, what lasts has as long as [Listener.Run] grants. It is nil
// without a Listener.
func Ending(ctx context.Context) <-chan struct{} {
	if parts, ok := ctx.Value(connKey{}).(*connParts); ok {
		return parts.listener.ending
	}
	return nil
}

// stream makes a stream of x.
func (x *exchange) stream() error {
	if x.lasts != "" {
		return nil
	}
	if err := x.event.turn.last(); err != nil {
		return err
	}
	x.last("stream")
	return nil
}

// last ends the request that x is so far. What follows has the event named kind.
func (x *exchange) last(kind string) {
	if x.event.onLast != nil {
		x.event.onLast()
	}
	x.over(x.event.level(x.w.statusSent()))
	x.lasts, x.start = kind, time.Now()
}

// A link is a connection that was taken over. It is over when it is closed and its
// handler has returned, in any order.
type link struct {
	x       *exchange
	conn    *conn
	open    atomic.Int32 // 2, less one for each of both
	in, out atomic.Int64 // bytes
	level   slog.Level   // to log the end at; set by the handler's goroutine
}

// Hijack implements [http.Hijacker] for requests of HTTP/1 at a [Listener]. It returns a
// [*BusyError] if too much lasts; see [Stream].
//
// With Hijack the request is over for the log, its [Observer] and an [InFlight]. The
// connection has no deadlines, counts in its [ConnLimit] and gives way to none. It has
// an event of its own at its end, named "connection", with the bytes since then. The
// handler, or a goroutine that it leaves the connection to, closes it, when [Ending] says
// so at the latest. If the handler fails, the connection is closed.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	x, t := w.x, &w.x.event.turn
	if t.http1 == nil {
		return nil, nil, http.ErrNotSupported
	}
	if x.lasts != "" {
		return nil, nil, http.ErrHijacked
	}
	if err := t.last(); err != nil {
		return nil, nil, err
	}
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		t.endLast()
		return nil, nil, err
	}
	if w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	x.last("connection")
	l := &link{x: x, conn: t.http1}
	l.open.Store(2)
	l.in.Store(int64(rw.Reader.Buffered()))
	x.link = l
	l.conn.takeOver(l)
	t.ongoing.join(l)
	return c, rw, nil
}

// handled notes that the handler has returned, after a failure if failed is true.
func (l *link) handled(level slog.Level, failed bool) {
	l.level = max(level, l.x.event.level(l.x.w.statusSent()))
	if failed {
		_ = l.conn.Close() // it is lost anyway
	}
	l.leave()
}

// leave notes that one of both is over.
func (l *link) leave() {
	if l.open.Add(-1) > 0 {
		return
	}
	l.x.event.bytesIn, l.x.w.written = int(l.in.Load()), l.out.Load()
	l.x.over(l.level)
	l.x.event.turn.ongoing.part(l)
}
