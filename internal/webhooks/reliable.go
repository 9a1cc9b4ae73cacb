package webhooks

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// The events of reliable webhooks are in the outbox. One server delivers them: the one that
// has the lease. It has an endpoint for each app with events, whose goroutine makes passes
// over the outbox of the app: it reads page by page, sends the events of each account in
// their order, and removes what was delivered before it sends the next event of the
// account. After a crash, only the newest event of each account can therefore be sent again.
//
// An account whose event was not delivered waits for its next attempt, and a pass skips its
// events meanwhile. If one attempt after the other fails, the endpoint is paused: single
// events probe it, and the first success lets all go on.

// delivery is the part of a Service that delivers reliable webhooks.
type delivery struct {
	mu        sync.Mutex
	endpoints map[account.AppID]*endpoint // on the server that delivers
	fresh     bool                        // an app without an endpoint has an event
	wake      chan struct{}               // wakes the loop of deliverAll; nil on other servers
}

// notify lets the endpoint of an app look for events. It does nothing on a server that does
// not deliver: the one that does looks by itself.
func (d *delivery) notify(app account.AppID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.endpoints[app]; e != nil {
		e.notify()
		return
	}
	d.fresh = true
	if d.wake != nil {
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

// notifyAll lets all endpoints look for events.
func (d *delivery) notifyAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.endpoints {
		e.notify()
	}
}

// stats returns the state of the endpoints.
func (d *delivery) stats(now time.Time) (st Stats) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.endpoints {
		e.mu.Lock()
		st.Kept += e.kept
		if !e.oldest.IsZero() {
			st.Oldest = max(st.Oldest, now.Sub(e.oldest))
		}
		if e.paused {
			st.Paused++
		}
		e.mu.Unlock()
	}
	return st
}

// deliver delivers reliable webhooks until ctx ends, whenever this server has the lease.
func (s *Service) deliver(ctx context.Context) {
	if !s.o.Shared { // every other process that used the store has ended
		s.deliverAll(ctx)
		return
	}
	s.withLease(ctx, s.deliverAll)
}

// deliverAll runs the endpoints until ctx ends.
func (s *Service) deliverAll(ctx context.Context) {
	d := &s.delivery
	wake := make(chan struct{}, 1)
	d.mu.Lock()
	d.wake, d.fresh = wake, true
	d.mu.Unlock()
	var wg sync.WaitGroup
	defer func() {
		wg.Wait()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.wake = nil
		clear(d.endpoints)
	}()
	poll := time.NewTicker(s.times.poll)
	defer poll.Stop()
	var swept time.Time
	var changes records.DeliveryChanges
	for {
		if now := s.records.DeliveryChanges(); now != changes {
			d.notifyAll()
			if now.Webhooks != changes.Webhooks {
				d.setFresh()
			}
			changes = now
		}
		if d.takeFresh() || time.Since(swept) >= s.times.sweep {
			swept = time.Now()
			s.openEndpoints(ctx, &wg)
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-poll.C:
		}
	}
}

func (d *delivery) setFresh() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fresh = true
}

func (d *delivery) takeFresh() (fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh, d.fresh = d.fresh, false
	return fresh
}

// openEndpoints starts the endpoints of apps that have a reliable webhook or events. It
// removes the events and dead letters of apps that have no webhook any more.
func (s *Service) openEndpoints(ctx context.Context, wg *sync.WaitGroup) {
	hooks, err := s.records.Webhooks(ctx)
	apps, also := []account.AppID{}, []account.AppID{}
	if err == nil {
		also, err = s.records.AppsWithDeliveries(ctx)
	}
	if err != nil {
		s.warn(ctx, "the webhooks were not read; the server tries again", err)
		return
	}
	known := map[account.AppID]bool{}
	for _, w := range hooks {
		known[w.App] = true
		if w.Mode == records.WebhookReliable {
			apps = append(apps, w.App)
		}
	}
	for _, app := range also {
		if known[app] {
			apps = append(apps, app)
		} else if err := s.dropDeliveries(ctx, app); err != nil {
			s.warn(ctx, "events of an app without a webhook were not removed; the server tries again", err)
		}
	}
	d := &s.delivery
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, app := range apps {
		if d.endpoints[app] == nil {
			e := newEndpoint(s, app)
			d.endpoints[app] = e
			wg.Go(func() { e.run(ctx) })
		}
	}
}

// dropDeliveries removes the events and dead letters of an app unless it has got a webhook.
func (s *Service) dropDeliveries(ctx context.Context, app account.AppID) error {
	_, _, err := s.records.StoredWebhook(ctx, app)
	if account.CodeOf(err) != account.NoWebhook {
		return err
	}
	return s.records.DropDeliveries(ctx, app)
}

// close removes an endpoint that has ended.
func (d *delivery) close(app account.AppID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.endpoints, app)
	d.fresh = true // its events are removed, or it has got a webhook again
}

// warn logs an error of the store, unless ctx has ended.
func (s *Service) warn(ctx context.Context, what string, err error, attrs ...any) {
	if ctx.Err() == nil {
		s.lg.Warn(what, append(attrs, slog.String("err", err.Error()))...)
	}
}
