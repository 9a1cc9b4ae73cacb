package webhooks

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Limits of the queue of faithful webhooks. Bodies are short: a fully filled profile has
// some kilobytes.
const (
	maxQueued    = 10_000 // messages of a server
	maxQueuedApp = 2_000  // messages of an app
	lanes        = 16     // messages of an app that are sent at once
	lossLog      = time.Second
	lastWait     = 2 * time.Second // for messages in the queue when the server stops
)

// A queue sends the messages of faithful webhooks. The messages of an account are in the
// same lane of its app, so they are sent in their order. A lane has a goroutine as long as it
// has messages.
type queue struct {
	s    *Service
	seed maphash.Seed

	mu      sync.Mutex
	total   int
	apps    map[account.AppID]*appQueue
	ctx     context.Context // of the requests; nil before run
	ended   bool
	workers sync.WaitGroup
	lost    map[string]int // since the last log event
	logged  time.Time
}

// An appQueue is the queue of an app.
type appQueue struct {
	total int
	lanes [lanes][]*message
	busy  [lanes]bool
}

func newQueue(s *Service) *queue {
	return &queue{s: s, seed: maphash.MakeSeed(), apps: map[account.AppID]*appQueue{}, lost: map[string]int{}}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}

// lenOf returns the number of messages of an app.
func (q *queue) lenOf(app account.AppID) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if a := q.apps[app]; a != nil {
		return a.total
	}
	return 0
}

// add appends a message of an account, unless the queue is full.
func (q *queue) add(app account.AppID, id account.UserID, m *message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.apps[app]
	switch {
	case q.ended:
		q.lose(LostStopped, 1)
		return
	case q.total >= maxQueued, a != nil && a.total >= maxQueuedApp:
		q.lose(LostFull, 1)
		return
	case a == nil:
		a = new(appQueue)
		q.apps[app] = a
	}
	lane := int(maphash.String(q.seed, string(id)) % lanes)
	a.lanes[lane] = append(a.lanes[lane], m)
	a.total++
	q.total++
	q.start(app, a, lane)
}

// start starts the goroutine of a lane unless it runs, or q does not run yet.
func (q *queue) start(app account.AppID, a *appQueue, lane int) {
	if q.ctx == nil || a.busy[lane] || len(a.lanes[lane]) == 0 {
		return
	}
	a.busy[lane] = true
	ctx := q.ctx
	q.workers.Go(func() { q.work(ctx, app, a, lane) })
}

// work sends the messages of a lane until it has none.
func (q *queue) work(ctx context.Context, app account.AppID, a *appQueue, lane int) {
	for m := q.next(app, a, lane); m != nil; m = q.next(app, a, lane) {
		q.s.sendOnce(ctx, app, m)
		q.mu.Lock()
		a.total--
		q.total--
		q.mu.Unlock()
	}
}

// next takes the first message of a lane. If there is none, the lane is not busy any more.
func (q *queue) next(app account.AppID, a *appQueue, lane int) *message {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := a.lanes[lane]
	if len(list) == 0 || q.ctx.Err() != nil {
		a.busy[lane], a.lanes[lane] = false, nil
		if n := len(list); n > 0 {
			a.total -= n
			q.total -= n
			q.lose(LostStopped, n)
		}
		if a.total == 0 && q.apps[app] == a {
			delete(q.apps, app)
		}
		return nil
	}
	m := list[0]
	list[0] = nil
	a.lanes[lane] = list[1:]
	return m
}

// lose counts lost messages, and logs them at most once a second. The caller holds mu.
func (q *queue) lose(why string, n int) {
	q.s.metrics.WebhookLost(why, n)
	q.lost[why] += n
	if now := time.Now(); now.Sub(q.logged) >= lossLog {
		q.logged = now
		q.logLost()
	}
}

// logLost logs the losses since the last time. The caller holds mu.
func (q *queue) logLost() {
	for why, n := range q.lost {
		q.s.lg.Warn("webhooks lost", slog.String("why", why), slog.Int("events", n))
	}
	clear(q.lost)
}

// run sends messages until ctx ends, and those that wait then for a short time.
func (q *queue) run(ctx context.Context) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	q.mu.Lock()
	q.ctx, q.ended = sending, false
	for app, a := range q.apps {
		for lane := range lanes {
			q.start(app, a, lane)
		}
	}
	q.mu.Unlock()
	<-ctx.Done()
	q.mu.Lock()
	q.ended = true
	q.mu.Unlock()
	timer := time.AfterFunc(lastWait, cancel)
	defer timer.Stop()
	q.workers.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.logLost()
}

// sendOnce sends a message of a faithful webhook.
func (s *Service) sendOnce(ctx context.Context, app account.AppID, m *message) {
	w, err := s.known(app)
	if err != nil || w == nil {
		return // it was removed
	}
	r := s.send(ctx, w, m, faithfulTimeout)
	outcome := Delivered
	if !r.ok() {
		outcome = Failed
		s.logFailure(app, m, &r)
	}
	s.metrics.WebhookSent(string(records.WebhookFaithful), outcome, r.took)
	s.o.Sent(app, r.ok())
	s.recent.add(app, s.attempt(m, &r, 1))
}

// logFailure logs a failed attempt.
func (s *Service) logFailure(app account.AppID, m *message, r *result) {
	s.lg.Debug("webhook not delivered", slog.Uint64("sdkappid", uint64(app)), slog.String("command", m.query.Command), slog.Int("status", r.status),
		slog.String("reason", r.reason), slog.Int64("took_ms", r.took.Milliseconds()))
}
