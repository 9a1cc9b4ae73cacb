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

// A HandlerFunc serves a request or returns an error. It must not both begin an
// answer and return an error, unless the answer is a stream that broke off.
type HandlerFunc func(http.ResponseWriter, *http.Request) error

// An ErrorFunc answers a request whose handler returned err and returns the
// level to log it at: [slog.LevelWarn] for a fault of the client,
// [slog.LevelError] for one of ours. A panic arrives as a [*PanicError] and is
// logged at [slog.LevelError] in any case.
//
// The text of err is logged, so it must not hold what an [Event] must not.
type ErrorFunc func(w http.ResponseWriter, r *http.Request, err error) slog.Level

// A PanicError is a panic of a handler. Its text is not meant for clients.
type PanicError struct {
	Value any    // what the handler panicked with
	Stack []byte // where, as formatted by [debug.Stack]
}

// Error implements error. The text leaves out the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Handler adapts h: it sets the header [RequestIDHeader], answers errors and
// panics with onError, and logs one [Event] named "request" when the request is
// over: at the level onError returns, at least at [slog.LevelWarn] if the event has
// a code of an error and at [slog.LevelError] if it has failed, or else at
// [slog.LevelInfo], or at [slog.LevelDebug] if it is quiet.
//
// If h answers before the body of its request was read, the rest of the body has
// little time to arrive; then the connection is closed. If h fails after its
// answer has begun, or onError panics, the connection is broken off, so that no
// client takes half an answer for a whole one. [http.ErrAbortHandler] passes as it
// is; no other panic reaches net/http.
//
// In HTTP/1 a request whose header was there before the response to the one before
// had ended is the last of its connection, unless h calls [Event.Known]
// before it answers: its response says "Connection: close". That needs a [Listener].
//
// A failure whose cause is that the client hung up is nobody's: its event is one of
// [slog.LevelDebug], and no [Observer] is told. Of each level above Info, 200
// events are logged in a second; more are counted.
func Handler(lg *slog.Logger, h HandlerFunc, onError ErrorFunc) http.Handler {
	bad := new(badLines)
	return http.HandlerFunc(func(hw http.ResponseWriter, hr *http.Request) {
		x := &exchange{start: time.Now(), lg: lg, bad: bad, onError: onError}
		x.w.ResponseWriter, x.w.x = hw, x
		x.event.init(newRequestID())
		hw.Header()[RequestIDHeader] = x.event.requestID[:]
		x.ctx = eventContext{hr.Context(), &x.event}
		x.r = hr.WithContext(&x.ctx)
		x.event.turn.begin(hr)
		x.serve(h)
	})
}

// An exchange is one request and its answer. What belongs to it is one piece of
// memory, which is not used again: a context may be kept for longer than its
// request lasts.
type exchange struct {
	start   time.Time
	lg      *slog.Logger
	bad     *badLines
	onError ErrorFunc
	event   Event
	ctx     eventContext
	w       responseWriter
	r       *http.Request
	lasts   string // the name of its event if it lasts, otherwise ""
	link    *link  // what its connection became, or nil
}

// serve runs h, answers its error, and logs. It panics with
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
	if x.link != nil {
		x.link.handled(level, abort)
		return
	}
	x.event.turn.endLast()
	x.event.turn.answer(x.w.ResponseWriter, x.r)
	level = max(level, x.event.level(x.w.statusSent()))
	if x.hungUp(err) {
		level, x.event.onEnd = slog.LevelDebug, nil
	}
	x.over(level)
	if abort {
		panic(http.ErrAbortHandler)
	}
}

// over ends the event of x: that of the request, or of what lasts.
func (x *exchange) over(level slog.Level) {
	x.event.took = time.Since(x.start)
	if o := x.event.onEnd; o != nil && x.lasts == "" {
		o(&x.event)
	}
	x.log(level)
}

// hungUp reports whether err is there because the client has gone, so that nobody
// reads the answer.
func (x *exchange) hungUp(err error) bool {
	ctx := x.r.Context()
	return errors.Is(err, context.Canceled) && ctx.Err() != nil && context.Cause(ctx) != errCutOff
}

// log logs the event. Its attributes go as one group without a name, which a
// handler writes as if they stood alone: a record has room for a few attributes
// and would ask for memory for more. The record names no line of source, which
// would always be the same.
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
	_ = h.Handle(ctx, record) // like slog, we have nobody to tell
	clear(*attrs)
	attrLists.Put(attrs)
}

// attrLists holds *[]slog.Attr of zeros.
var attrLists = sync.Pool{New: func() any {
	attrs := make([]slog.Attr, 0, maxAttrs)
	return &attrs
}}

// fail answers err and notes it in the event. It returns the level to log at
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

// catch calls f and returns a panic as an error: [http.ErrAbortHandler] as it
// is, any other as a [*PanicError].
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
