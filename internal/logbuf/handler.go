// Package logbuf writes the log of a busy process without a system call for each
// line, and without ever waiting for who reads it.
package logbuf

import (
	"context"
	"io"
	"log/slog"
	"time"
)

// A Handler passes records to another handler and collects what that writes.
//
// A line of [slog.LevelError] is written at once, with all that wait, and so is a
// line before which nothing was written for a tenth of a second. Others wait for
// so long, or until there are 32 KiB of them: a process that is killed loses no
// more. [Handler.Close] writes what is left.
//
// A goroutine of its own writes, one at a time and outside of every lock, so a
// caller never waits for the reader of the log. While that one is stuck, because
// nobody reads a pipe, up to 1 MiB of lines wait, more are dropped, and how many
// were is logged when there is room again.
//
// A Handler is safe for concurrent use. The zero Handler is not usable.
type Handler struct {
	slog.Handler
	root *Handler // as New returned it
	b    *buffer
}

// New returns a Handler that passes records to the handler that newHandler makes
// of a writer, and what it writes there to out, line by line. Its goroutine lives
// only while there is something to write; out is not closed.
func New(out io.Writer, newHandler func(io.Writer) slog.Handler) *Handler {
	b := &buffer{out: out}
	h := &Handler{Handler: newHandler(b), b: b}
	h.root = h
	return h
}

// Handle implements [slog.Handler]. An error of the writer below is not returned,
// for the line may be written later: lines that it cost count as dropped.
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

// Close writes what waits, for a second at most. Lines that are logged later are
// written at once.
func (h *Handler) Close() { h.b.close() }
