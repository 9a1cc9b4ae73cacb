package webhooks

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Limits of an endpoint.
const (
	maxFailures  = 20     // failed attempts in a row after which an endpoint is paused
	maxWaiting   = 10_000 // accounts that wait for an attempt; if there are more, the endpoint is paused
	maxDead      = 1_000  // dead letters of an app; if there are maxDeadSlack more, the oldest ones are dropped
	maxDeadSlack = 100
	maxRetry     = time.Hour       // that a receiver can ask for
	storeRetry   = 2 * time.Second // after an error of the store
)

// An endpoint delivers the events in the outbox of an app. Its goroutine alone uses the
// fields without a lock.
type endpoint struct {
	s    *Service
	app  account.AppID
	wake chan struct{} // contains one if there may be new events

	settings  time.Time                  // of the last change of the webhook that is known
	waiting   map[account.UserID]*waiter // accounts whose oldest event was not delivered
	pass      int                        // number of the pass
	failures  int                        // attempts in a row that failed
	failing   time.Time                  // of the first one of them
	reason    string                     // of the newest one
	notBefore time.Time                  // time before which the receiver wants no request
	probes    int                        // of a paused endpoint
	nextProbe time.Time
	dead      int           // dead letters in the store, or less than 0 if they are not counted yet; a replay removes some
	again     bool          // there is more to do at once
	reading   time.Duration // time that the outbox took in the last pass

	mu     sync.Mutex
	paused bool
	kept   int // events after the last pass
	oldest time.Time
}

// A waiter is an account that waits for its next attempt.
type waiter struct {
	attempts int // of its oldest event that have failed
	next     time.Time
	pass     int // in which it was seen
}

func newEndpoint(s *Service, app account.AppID) *endpoint {
	return &endpoint{s: s, app: app, wake: make(chan struct{}, 1), waiting: map[account.UserID]*waiter{}, dead: -maxBatch - pageEvents}
}

func (e *endpoint) notify() {
	select {
	case e.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// run delivers events until ctx ends, or until the app has no webhook any more.
func (e *endpoint) run(ctx context.Context) {
	defer e.s.delivery.close(e.app)
	if err := e.restore(ctx); err != nil {
		e.warn(ctx, "the state of a webhook was not read; the server goes on without", err)
	}
	for ctx.Err() == nil {
		e.reading = 0
		more, err := e.step(ctx)
		switch {
		case err != nil:
			e.warn(ctx, "webhooks were not delivered; the server tries again", err)
			wait(ctx, storeRetry)
			e.again = true
		case !more:
			return
		}
		wait(ctx, min(e.reading, time.Second)) // at most half of the time goes to the outbox
		e.sleep(ctx)
	}
}

// restore reads whether the endpoint was paused when the server before ended.
func (e *endpoint) restore(ctx context.Context) error {
	st, _, err := e.s.records.WebhookState(ctx, e.app)
	if err != nil || st.Paused.IsZero() {
		return err
	}
	e.failures, e.failing, e.reason = maxFailures, st.Since, st.Reason
	e.setPaused(true)
	e.nextProbe = time.Now()
	return nil
}

func (e *endpoint) setPaused(paused bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.paused = paused
}

func (e *endpoint) isPaused() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.paused
}

// step makes a pass, or a probe. more is false if the app has no webhook.
func (e *endpoint) step(ctx context.Context) (more bool, err error) {
	w, err := e.s.records.Webhook(ctx, e.app)
	if account.CodeOf(err) == account.NoWebhook {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	e.again = false
	if !w.Changed.Equal(e.settings) {
		if !e.settings.IsZero() {
			e.resume()
		}
		e.settings = w.Changed
	}
	if !w.Ended.IsZero() {
		return true, e.buryAll(ctx, "the receiver has answered HTTP 410: it is gone")
	}
	if e.isPaused() {
		return true, e.probe(ctx)
	}
	if time.Now().Before(e.notBefore) {
		return true, nil
	}
	return true, e.deliver(ctx)
}

// sleep waits until there is something to do.
func (e *endpoint) sleep(ctx context.Context) {
	if e.again {
		return
	}
	timer := time.NewTimer(e.untilDue(time.Now()))
	defer timer.Stop()
	paused := e.isPaused()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-e.wake:
			waits := paused || time.Now().Before(e.notBefore) // then new events wait with the others
			if !waits || e.changed() {
				return
			}
		}
	}
}

