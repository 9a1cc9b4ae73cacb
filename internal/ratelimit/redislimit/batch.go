package redislimit

import (
	"time"

	"rollcall/internal/ratelimit"
)

// A batchKey says which calls are counted together.
type batchKey struct {
	ratelimit.Call
	later bool // whether nobody waits for the decisions
}

// A batch contains calls that one script counts. Only n changes before it is sent, and
// nothing after done is closed.
type batch struct {
	n     int // number of calls
	done  chan struct{}
	reply reply
	err   error
}

// A reply is what the script has counted.
type reply struct {
	command int64     // total of the command, or 0 without a limit
	app     int64     // total of the app, or 0 without a ceiling
	at      time.Time // by the clock of Redis
}

// decisions returns the decisions of the call at a place, from 0, of a batch of n calls. The
// totals of the reply are those of the last call that was counted.
func (r *reply) decisions(c ratelimit.Call, n, place int) (d ratelimit.Decisions) {
	counted := int64(n)
	if c.Limit > 0 {
		d.Command = ratelimit.Decide(r.command-int64(n-1-place), c.Limit, r.at)
		over := min(max(r.command-int64(c.Limit), 0), int64(n)) // these calls come last
		counted -= over
	}
	if c.Ceiling > 0 && !d.Command.Over {
		d.App = ratelimit.Decide(r.app-(counted-1-int64(place)), c.Ceiling, r.at)
	}
	return d
}

// A guess is the newest total of a counter that the node knows.
type guess struct {
	second int64 // of Redis's clock
	total  int64
	own    int64 // calls of this node that are on their way
}

// guesses are the totals of calls that do not wait for Redis.
type guesses struct {
	seen   map[ratelimit.Key]guess
	ahead  time.Duration // of Redis's clock
	second int64         // of the newest reply
}

// take returns the decisions for a call at now, which is on its way to Redis.
func (g *guesses) take(c ratelimit.Call, now time.Time) (d ratelimit.Decisions) {
	at := now.Add(g.ahead)
	if c.Limit > 0 {
		d.Command = ratelimit.Decide(g.next(c.Key(), at), c.Limit, at)
	}
	if c.Ceiling > 0 {
		if total := g.next(c.Whole(), at); !d.Command.Over {
			d.App = ratelimit.Decide(total, c.Ceiling, at)
		}
	}
	return d
}

func (g *guesses) next(k ratelimit.Key, at time.Time) int64 {
	s := g.seen[k]
	if second := at.Unix(); second > s.second {
		s.second, s.total = second, 0
	}
	s.own++
	g.seen[k] = s
	return s.total + s.own
}

// learn learns the totals of n calls that were on their way until now.
func (g *guesses) learn(c ratelimit.Call, n int, r *reply, now time.Time) {
	g.ahead = r.at.Sub(now)
	if second := r.at.Unix(); second > g.second {
		g.second = second
		g.tidy()
	}
	if c.Limit > 0 {
		g.arrived(c.Key(), r.command, n, r.at)
	}
	if c.Ceiling > 0 {
		g.arrived(c.Whole(), r.app, n, r.at)
	}
}

func (g *guesses) arrived(k ratelimit.Key, total int64, n int, at time.Time) {
	s := g.seen[k]
	s.own = max(s.own-int64(n), 0)
	switch second := at.Unix(); {
	case second > s.second:
		s.second, s.total = second, total
	case second == s.second:
		s.total = max(s.total, total)
	}
	g.seen[k] = s
}

// tidy removes the totals of seconds that are over.
func (g *guesses) tidy() {
	for k, s := range g.seen {
		if s.second < g.second-1 && s.own == 0 {
			delete(g.seen, k)
		}
	}
}

func (g *guesses) clear() { clear(g.seen) }

func (g *guesses) forget(app uint32) {
	for k := range g.seen {
		if k.App == app {
			delete(g.seen, k)
		}
	}
}
