package httpx

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// maxLoggedMethod is the maximum length in bytes of a method in the log.
// Clients choose it freely, and all valid methods are far shorter.
const maxLoggedMethod = 16

// unknownPath is logged instead of a path that belongs to no route.
const unknownPath = "/…"

// An Event is the log entry of one request. [Handler] creates it, the code that
// serves the request fills it, and it is logged once at the end.
//
// An event must never contain a query, a signature, a key or a body. A path can
// contain any of these by mistake, for example if a client escapes the "?"
// before its signature. Therefore only the path of [Event.SetPath] is logged.
// An event belongs to the goroutine that serves the request and is not safe for
// concurrent use.
type Event struct {
	requestID [1]string // also the value of the header
	start     time.Time
	took      time.Duration
	command   string
	path      string
	app       uint32
	code      int
	hasCode   bool
	items     int
	failed    int
	hasCounts bool
	bytesIn   int
	attrs     []slog.Attr
	first     [2]slog.Attr // memory of the first attrs
	err       error
	quiet     bool
	onEnd     Observer
	trace     Trace  // nil unless the request is sampled
	onLast    func() // called when the exchange becomes a stream or is taken over; see [Stream]
	turn      turn
}

// An Observer is called after a request has been served, by the goroutine that
// served it. It must not keep the event. It must be fast, because the response
// may not have been sent yet.
type Observer func(*Event)

// maxAttrs is the number of attributes that an event has by itself, with some
// room for added ones.
const maxAttrs = 16

// init sets the id of e and the start of its request.
func (e *Event) init(requestID string, start time.Time) {
	e.requestID[0], e.start = requestID, start
	e.attrs = e.first[:0]
}

type eventKey struct{}

// An eventContext is the context of a request with an event.
type eventContext struct {
	context.Context
	event *Event
}

// Value implements [context.Context].
func (c *eventContext) Value(key any) any {
	if key == (eventKey{}) {
		return c.event
	}
	return c.Context.Value(key)
}

// EventFrom returns the event of the request that ctx belongs to. If there is
// none, it returns an event that is never logged.
func EventFrom(ctx context.Context) *Event {
	if e, ok := ctx.Value(eventKey{}).(*Event); ok {
		return e
	}
	return new(Event)
}

// RequestID returns the id of the request, which is also the value of the
// header [RequestIDHeader].
func (e *Event) RequestID() string { return e.requestID[0] }

// SetCommand sets the name of the command, such as "account_import".
func (e *Event) SetCommand(name string) { e.command = name }

// SetPath sets the text that is logged instead of the path: a route, or the
// known part of the path followed by "…". It must not contain anything that the
// client chose. An empty text means that the path is unknown.
func (e *Event) SetPath(path string) { e.path = path }

// SetApp sets the SDKAppID. Zero means no app and is not logged.
func (e *Event) SetApp(id uint32) { e.app = id }

// SetCode sets the error code of the response; 0 means success. With any other
// code the event is logged at [slog.LevelWarn] or higher.
func (e *Event) SetCode(code int) { e.code, e.hasCode = code, true }

// SetCounts sets the number of items in the request and how many of them failed.
func (e *Event) SetCounts(items, failed int) {
	e.items, e.failed, e.hasCounts = items, failed, true
}

// Fail records a server error for a request whose handler has written a
// response itself. The event is logged at [slog.LevelError]. If the handler
// returns an error, that one is recorded instead, without a call of Fail. The
// text of err must not contain anything that an event must not contain.
func (e *Event) Fail(err error) { e.err = err }

// Quiet sets the level of the event to [slog.LevelDebug], unless the request
// fails or the status of the response is an error. It is for clients that poll,
// whose successful requests are not worth a line.
func (e *Event) Quiet() { e.quiet = true }

// ShadowAttr is the key of the attribute of a request that was over a rate
// limit and was served because the limit is in shadow mode. Its value is the
// code that would have refused the request.
const ShadowAttr = "rate_shadow"

// Add adds attributes for which there is no setter.
func (e *Event) Add(attrs ...slog.Attr) { e.attrs = append(e.attrs, attrs...) }

// Known records that the caller has sent a genuine credential. Only such a
// caller may send requests without waiting for the responses to earlier ones;
// see [Handler].
func (e *Event) Known() { e.turn.known = true }

// OnEnd sets the observer of the request and replaces an earlier one. The
// observer is not called for a request that failed because the client hung up.
func (e *Event) OnEnd(o Observer) { e.onEnd = o }

// Command returns the name of the command, or "" if the request named none.
func (e *Event) Command() string { return e.command }

// Code returns the error code of the response, or 0 for success.
func (e *Event) Code() int { return e.code }

// Path returns the text of [Event.SetPath], or one for an unknown path.
func (e *Event) Path() string { return cmp.Or(e.path, unknownPath) }

// Failed reports whether the server was at fault.
func (e *Event) Failed() bool { return e.err != nil }

// Took returns the duration of the request. It is set when an [Observer] is
// called.
func (e *Event) Took() time.Duration { return e.took }

// App returns the SDKAppID, or 0 if the request named no app that exists.
func (e *Event) App() uint32 { return e.app }

// Ended returns the end of the request. It is set when an [Observer] is called.
func (e *Event) Ended() time.Time { return e.start.Add(e.took) }

// Elapsed returns the time since the head of the request arrived.
func (e *Event) Elapsed() time.Duration { return time.Since(e.start) }

// Counts returns the numbers of [Event.SetCounts].
func (e *Event) Counts() (items, failed int) { return e.items, e.failed }

// Has reports whether an attribute with the key was added.
func (e *Event) Has(key string) bool {
	for i := range e.attrs {
		if e.attrs[i].Key == key {
			return true
		}
	}
	return false
}

// level returns the level of the event, given the status of its response.
func (e *Event) level(status int) slog.Level {
	switch {
	case e.err != nil:
		return slog.LevelError
	case e.code != 0:
		return slog.LevelWarn
	case e.quiet && status < http.StatusBadRequest:
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

// appendAll appends the attributes of the event to attrs in the order of the
// log.
func (e *Event) appendAll(attrs []slog.Attr, r *http.Request, w *responseWriter) []slog.Attr {
	attrs = append(attrs,
		slog.String("request_id", e.requestID[0]),
		slog.String("method", clip(r.Method, maxLoggedMethod)),
		slog.String("path", e.Path()),
		slog.Int("status", w.statusSent()),
		slog.Float64("took_ms", float64(e.took.Microseconds())/1000),
		slog.Int("bytes_in", e.bytesIn),
		slog.Int64("bytes_out", w.written),
	)
	if e.command != "" {
		attrs = append(attrs, slog.String("command", e.command))
	}
	if e.app != 0 {
		attrs = append(attrs, slog.Uint64("app", uint64(e.app)))
	}
	if e.hasCode {
		attrs = append(attrs, slog.Int("code", e.code))
	}
	if e.hasCounts {
		attrs = append(attrs, slog.Int("items", e.items), slog.Int("failed", e.failed))
	}
	if e.trace != nil {
		attrs = append(attrs, slog.String(TraceAttr, e.trace.ID()))
	}
	return append(attrs, e.attrs...)
}

// clip cuts s after n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
