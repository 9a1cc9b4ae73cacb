package pebble

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
)

// A registry holds every app in memory, as it durably is.
type registry struct {
	mu sync.RWMutex
	m  map[account.AppID]*account.App
}

// get returns the record of an app, or nil.
func (r *registry) get(id account.AppID) *account.App {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.m[id]
}

func (r *registry) put(changed map[account.AppID]*account.App) {
	if len(changed) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.m, changed)
}

// all returns every app in the order of ids.
func (r *registry) all() []*account.App {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var as []*account.App
	for _, id := range slices.Sorted(maps.Keys(r.m)) {
		as = append(as, r.m[id])
	}
	return as
}

// appBytes is about what a change of an app writes.
const appBytes = 4 << 10

func noApp() error {
	return &account.Error{Code: account.NoApp, Detail: "no app has that SDKAppID"}
}

// CreateApp implements [account.Apps].
func (s *Store) CreateApp(ctx context.Context, a account.App, by account.AuditEntry) (*account.App, error) {
	a = a.Clone()
	a.Version = 1
	err := s.write(ctx, appBytes, func(g *group) error {
		if g.app(a.ID) != nil {
			return &account.Error{Code: account.Exists, Detail: "an app of that SDKAppID exists"}
		}
		g.putApp(&a, by)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// App implements [account.Apps].
func (s *Store) App(ctx context.Context, id account.AppID) (*account.App, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	a := s.apps.get(id)
	if a == nil {
		return nil, noApp()
	}
	return a, nil
}

// Apps implements [account.Apps].
func (s *Store) Apps(ctx context.Context) ([]*account.App, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	return s.apps.all(), nil
}

// UpdateApp implements [account.Apps]. It calls fn once, in the committer: fn
// must not block, and must not call the store.
func (s *Store) UpdateApp(ctx context.Context, id account.AppID, fn func(account.App) (account.App, error), by account.AuditEntry) (*account.App, error) {
	var next *account.App
	err := s.write(ctx, appBytes, func(g *group) error {
		a := g.app(id)
		if a == nil {
			return noApp()
		}
		var err error
		if next, err = guarded(a, fn); err == nil {
			g.putApp(next, by)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return next, nil
}

// guarded calls fn without letting a panic of it end the committer.
func guarded(a *account.App, fn func(account.App) (account.App, error)) (next *account.App, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = internal("the app's change broke", fmt.Errorf("panic: %v", p))
		}
	}()
	return a.Next(fn)
}

// Audit implements [account.Apps]. It reads the trail backwards until it has
// enough, so a page of one app costs what the others have written in between.
func (s *Store) Audit(ctx context.Context, q account.AuditQuery) (es []account.AuditEntry, err error) {
	lower, upper := spaceBounds(auditSpace)
	if q.Before != 0 {
		upper = auditKey(q.Before)
	}
	err = s.scan(ctx, lower, upper, func(it *pebble.Iterator) error {
		for ok := it.Last(); ok && len(es) < q.Limit; ok = it.Prev() {
			var e account.AuditEntry
			if err := json.Unmarshal(it.Value(), &e); err != nil {
				return err
			}
			if q.App == 0 || e.App == q.App {
				es = append(es, e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return es, nil
}