// changed reports whether the webhook has got other settings, or was removed.
func (e *endpoint) changed() bool {
	w, err := e.s.known(e.app)
	return err == nil && (w == nil || !w.Changed.Equal(e.settings))
}

// resume forgets failures, so that everything is due.
func (e *endpoint) resume() {
	e.failures, e.probes, e.failing, e.notBefore = 0, 0, time.Time{}, time.Time{}
	e.setPaused(false)
	for _, w := range e.waiting {
		w.next = time.Time{}
	}
}

// untilDue returns the time until the next attempt, if no event comes.
func (e *endpoint) untilDue(now time.Time) time.Duration {
	if e.isPaused() {
		return e.nextProbe.Sub(now)
	}
	due := now.Add(time.Hour)
	for _, w := range e.waiting {
		if w.next.Before(due) {
			due = w.next
		}
	}
	if due.Before(e.notBefore) || now.Before(e.notBefore) {
		due = e.notBefore
	}
	return due.Sub(now)
}

// failed notes a failed attempt of an account's oldest event and returns false if the event
// is given up.
func (e *endpoint) failed(id account.UserID, queued time.Time, r *result) (kept bool) {
	now := time.Now()
	e.failures++
	e.reason = r.reason
	if e.failing.IsZero() {
		e.failing = now
	}
	if r.retryAfter > 0 {
		e.notBefore = now.Add(min(r.retryAfter, maxRetry))
	}
	end := now.Add(queued.Add(e.s.times.lifetime).Sub(e.s.now()))
	if !now.Before(end) {
		delete(e.waiting, id)
		return false
	}
	w := e.waiting[id]
	if w == nil {
		w = new(waiter)
		e.waiting[id] = w
	}
	delays := e.s.times.delays
	delay := delays[min(w.attempts, len(delays)-1)]
	w.attempts++
	w.pass = e.pass
	w.next = now.Add(delay + rand.N(delay/5+1)) // accounts that failed together do not come together again
	if w.next.After(end) {
		w.next = end
	}
	return true
}

// delivered notes a success.
func (e *endpoint) delivered(id account.UserID) {
	e.failures, e.failing = 0, time.Time{}
	delete(e.waiting, id)
}

// pause pauses the endpoint.
func (e *endpoint) pause(ctx context.Context) error {
	st, err := e.s.records.ChangeWebhookState(ctx, e.app, func(st *records.WebhookState) {
		st.Since, st.Failures, st.Reason, st.Paused = account.Millis(e.failing), e.failures, e.reason, account.Millis(e.s.now())
	})
	if err != nil {
		return err
	}
	e.setPaused(true)
	e.probes = 0
	e.setNextProbe()
	e.s.lg.Warn("webhook paused, because one attempt after the other failed; the server probes it, and goes on when it answers", e.attr(),
		slog.Int("failures", st.Failures), slog.String("reason", st.Reason))
	return e.count(ctx)
}

// setNextProbe sets the time of the next probe. It comes later after each one.
func (e *endpoint) setNextProbe() {
	delay := e.s.times.maxProbe
	if e.probes < 16 {
		delay = min(delay, e.s.times.probe<<e.probes)
	}
	e.nextProbe = time.Now().Add(delay + rand.N(delay/5+1))
}

// goOn lets a paused endpoint go on after a success.
func (e *endpoint) goOn(ctx context.Context) error {
	_, err := e.s.records.ChangeWebhookState(ctx, e.app, func(st *records.WebhookState) {
		*st = records.WebhookState{Dropped: st.Dropped}
	})
	if err != nil {
		return err
	}
	e.s.lg.Info("webhook goes on", e.attr(), slog.Int("probes", e.probes))
	e.resume()
	e.again = true
	return nil
}

func (e *endpoint) attr() slog.Attr { return slog.Uint64("sdkappid", uint64(e.app)) }

func (e *endpoint) warn(ctx context.Context, what string, err error) {
	e.s.warn(ctx, what, err, e.attr())
}
