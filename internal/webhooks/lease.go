package webhooks

import (
	"context"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// withLease runs work whenever this server has the lease of deliveries, until ctx ends. The
// context of work ends with the lease.
//
// No clock is compared with that of another server. A server takes over the lease of another
// one if it has seen no renewal for times.lease. The holder renews it each times.renew, and
// gives it up if it could not renew it for three quarters of times.lease.
func (s *Service) withLease(ctx context.Context, work func(context.Context)) {
	var seen *records.WebhookLease
	var since time.Time
	for ctx.Err() == nil {
		l, err := s.records.WebhookLease(ctx)
		switch {
		case err != nil:
			s.warn(ctx, "the lease of webhooks was not read; the server tries again", err)
		case seen == nil || seen.Version() != l.Version():
			seen, since = l, time.Now()
		}
		if err == nil && (l.Version() == 0 || l.Node == s.o.Node || time.Since(since) >= s.times.lease) {
			begin := time.Now()
			if l, err = s.records.TakeWebhookLease(ctx, l, s.o.Node, s.now()); err == nil {
				s.hold(ctx, l, begin, work)
				seen = nil
				continue
			}
			if account.CodeOf(err) != account.Stale {
				s.warn(ctx, "the lease of webhooks was not taken; the server tries again", err)
			}
		}
		wait(ctx, s.times.renew)
	}
}

// hold runs work until ctx ends or the lease l, which was taken at renewed, is lost.
func (s *Service) hold(ctx context.Context, l *records.WebhookLease, renewed time.Time, work func(context.Context)) {
	held, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		work(held)
	}()
	s.lg.Info("this server delivers webhooks")
	for {
		wait(held, s.times.renew)
		if held.Err() != nil {
			break
		}
		begin := time.Now()
		within, end := context.WithDeadline(held, renewed.Add(s.times.lease*3/4))
		next, err := s.records.TakeWebhookLease(within, l, s.o.Node, s.now())
		end()
		if err == nil {
			l, renewed = next, begin
			continue
		}
		if account.CodeOf(err) == account.Stale || time.Since(renewed) >= s.times.lease*3/4 {
			s.warn(ctx, "another server may deliver webhooks from now on", err)
			break
		}
	}
	cancel()
	<-done
	if ctx.Err() == nil {
		return
	}
	free, end := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer end()
	_ = s.records.EndWebhookLease(free, l) // otherwise another server waits for its end
}

// wait waits for d or the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
