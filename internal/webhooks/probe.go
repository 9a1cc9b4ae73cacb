package webhooks

import (
	"cmp"
	"context"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/records"
)

// probe tries a paused endpoint with one event, if it is time. Before that it gives up events
// that are too old.
func (e *endpoint) probe(ctx context.Context) error {
	if e.untilDue(time.Now()) > 0 {
		return nil
	}
	if err := cmp.Or(e.expire(ctx), e.count(ctx)); err != nil {
		return err
	}
	r, err := e.newRun(ctx)
	if r == nil || err != nil {
		return err
	}
	page, _, err := e.s.records.PendingAfter(ctx, e.app, "", pageEvents, nil)
	if err != nil {
		return err
	}
	j := r.candidate(page)
	if j == nil { // nothing tells whether the receiver answers; the next event does
		return e.goOn(ctx)
	}
	e.probes++
	r.single = true
	r.add(j)
	r.events[j.event.Key] = j.event
	if err := r.drain(); err != nil {
		return err
	}
	if r.attempts > 0 { // otherwise the event is not sent any more, and the next one is the probe
		e.setNextProbe()
	}
	switch {
	case r.gone:
		return e.end(ctx, r.w)
	case r.delivered > 0:
		return e.goOn(ctx)
	}
	return e.noteProbe(ctx)
}

// noteProbe stores why a probe has failed.
func (e *endpoint) noteProbe(ctx context.Context) error {
	_, err := e.s.records.ChangeWebhookState(ctx, e.app, func(st *records.WebhookState) {
		if !st.Paused.IsZero() { // otherwise the webhook has got other settings
			st.Reason = e.reason
		}
	})
	return err
}

// candidate returns the job of a probe: the oldest event of an account, each time of another
// one, in case the receiver cannot handle an event. It returns nil if there is none.
func (r *run) candidate(page []records.Pending) *job {
	var jobs []*job
	seen := map[account.UserID]bool{}
	for i := range page {
		event := &loadedEvent{Pending: page[i], active: 1}
		for k := range items(&event.Event) {
			id := accountOf(&event.Event, k)
			if id == "" && event.Event.Kind != account.EventAlert {
				continue
			}
			event.left++
			if !seen[id] {
				seen[id] = true
				jobs = append(jobs, &job{event, k, id})
			}
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	return jobs[r.e.probes%len(jobs)]
}

// expire gives up the events that are too old.
func (e *endpoint) expire(ctx context.Context) error {
	return e.bury(ctx, e.reason, func(p *records.Pending) bool { return e.s.now().Sub(p.Queued) >= e.s.times.lifetime })
}

// buryAll gives up all events.
func (e *endpoint) buryAll(ctx context.Context, reason string) error {
	clear(e.waiting)
	err := e.bury(ctx, reason, func(*records.Pending) bool { return true })
	return cmp.Or(err, e.count(ctx))
}

// count measures what waits for an endpoint that makes no passes.
func (e *endpoint) count(ctx context.Context) error {
	var d adminapi.WebhookDeliveries
	err := e.s.countWaiting(ctx, e.app, &d)
	if err == nil {
		e.measure(d.Waiting, d.Oldest)
	}
	return err
}

// bury gives up the oldest events, up to the first one for which choose returns false.
func (e *endpoint) bury(ctx context.Context, reason string, choose func(*records.Pending) bool) error {
	r, err := e.newRun(ctx)
	if r == nil || err != nil {
		return err
	}
	for {
		page, next, err := e.s.records.PendingAfter(ctx, e.app, "", pageEvents, nil)
		if err != nil {
			return err
		}
		for i := range page {
			if !choose(&page[i]) {
				return nil
			}
			if err := r.buryEvent(&page[i], reason); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
	}
}

// buryEvent gives up what is left of an event.
func (r *run) buryEvent(p *records.Pending, reason string) error {
	event := &loadedEvent{Pending: *p}
	var outcomes []outcome
	for i := range items(&p.Event) {
		id := accountOf(&p.Event, i)
		if id == "" && p.Event.Kind != account.EventAlert {
			continue
		}
		event.left++
		j := &job{event, i, id}
		outcomes = append(outcomes, outcome{job: j, dead: r.deadLetter(j, reason)})
	}
	if len(outcomes) == 0 {
		return r.e.s.records.RemovePending(r.ctx, p.Key)
	}
	for len(outcomes) > 0 {
		n := min(len(outcomes), maxBatch)
		if err := r.store(r.ctx, outcomes[:n]); err != nil {
			return err
		}
		for range n {
			r.e.s.metrics.WebhookSent(string(records.WebhookReliable), Dead, 0)
		}
		outcomes = outcomes[n:]
	}
	return nil
}
