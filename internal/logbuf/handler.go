// Package logbuf writes the log of a busy process without a system call for
// each line, and without ever blocking on the reader of the log.
package logbuf

import (
	"context"
	"io"
	"log/slog"
	"time"
)

// A Handler passes records to another handler and buffers its output.
//
// A line is written at once, with all pending lines, if it has
// [slog.LevelError] or if nothing was written in the tenth of a second before
// it. Other lines wait for a tenth of a second or until 32 KiB are pending. A
// process that is killed loses no more than that. [Handler.Close] writes the
// rest.
//
// A separate goroutine writes, outside of every lock, so a caller never waits
// for the reader of the log. If the reader is blocked, for example because
// nobody reads a pipe, up to 1 MiB of lines are buffered and further lines are
// dropped. The number of dropped lines is logged when there is room again.
//
// A Handler is safe for concurrent use. The zero Handler is not usable.
type Handler struct {
	slog.Handler
	root *Handler // the Handler that New returned
	b    *buffer
}

// New returns a Handler. It passes records to the handler that newHandler
// returns, and writes the output of that handler to out line by line. The
// goroutine that writes runs only while there is something to write. Out is not
// closed.
func New(out io.Writer, newHandler func(io.Writer) slog.Handler) *Handler {
	b := &buffer{out: out}
	h := &Handler{Handler: newHandler(b), b: b}
	h.root = h
	return h
}

// Handle implements [slog.Handler]. It does not return write errors, because a
// line may be written later. Lines that a write error loses are counted as
// dropped.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if n := h.b.lost(); n > 0 {
		note := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines dropped", 0)
		note.AddAttrs(slog.Int("lines", n))
		if err := h.root.Handler.Handle(ctx, note); err != nil {
			return err
		}
	}
	err := h.Handler.Handle(ctx, r)
	h.b.settle(r.Level >= slog.LevelError)
	return err
}

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.Handler.WithAttrs(attrs), h.root, h.b}
}

// WithGroup implements [slog.Handler].
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.Handler.WithGroup(name), h.root, h.b}
}

// Close writes the pending lines. It waits at most a second. Lines that are
// logged later are written at once.
func (h *Handler) Close() { h.b.close() }
