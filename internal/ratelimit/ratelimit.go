// Package ratelimit counts calls in fixed windows of one second and decides
// whether a call is over its limit.
//
// The vendor documents a limit per second for each app and command, but not the
// shape of the window. Fixed seconds are the simplest interpretation. A window
// is one second of the Unix clock.
//
// [Decide] is a pure function of a total. A [Counter] counts the totals: a [Limiter] in the
// memory of the process, package redislimit for all nodes together.
package ratelimit

import "time"

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

// A Decision says whether a call may proceed and what to tell its client.
type Decision struct {
	// Limit is the number of calls allowed in a window. If it is 0, there is no
	// limit and all other fields are zero.
	Limit int
	// Total is the number of calls in the window, with this one.
	Total int64
	// Remaining is the number of further calls allowed in the window.
	Remaining int
	// Reset is the time until the window ends, more than 0 and at most
	// [Window].
	Reset time.Duration
	// Over reports that the call exceeds the limit.
	Over bool
}

// Decide returns the decision for a call that raised the count of its window to
// total. The window is that of now. Limit must be at least 1.
func Decide(total int64, limit int, now time.Time) Decision {
	left := int64(limit) - total
	return Decision{
		Limit:     limit,
		Total:     total,
		Remaining: int(max(left, 0)),
		Reset:     untilReset(now),
		Over:      left < 0,
	}
}

// untilReset returns the time from now to the end of its window.
func untilReset(now time.Time) time.Duration {
	return Window - time.Duration(now.Nanosecond())
}
