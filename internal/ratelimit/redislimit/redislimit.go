// Package redislimit counts calls for rate limits in Redis, so that all nodes of a service
// share them.
//
// Each second of Redis's clock is a window. One script counts a call for the limit of its
// command and for the ceiling of its app. Calls that arrive while scripts are under way are
// counted together by the next one, so a busy app costs one script in each round trip, not
// one in each call.
//
// A call never fails because of Redis. A decision that takes longer than 20 ms is made by
// the counts of the node, with the whole limit. From then on the node decides alone, without
// a delay, until Redis responds to a probe in the background.
package redislimit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"rollcall/internal/ratelimit"
)

const (
	// maxWait is how long a call waits for its decision, and a sender for Redis.
	maxWait = 20 * time.Millisecond

	// senders is how many scripts can be under way at once. A call waits for the end of
	// none of them if fewer are.
	senders = 4

	// maxBatches is how many different commands of apps can wait for a sender. Further
	// calls are decided by the node.
	maxBatches = 1000
)

// Options are the options of [New]. All are required.
type Options struct {
	URL      string // see [CheckURL]
	Password string // instead of that of the URL, unless it is empty
	Logger   *slog.Logger
}

// A Limiter is a [ratelimit.Counter] that counts in Redis while [Limiter.Run] runs and Redis
// responds. At all other times it counts in the memory of the process.
type Limiter struct {
	o     rueidis.ClientOption
	lg    *slog.Logger
	local *ratelimit.Limiter // counts every call, so that it can take over at any moment
	wait  time.Duration      // maxWait, except in tests
	stats stats

	work   chan struct{} // contains one after a batch was added
	broken chan struct{} // contains one after shared was set to false

	mu      sync.Mutex
	shared  bool // whether Redis counts
	client  rueidis.Client
	batches map[batchKey]*batch // that wait for a sender
	guesses guesses
}

// Stats are counts since the start.
type Stats struct {
	Shared    bool   // whether Redis counts at the moment
	Errors    uint64 // scripts and connections that failed
	Fallbacks uint64 // decisions by the node alone
	Dropped   uint64 // calls in shadow mode that Redis has not counted
}

type stats struct{ errors, fallbacks, dropped atomic.Uint64 }

// New returns a Limiter. Its error is one sentence without the URL.
func New(o Options) (*Limiter, error) {
	option, err := clientOption(o.URL, o.Password)
	if err != nil {
		return nil, err
	}
	return &Limiter{
		o: option, lg: o.Logger, local: ratelimit.New(), wait: maxWait,
		work: make(chan struct{}, 1), broken: make(chan struct{}, 1),
		batches: map[batchKey]*batch{}, guesses: guesses{seen: map[ratelimit.Key]guess{}},
	}, nil
}

var _ ratelimit.Counter = (*Limiter)(nil)

// SetPassword sets the password of connections that are opened from now on. The present one
// stays, because Redis keeps a connection when a password changes.
func (l *Limiter) SetPassword(password string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.o.Password = password
}

// Stats returns the counts.
func (l *Limiter) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{l.shared, l.stats.errors.Load(), l.stats.fallbacks.Load(), l.stats.dropped.Load()}
}

// Take implements [ratelimit.Counter]. It waits for at most 20 ms.
func (l *Limiter) Take(c ratelimit.Call, now time.Time) ratelimit.Decisions {
	alone := l.local.Take(c, now)
	if c.Limit <= 0 && c.Ceiling <= 0 {
		return alone
	}
	if b, place := l.enter(batchKey{c, false}); b != nil && l.await(b) == nil {
		return b.reply.decisions(c, b.n, place)
	}
	l.stats.fallbacks.Add(1)
	return alone
}

// await waits for the end of a batch, and returns why Redis has not counted it in time.
func (l *Limiter) await(b *batch) error {
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	select {
	case <-b.done:
		return b.err
	case <-timer.C:
	}
	select {
	case <-b.done:
		return b.err
	default:
	}
	l.suspend(context.DeadlineExceeded)
	return context.DeadlineExceeded
}

// TakeLater implements [ratelimit.Counter]. Redis counts the call in the background. The
// decisions come from the newest total of Redis that the node knows, and from the calls of
// this node since.
func (l *Limiter) TakeLater(c ratelimit.Call, now time.Time) ratelimit.Decisions {
	alone := l.local.Take(c, now)
	if c.Limit <= 0 && c.Ceiling <= 0 {
		return alone
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, _ := l.add(batchKey{c, true}); b == nil {
		l.stats.fallbacks.Add(1)
		l.stats.dropped.Add(1)
		return alone
	}
	return l.guesses.take(c, now)
}

// Forget implements [ratelimit.Counter]. What Redis has counted ends with its second.
func (l *Limiter) Forget(app uint32) {
	l.local.Forget(app)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.guesses.forget(app)
}

// enter is add for a caller that has not locked l.mu.
func (l *Limiter) enter(k batchKey) (*batch, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(k)
}

// add adds a call to a batch that waits, and returns the batch and the place of the call in
// it. The batch is nil if the node decides alone. The caller has locked l.mu.
func (l *Limiter) add(k batchKey) (b *batch, place int) {
	if !l.shared {
		return nil, 0
	}
	if b = l.batches[k]; b == nil {
		if len(l.batches) >= maxBatches {
			return nil, 0
		}
		b = &batch{done: make(chan struct{})}
		l.batches[k] = b
	}
	b.n++
	select {
	case l.work <- struct{}{}:
	default: // a sender will look anyway
	}
	return b, b.n - 1
}

// suspend lets the node decide alone until Redis responds to a probe. The calls that wait
// for a sender are decided at once.
func (l *Limiter) suspend(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.shared {
		return
	}
	l.shared = false
	l.guesses.clear()
	for k, b := range l.batches {
		l.fail(k, b, err)
	}
	clear(l.batches)
	select {
	case l.broken <- struct{}{}:
	default:
	}
}

// fail ends a batch that Redis has not counted, as far as is known.
func (l *Limiter) fail(k batchKey, b *batch, err error) {
	if k.later {
		l.stats.dropped.Add(uint64(b.n))
	}
	b.err = err
	close(b.done)
}
