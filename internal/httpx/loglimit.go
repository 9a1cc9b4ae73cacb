package httpx

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// maxBadLines is the maximum number of failed requests logged per second at
// each level. Clients must not fill disks with their errors, and logging must
// not increase an overload.
const maxBadLines = 200

// A lineLimit limits the lines of one level. Lines over the limit are counted.
// The count is logged before the first line of a later second.
type lineLimit struct {
	mu    sync.Mutex
	since time.Time // the beginning of the second that n belongs to
	n     int       // lines in that second
	left  int       // lines that were left out and are not yet reported
}

// count reports whether another line may be logged at now, and how many lines
// were left out before, which the caller must log first.
func (l *lineLimit) count(now time.Time) (left int, ok bool) {
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

// badLines limits the lines about failed requests.
type badLines struct{ warn, err lineLimit }

// allow reports whether a line of level may be logged at now. It logs how many
// lines were left out before.
func (b *badLines) allow(ctx context.Context, lg *slog.Logger, level slog.Level, now time.Time) bool {
	limit := &b.err
	switch {
	case level < slog.LevelWarn:
		return true
	case level < slog.LevelError:
		limit = &b.warn
	}
	left, ok := limit.count(now)
	if left > 0 {
		lg.LogAttrs(ctx, level, "requests left out of the log", slog.Int("lines", left))
	}
	return ok
}
