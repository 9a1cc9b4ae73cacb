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

// errNoWait is the cause of a [BusyError] of a stream or of taking over a
// connection.
var errNoWait = errors.New("streams and connections that are taken over do not wait for a place")

// Stream declares that the exchange of w is long: its response is sent, or its
// request body arrives, bit by bit. W must be that of a [Handler], or have a
// method Unwrap that leads to it. A handler calls Stream before it writes,
// calls [Extend] before each bit, and returns when [Ending] says so.
//
// With Stream the request is over for the log, for its [Observer] and for an
// [InFlight]. At its end the stream logs its own event, named "stream". Its
// connection is never closed to make room for another one.
//
// Streams and connections that were taken over have at most half of the places
// of a [ConnLimit]. If there is no place, Stream returns a [*BusyError], which
// the handler must return.
func Stream(w http.ResponseWriter) error {
	x := exchangeOf(w)
	if x == nil {
		return http.ErrNotSupported
	}
	return x.stream()
}

// exchangeOf returns the exchange of w, or nil if w is not that of a [Handler].
func exchangeOf(w http.ResponseWriter) *exchange {
	for {
		switch outer := w.(type) {
		case *responseWriter:
			return outer.x
		case interface{ Unwrap() http.ResponseWriter }:
			w = outer.Unwrap()
		default:
			return nil
		}
	}
}

// GoOn lets fn use the connection that was taken over from w once the handler of
// w has returned without an error. Fn has a goroutine of its own. Everything
// that net/http keeps for the request is released, so that a connection of many
// days costs little memory. The exchange and its event last until fn returns.
// If fn fails or panics, the connection is closed. If w is not that of a
// [Handler], GoOn calls fn and waits.
func GoOn(w http.ResponseWriter, fn func() error) error {
	x := exchangeOf(w)
	if x == nil || x.hijacked == nil {
		return fn()
	}
	x.rest = fn
	return nil
}

// goOn calls the function of [GoOn]. From then on x has no ResponseWriter, and of
// its request only what the log needs.
func (x *exchange) goOn() {
	x.r, x.w.ResponseWriter = (&http.Request{Method: x.r.Method}).WithContext(&x.ctx), nil
	level, abort := slog.LevelDebug, false
	if err := catch(x.rest); err != nil {
		level, abort = x.fail(err)
	}
	x.hijacked.handled(level, abort)
}

// Extend sets the read and write deadlines of the exchange of w, or of the
// connection that was taken over from it, to d from now. They replace the
// timeouts of the [http.Server]. Each call replaces the previous deadlines.
// With d = 0 there are none. In HTTP/1 the context of the request ends at the
// read deadline even if the whole request was read, because net/http then
// considers the client gone.
func Extend(w http.ResponseWriter, d time.Duration) error {
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
	}
	c := http.NewResponseController(w)
	return errors.Join(c.SetReadDeadline(until), c.SetWriteDeadline(until))
}

// Ending returns a channel that is closed when the server that received the
// request of ctx begins to shut down. Streams and connections that were taken
// over then have the grace time of [Listener.Run]. The channel is nil without a
// Listener.
func Ending(ctx context.Context) <-chan struct{} {
	if parts, ok := ctx.Value(connKey{}).(*connParts); ok {
		return parts.listener.ending
	}
	return nil
}

// stream turns x into a stream.
func (x *exchange) stream() error {
	if x.lasts != "" {
		return nil
	}
	if err := x.event.turn.beginLasting(); err != nil {
		return err
	}
	x.beginLasting("stream")
	return nil
}

// beginLasting ends and logs the request of x. The event of the rest of the
// exchange has the name kind.
func (x *exchange) beginLasting(kind string) {
	if x.event.onLast != nil {
		x.event.onLast()
	}
	x.over(x.event.level(x.w.statusSent()))
	x.lasts, x.start = kind, time.Now()
}

// A hijackedConn is a connection that was taken over. It is over when it is
// closed and its handler has returned, or the function of [GoOn], in any order.
type hijackedConn struct {
	x       *exchange
	conn    *conn
	open    atomic.Int32 // 2, minus one after the close and one after the return of the handler
	in, out atomic.Int64 // bytes read and written
	level   slog.Level   // level of its event; set by the handler's goroutine
}

// Hijack implements [http.Hijacker] for HTTP/1 requests of a [Listener]. It
// returns a [*BusyError] if there are too many streams and connections that
// were taken over; see [Stream].
//
// With Hijack the request is over for the log, for its [Observer] and for an
// [InFlight]. The connection has no deadlines, counts in its [ConnLimit], and
// is never closed to make room for another one. At its end it logs its own
// event, named "connection", with the bytes since the takeover. The handler, or
// a goroutine that it passes the connection to, must close it, at the latest
// when [Ending] says so. If the handler fails, the connection is closed.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	x, t := w.x, &w.x.event.turn
	if t.http1 == nil {
		return nil, nil, http.ErrNotSupported
	}
	if x.lasts != "" {
		return nil, nil, http.ErrHijacked
	}
	if err := t.beginLasting(); err != nil {
		return nil, nil, err
	}
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		t.endLasting()
		return nil, nil, err
	}
	if w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	x.beginLasting("connection")
	l := &hijackedConn{x: x, conn: t.http1}
	l.open.Store(2)
	l.in.Store(int64(rw.Reader.Buffered()))
	x.hijacked = l
	l.conn.takeOver(l)
	t.ongoing.add(l)
	return c, rw, nil
}

// handled records that the handler has returned, and whether it failed.
func (l *hijackedConn) handled(level slog.Level, failed bool) {
	l.level = max(level, l.x.event.level(l.x.w.statusSent()))
	if failed {
		_ = l.conn.Close() // the connection is of no use any more
	}
	l.leave()
}

// leave records that the connection was closed or that the handler has
// returned.
func (l *hijackedConn) leave() {
	if l.open.Add(-1) > 0 {
		return
	}
	l.x.event.bytesIn, l.x.w.written = int(l.in.Load()), l.out.Load()
	l.x.over(l.level)
	l.x.event.turn.ongoing.remove(l)
}
