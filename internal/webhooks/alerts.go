package webhooks

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rollcall/internal/account"
)

// Limits of alerts.
const (
	alertPercent = 80              // of a limit, from which there is an alert (protocol-sessions.md §7)
	alertEvery   = time.Minute     // at most one for each command of an app
	maxAlerts    = 10_000          // commands of apps that are kept in memory
	alertTick    = time.Second / 2 // between two looks for seconds that have ended
)

type alertKey struct {
	app     account.AppID
	command string
}

// An alert is a command that came near its limit.
type alert struct {
	second   int64 // of the calls that are counted; 0 after they were reported
	reported int64 // second of the last report
	account.RateAlert
}

// alerts are the commands of each app that came near their limits.
type alerts struct {
	mu   sync.Mutex
	seen map[alertKey]*alert
}

// Near counts a call of a command, whose service is service, that raised the calls of the
// command within the second of now to count. It is fast.
func (s *Service) Near(app account.AppID, a account.RateAlert, now time.Time) {
	if a.Limit <= 0 || a.Requests*100 < a.Limit*alertPercent {
		return
	}
	s.alerts.add(app, a, now.Unix())
}

func (a *alerts) add(app account.AppID, near account.RateAlert, second int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := alertKey{app, near.Command}
	known := a.seen[key]
	switch {
	case known == nil:
		if len(a.seen) >= maxAlerts {
			return
		}
		known = new(alert)
		a.seen[key] = known
	case known.second == 0 && second-known.reported < int64(alertEvery/time.Second):
		return
	case known.second != 0 && known.second != second: // it is reported soon
		return
	}
	known.second = second
	near.Requests = max(near.Requests, known.Requests)
	known.RateAlert = near
}

// take returns the alerts whose seconds have ended, and forgets old ones.
func (a *alerts) take(now int64) map[alertKey]account.RateAlert {
	a.mu.Lock()
	defer a.mu.Unlock()
	ended := map[alertKey]account.RateAlert{}
	for key, known := range a.seen {
		switch {
		case known.second == 0:
			if now-known.reported >= int64(alertEvery/time.Second) {
				delete(a.seen, key)
			}
		case known.second < now:
			ended[key] = known.RateAlert
			known.reported, known.second, known.Requests = known.second, 0, 0
		}
	}
	return ended
}

func (a *alerts) drop(app account.AppID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key := range a.seen {
		if key.app == app {
			delete(a.seen, key)
		}
	}
}

// sendAlerts sends alerts until ctx ends.
func (s *Service) sendAlerts(ctx context.Context) {
	ticker := time.NewTicker(alertTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for key, a := range s.alerts.take(s.now().Unix()) {
			s.sendAlert(ctx, account.Event{App: key.app, Time: account.Millis(s.now()), Kind: account.EventAlert, Alert: &a})
		}
	}
}

// sendAlert passes an alert on as an event.
func (s *Service) sendAlert(ctx context.Context, e account.Event) {
	w, err := s.known(e.App)
	if err != nil || w == nil || !sends(w, e.Kind) {
		return
	}
	if reliable(w) {
		if err := s.records.AddPending(ctx, e); err != nil {
			s.lg.Warn("the alert of a rate limit was not kept for its webhook", slog.Uint64("sdkappid", uint64(e.App)), slog.String("err", err.Error()))
			return
		}
	}
	s.Hear(e)
}
