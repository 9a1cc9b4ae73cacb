package httpx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// A HandlerFunc serves a request or returns an error. It must not return an
// error after it has begun a response, unless the response is a stream that
// broke off.
type HandlerFunc func(http.ResponseWriter, *http.Request) error

// An ErrorFunc responds to a request whose handler returned err. It returns the
// level to log the error at: [slog.LevelWarn] for an error of the client,
// [slog.LevelError] for an error of the server. A panic is passed as a
// [*PanicError] and is always logged at [slog.LevelError].
//
// The text of err is logged, so it must not contain anything that an [Event]
// must not contain.
type ErrorFunc func(w http.ResponseWriter, r *http.Request, err error) slog.Level

// A PanicError is a panic of a handler. Do not send its text to clients.
type PanicError struct {
	Value any    // the value of the panic
	Stack []byte // the stack, as formatted by [debug.Stack]
}

// Error implements error. The text leaves out the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Handler converts h to an [http.Handler]. It sets the header
// [RequestIDHeader], calls onError for errors and panics, and logs one [Event]
// named "request" when the request is over. The level of the event is the one
// that onError returns, but at least:
//   - [slog.LevelError] if [Event.Fail] was called.
//   - [slog.LevelWarn] if the event has an error code.
//   - [slog.LevelDebug] if the event is quiet.
//   - [slog.LevelInfo] otherwise.
//
// If h responds before it has read the body of the request, the rest of the
// body must arrive within a short time. Otherwise the connection is closed. If
// h fails after its response has begun, or if onError panics, the connection is
// broken off, so that no client mistakes a part of a response for the whole.
// [http.ErrAbortHandler] is passed on to net/http. No other panic reaches it.
//
// In HTTP/1, a request whose header arrived before the previous response had
// ended is the last of its connection, unless h calls [Event.Known] before it
// responds. Its response has the header "Connection: close". That requires a
// [Listener].
//
// If a request fails because the client hung up, nobody is at fault: the event
// is logged at [slog.LevelDebug] and the [Observer] is not called. At each
// level above Info at most 200 events are logged per second. Further events are
// counted.
func Handler(lg *slog.Logger, h HandlerFunc, onError ErrorFunc) http.Handler {
	bad := new(badLines)
	return http.HandlerFunc(func(hw http.ResponseWriter, hr *http.Request) {
		x := &exchange{start: time.Now(), lg: lg, bad: bad, onError: onError}
		x.w.ResponseWriter, x.w.x = hw, x
		x.event.init(newRequestID(), x.start)
		x.event.trace = TraceFrom(hr.Context())
		hw.Header()[RequestIDHeader] = x.event.requestID[:]
		x.ctx = eventContext{hr.Context(), &x.event}
		x.r = hr.WithContext(&x.ctx)
		x.event.turn.begin(hr)
		x.serve(h)
	})
}

// An exchange is one request and its response. All its parts are in one
// allocation, which is never reused, because a context may be kept for longer
// than its request lasts.
type exchange struct {
	start    time.Time
	lg       *slog.Logger
	bad      *badLines
	onError  ErrorFunc
	event    Event
	ctx      eventContext
	w        responseWriter
	r        *http.Request
	lasts    string        // name of the event of a stream or of a connection that was taken over, otherwise ""
	hijacked *hijackedConn // its connection if the handler took it over, or nil
	rest     func() error  // see GoOn; nil for none
}

// serve runs h, responds to its error, and logs. It panics with
// [http.ErrAbortHandler] if the connection must be broken off.
func (x *exchange) serve(h HandlerFunc) {
	var abort bool
	level := slog.LevelDebug
	err := catch(func() error { return h(&x.w, x.r) })
	if err != nil {
		level, abort = x.fail(err)
	} else if err = x.event.err; err != nil {
		x.note("err", err)
	}
	switch {
	case x.hijacked == nil:
	case x.rest != nil && err == nil:
		go x.goOn()
		return
	default:
		x.hijacked.handled(level, abort)
		return
	}
	x.event.turn.endLasting()
	x.event.turn.respond(x.w.ResponseWriter, x.r)
	level = max(level, x.event.level(x.w.statusSent()))
	if x.hungUp(err) {
		level, x.event.onEnd = slog.LevelDebug, nil
	}
	x.over(level)
	if abort {
		panic(http.ErrAbortHandler)
	}
}

// over ends and logs the event of x, which is that of the request, of a stream,
// or of a connection that was taken over.
func (x *exchange) over(level slog.Level) {
	x.event.took = time.Since(x.start)
	if o := x.event.onEnd; o != nil && x.lasts == "" {
		o(&x.event)
	}
	if x.event.trace != nil {
		x.event.trace.End(&x.event, x.w.statusSent())
	}
	x.log(level)
}

// hungUp reports whether the client has gone, which caused err.
func (x *exchange) hungUp(err error) bool {
	ctx := x.r.Context()
	return errors.Is(err, context.Canceled) && ctx.Err() != nil && context.Cause(ctx) != errCutOff
}

// log logs the event. Its attributes are passed as one group without a name,
// which a handler writes like single attributes. A record has memory for only a
// few attributes and would allocate for more. The record contains no source
// line, because it would always be the same.
func (x *exchange) log(level slog.Level) {
	ctx, h := x.r.Context(), x.lg.Handler()
	now := x.start.Add(x.event.took)
	if !h.Enabled(ctx, level) || !x.bad.allow(ctx, x.lg, level, now) {
		return
	}
	attrs := attrLists.Get().(*[]slog.Attr)
	*attrs = x.event.appendAll((*attrs)[:0], x.r, &x.w)
	record := slog.NewRecord(now, level, cmp.Or(x.lasts, "request"), 0)
	record.AddAttrs(slog.Attr{Value: slog.GroupValue(*attrs...)})
	_ = h.Handle(ctx, record) // slog ignores this error as well
	clear(*attrs)
	attrLists.Put(attrs)
}

// attrLists is a pool of *[]slog.Attr, all zero.
var attrLists = sync.Pool{New: func() any {
	attrs := make([]slog.Attr, 0, maxAttrs)
	return &attrs
}}

// fail responds to err and adds it to the event. It returns the level to log at
// and whether the connection must be broken off.
func (x *exchange) fail(err error) (level slog.Level, abort bool) {
	x.note("err", err)
	if errors.Is(err, http.ErrAbortHandler) {
		x.event.Add(slog.Bool("aborted", true))
		return slog.LevelWarn, true
	}
	if x.w.begun() {
		x.event.Add(slog.Bool("aborted", true))
		return slog.LevelError, true
	}
	second := catch(func() error {
		level = x.onError(&x.w, x.r, err)
		return nil
	})
	if second != nil {
		x.note("answer_err", second)
		return slog.LevelError, true
	}
	if _, ok := errors.AsType[*PanicError](err); ok {
		level = slog.LevelError
	}
	return level, false
}

// note adds err to the event under key, and its stack if it was a panic.
func (x *exchange) note(key string, err error) {
	x.event.Add(slog.String(key, err.Error()))
	if p, ok := errors.AsType[*PanicError](err); ok {
		x.event.Add(slog.String(key+"_stack", string(p.Stack)))
	}
}

// catch calls f and returns a panic as an error. [http.ErrAbortHandler] is
// returned unchanged, any other panic as a [*PanicError].
func catch(f func() error) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = http.ErrAbortHandler
		default:
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return f()
}
