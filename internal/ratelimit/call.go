package ratelimit

import "time"

// A Call is what a call is counted for. A limit of 0 or less means no limit, and the call
// is then not counted for it.
type Call struct {
	App     uint32
	Command string
	Limit   int // of the command
	Ceiling int // of all commands of the app together
}

// Key returns the counter of the command.
func (c *Call) Key() Key { return Key{c.App, c.Command} }

// Whole returns the counter of the whole app.
func (c *Call) Whole() Key { return Key{App: c.App} }

// Decisions are the decisions for one call. A call over the limit of its command is not
// counted for its app, and App is then zero.
type Decisions struct {
	Command Decision
	App     Decision
}

// A Counter counts calls. It is safe for concurrent use. [Limiter] counts those of one
// process; package redislimit counts those of all nodes.
type Counter interface {
	// Take counts a call at now and returns the decisions.
	Take(c Call, now time.Time) Decisions

	// TakeLater is Take for a call that is served in any case. It waits for nothing, so its
	// decisions may come from totals that are a moment old.
	TakeLater(c Call, now time.Time) Decisions

	// Forget removes the counts of an app from the memory of the process.
	Forget(app uint32)
}

var _ Counter = (*Limiter)(nil)

// Take implements [Counter]. Now is real time, also for apps that have a time of their own.
//
// Calls over the limit are counted too, so a window that is over stays over until it ends.
func (l *Limiter) Take(c Call, now time.Time) Decisions {
	d := Decisions{Command: l.take(c.Key(), c.Limit, now)}
	if !d.Command.Over {
		d.App = l.take(c.Whole(), c.Ceiling, now)
	}
	return d
}

// TakeLater implements [Counter]. It is Take.
func (l *Limiter) TakeLater(c Call, now time.Time) Decisions { return l.Take(c, now) }

// take counts a call of key at now, unless there is no limit.
func (l *Limiter) take(key Key, limit int, now time.Time) Decision {
	if limit <= 0 {
		return Decision{}
	}
	return Decide(l.count(key, now.Unix()), limit, now)
}
