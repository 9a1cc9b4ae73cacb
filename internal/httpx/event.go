package httpx

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// maxLoggedMethod bounds, in bytes, what a client chooses freely and the log
// repeats. Ours are far shorter; a longer one is noise from outside.
const maxLoggedMethod = 16

// unknownPath is logged of a path that no route claimed.
const unknownPath = "/…"

// An Event is what the log says about one request. [Handler] makes it, the
// code that serves the request fills it, and it is logged once, at the end.
//
// An event must never hold a query, a signature, a key or a body. A path can hold
// any of these by mistake, as of a client that escapes the "?" before its
// signature, so only what [Event.SetPath] names is logged of it. An event belongs to
// the goroutine that serves the request and is not safe for concurrent use.
type Event struct {
	requestID [1]string // also the value of its header
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
	room      [2]slog.Attr // for the first of attrs
	err       error
	quiet     bool
	onEnd     Observer
	onLast    func() // called when the exchange begins to last; see [Stream]
	turn      turn
}

// An Observer is told of a request when it has been answered, by the goroutine
// that served it. It must not keep the event, and must be quick: the answer may
// not have left yet.
type Observer func(*Event)

// maxAttrs is the most attributes of an event without those that were added,
// and with room for a few of these.
const maxAttrs = 16

// init gives e its id.
func (e *Event) init(requestID string) {
	e.requestID[0] = requestID
	e.attrs = e.room[:0]
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

// RequestID returns the id of the request, as in the header [RequestIDHeader].
func (e *Event) RequestID() string { return e.requestID[0] }

// SetCommand sets the name of the command, such as "account_import".
func (e *Event) SetCommand(name string) { e.command = name }

// SetPath sets what is logged in place of the path: a route, or the part of the
// path that is known, followed by "…". It must hold nothing that the client chose;
// "" is for a path that nobody knows.
func (e *Event) SetPath(path string) { e.path = path }

// SetApp sets the SDKAppID. Zero, which is no app, is not logged.
func (e *Event) SetApp(id uint32) { e.app = id }

// SetCode sets the error code of the answer; 0 means success. With any other the
// event is logged at [slog.LevelWarn] at least.
func (e *Event) SetCode(code int) { e.code, e.hasCode = code, true }

// SetCounts sets the number of items in the request and how many of them failed.
func (e *Event) SetCounts(items, failed int) {
	e.items, e.failed, e.hasCounts = items, failed, true
}

// Fail notes a fault of the server, for a request that is answered by its handler
// all the same; the event is logged at [slog.LevelError]. An error that the
// handler returns is noted without it, and in its place. The text of err must not
// hold what an event must not.
func (e *Event) Fail(err error) { e.err = err }

// Quiet makes the event one of [slog.LevelDebug], unless it has failed or the
// status of the answer is an error's: of what asks all day long, only that is news.
func (e *Event) Quiet() { e.quiet = true }

// ShadowAttr is the key of the attribute that notes a request over a rate limit
// that was served all the same. Its value is the code that would have refused it.
const ShadowAttr = "rate_shadow"

// Add adds attributes for which there is no setter.
func (e *Event) Add(attrs ...slog.Attr) { e.attrs = append(e.attrs, attrs...) }

// Known notes that the caller has shown a credential that is genuine. Only who has
// may send requests without waiting for the responses to those before; see
// [Handler].
func (e *Event) Known() { e.turn.known = true }

// OnEnd makes o be told of the request, in the place of what was told before. It
// is not told of one that failed because the client hung up.
func (e *Event) OnEnd(o Observer) { e.onEnd = o }

// Command returns the name of the command, "" if the request named none.
func (e *Event) Command() string { return e.command }

// Code returns the error code of the answer, 0 for success.
func (e *Event) Code() int { return e.code }

// Took returns how long the request took. An [Observer] may ask for it.
func (e *Event) Took() time.Duration { return e.took }

// Has reports whether an attribute of that key was added.
func (e *Event) Has(key string) bool {
	for i := range e.attrs {
		if e.attrs[i].Key == key {
			return true
		}
	}
	return false
}

// level returns the level that the event by itself deserves, with the status of
// its answer.
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

// appendAll appends the attributes of the event to attrs in the order in which
// they are logged.
func (e *Event) appendAll(attrs []slog.Attr, r *http.Request, w *responseWriter) []slog.Attr {
	attrs = append(attrs,
		slog.String("request_id", e.requestID[0]),
		slog.String("method", clip(r.Method, maxLoggedMethod)),
		slog.String("path", cmp.Or(e.path, unknownPath)),
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
	return append(attrs, e.attrs...)
}

// clip returns s, cut after n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
