// Package ratelimit counts calls in fixed windows of one second and decides
// whether a call is over its limit.
//
// The vendor documents a limit per second for each app and command but not the
// shape of the window; fixed seconds are the simplest reading and what several
// nodes can share in one counter. A window is one second of the Unix clock, so
// all nodes with correct clocks agree on it.
//
// Deciding is a pure function, [Decide], over a total. Totals come from a
// [Source]: [Memory] for one process, a shared store for several.
package ratelimit

import (
	"context"
	"time"
)

// Window is the length of a window.
const Window = time.Second

// A Key names one counter.
type Key struct {
	// App is the SDKAppID.
	App uint32
	// Command is the name of the command, or empty for the ceiling of the
	// whole app.
	Command string
}

// A Source counts. It is safe for concurrent use.
type Source interface {
	// Add adds n, which is at least 1, to the count of key in the window that
	// starts at second (Unix time) and returns the new total. Each total is
	// returned to one caller only: two concurrent calls never see the same one.
	// A count may be forgotten once its window is over.
	//
	// Add fails only if the source cannot be reached before ctx ends. Whether
	// it counted is then unknown.
	Add(ctx context.Context, key Key, second int64, n int) (total int64, err error)
}

// A Decision says whether a call may go on, and what its client may be told.
type Decision struct {
	// Limit is the number of calls allowed in a window; 0 means no limit, and
	// then all other fields are zero.
	Limit int
	// Remaining is how many more calls the window has room for.
	Remaining int
	// Reset is the time until the window ends, more than 0 and at most
	// [Window].
	Reset time.Duration
	// Over reports that the call exceeds the limit.
	Over bool
}

// A Limiter decides with the counts of a [Source].
type Limiter struct {
	src Source
}

// New returns a Limiter that counts in src.
func New(src Source) *Limiter { return &Limiter{src: src} }

// Take counts n calls of key at now and reports whether they fit under limit.
// A limit of 0 or less means no limit; nothing is counted then.
//
// Calls that do not fit are counted too: a window that is over stays over until
// it ends. Now is real time, also for apps that have a time of their own.
//
// If the source fails, Take returns its error and a Decision that is not over:
// the caller chooses whether to let the call pass.
func (l *Limiter) Take(ctx context.Context, key Key, n, limit int, now time.Time) (Decision, error) {
	if limit <= 0 {
		return Decision{}, nil
	}
	total, err := l.src.Add(ctx, key, now.Unix(), n)
	if err != nil {
		return Decision{Limit: limit, Reset: untilReset(now)}, err
	}
	return Decide(total, limit, now), nil
}

// Decide judges a call that brought the count of the window of now to total.
// Limit is at least 1.
func Decide(total int64, limit int, now time.Time) Decision {
	left := int64(limit) - total
	return Decision{
		Limit:     limit,
		Remaining: int(max(left, 0)),
		Reset:     untilReset(now),
		Over:      left < 0,
	}
}

// untilReset returns the time from now to the end of its window.
func untilReset(now time.Time) time.Duration {
	return Window - time.Duration(now.Nanosecond())
}
