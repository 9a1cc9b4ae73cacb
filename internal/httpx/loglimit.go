package httpx

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// maxBadLines is how many requests that went wrong are logged in a second, of
// each level: strangers must not fill disks with their mistakes, nor an overload
// be made worse by what is said of it.
const maxBadLines = 200

// A lineLimit bounds the lines of one level. Lines over the limit are counted,
// and the count is logged with the first line of a later second.
type lineLimit struct {
	mu    sync.Mutex
	since time.Time // when the second began that n belongs to
	n     int       // lines in it
	left  int       // lines left out of the log and not told of yet
}

// take reports whether one more line may be logged at now, and how many were left
// out before, which is to be logged first.
func (l *lineLimit) take(now time.Time) (left int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.since) >= time.Second {
		l.since, l.n = now, 0
	}
	if l.n >= maxBadLines {
		l.left++
		return 0, false
	}
	l.n++
	left, l.left = l.left, 0
	return left, true
}

// badLines bounds the lines about requests that went wrong.
type badLines struct{ warn, err lineLimit }

// allow reports whether a line of level may be logged at now. It logs how many
// were left out before.
func (b *badLines) allow(ctx context.Context, lg *slog.Logger, level slog.Level, now time.Time) bool {
	limit := &b.err
	switch {
	case level < slog.LevelWarn:
		return true
	case level < slog.LevelError:
		limit = &b.warn
	}
	left, ok := limit.take(now)
	if left > 0 {
		lg.LogAttrs(ctx, level, "requests left out of the log", slog.Int("lines", left))
	}
	return ok
}
