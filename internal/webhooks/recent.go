package webhooks

import (
	"slices"
	"sync"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

// Limits of the newest attempts in memory.
const (
	maxRecent     = 100  // of an app
	maxRecentApps = 1000 // further ones replace any other
)

// recents keeps the newest attempts of each app.
type recents struct {
	mu   sync.Mutex
	apps map[account.AppID][]adminapi.WebhookAttempt // oldest first
}

func (r *recents) add(app account.AppID, a adminapi.WebhookAttempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.apps == nil {
		r.apps = map[account.AppID][]adminapi.WebhookAttempt{}
	}
	list, known := r.apps[app]
	if !known && len(r.apps) >= maxRecentApps {
		for other := range r.apps {
			delete(r.apps, other)
			break
		}
	}
	if len(list) >= maxRecent {
		list = slices.Delete(list, 0, len(list)-maxRecent+1)
	}
	r.apps[app] = append(list, a)
}

// of returns the attempts of an app, newest first.
func (r *recents) of(app account.AppID) []adminapi.WebhookAttempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.apps[app])
	slices.Reverse(list)
	return list
}

func (r *recents) drop(app account.AppID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.apps, app)
}

// attempt describes an attempt for people.
func (s *Service) attempt(m *message, r *result, n int) adminapi.WebhookAttempt {
	return adminapi.WebhookAttempt{
		ID: m.id, Command: m.query.Command, Time: account.Millis(s.now()), Attempt: n, Status: r.status, TookMS: r.took.Milliseconds(), Reason: r.reason,
	}
}
