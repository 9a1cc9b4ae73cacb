package httpx

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Bounds, in bytes, of what a client chooses freely and the log repeats. Ours are
// far shorter; a longer one is noise from outside.
const (
	maxLoggedMethod = 16
	maxLoggedPath   = 256
)

// An Event is what the log says about one request. [Handler] makes it, the
// code that serves the request fills it, and it is logged once, at the end.
//
// An event must never hold a query, a signature, a key or a body. It belongs to
// the goroutine that serves the request and is not safe for concurrent use.
type Event struct {
	requestID string
	command   string
	app       uint32
	code      int
	hasCode   bool
	items     int
	failed    int
	hasCounts bool
	bytesIn   int
	attrs     []slog.Attr
	err       error
}

type eventKey struct{}

// EventFrom returns the event of the request that ctx belongs to. If there is
// none, it returns an event that is never logged.
func EventFrom(ctx context.Context) *Event {
	if e, ok := ctx.Value(eventKey{}).(*Event); ok {
		return e
	}
	return new(Event)
}

// RequestID returns the id of the request, as in the header [RequestIDHeader].
func (e *Event) RequestID() string { return e.requestID }

// SetCommand sets the name of the command, such as "account_import".
func (e *Event) SetCommand(name string) { e.command = name }

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

// Add adds attributes for which there is no setter.
func (e *Event) Add(attrs ...slog.Attr) { e.attrs = append(e.attrs, attrs...) }

// level returns the level that the event by itself deserves.
func (e *Event) level() slog.Level {
	switch {
	case e.err != nil:
		return slog.LevelError
	case e.code != 0:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// all returns the attributes of the event in the order in which they are logged.
func (e *Event) all(r *http.Request, w *responseWriter, took time.Duration) []slog.Attr {
	attrs := make([]slog.Attr, 0, 16+len(e.attrs))
	attrs = append(attrs,
		slog.String("request_id", e.requestID),
		slog.String("method", clip(r.Method, maxLoggedMethod)),
		slog.String("path", clip(pathAlone(r.URL.Path), maxLoggedPath)),
		slog.Int("status", w.statusSent()),
		slog.Duration("took", took),
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

// pathAlone cuts off what was meant to be a query: a client that escapes the
// "?" sends its signature as a part of the path.
func pathAlone(path string) string {
	if i := strings.IndexAny(path, "?&=;"); i >= 0 {
		return path[:i] + "…"
	}
	return path
}

// clip returns s, cut after n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
