package pebble

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// A registry holds every app and every token in memory, as they durably are.
type registry struct {
	mu     sync.RWMutex
	m      map[account.AppID]*account.App
	tokens map[account.TokenHash]*account.Token

	// decided is what tokens will be when the group under way is durable. Only
	// the committer uses it.
	decided map[account.TokenHash]*account.Token
}

// get returns the record of an app, or nil.
func (r *registry) get(id account.AppID) *account.App {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.m[id]
}

// put shows changed apps; one that is nil was deleted.
func (r *registry) put(changed map[account.AppID]*account.App) {
	if len(changed) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, a := range changed {
		if a == nil {
			delete(r.m, id)
		} else {
			r.m[id] = a
		}
	}
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

var errNoApp error = &account.Error{Code: account.NoApp, Detail: "no app has that SDKAppID"}

// CreateApp implements [account.Apps].
func (s *Store) CreateApp(ctx context.Context, a account.App, by account.AuditEntry) (*account.App, error) {
	a = a.Clone()
	a.Version = 1
	err := s.write(ctx, appBytes, func(g *group) error {
		if g.app(a.ID) != nil {
			return &account.Error{Code: account.Exists, Detail: "an app of that SDKAppID exists"}
		}
		err := g.putApp(&a, by)
		if err != nil {
			g.removeApp(&a, by.Time) // some of the admins may have accounts already
		}
		return err
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
		return nil, errNoApp
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
			return errNoApp
		}
		var err error
		if next, err = guarded(a, fn); err != nil {
			return err
		}
		return g.putApp(next, by)
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

// DeleteApp implements [account.Apps].
func (s *Store) DeleteApp(ctx context.Context, id account.AppID, by account.AuditEntry) error {
	return s.write(ctx, appBytes, func(g *group) error {
		a := g.app(id)
		if a == nil {
			return errNoApp
		}
		if g.count(id) > g.liveAdmins(a) {
			return &account.Error{Code: account.Conflict, Detail: "the app has accounts besides its admins; delete them first"}
		}
		g.removeApp(a, by.Time)
		g.dropApp(id, by)
		return nil
	})
}

// removeApp removes the accounts of the admins of a, and forgets all ids of a.
func (g *group) removeApp(a *account.App, now time.Time) {
	for _, admin := range a.Admins {
		name := record.AppendName(nil, a.ID, admin)
		g.delete(a.ID, g.table.Hash(name), name, now)
	}
	g.purge(a.ID)
}

// liveAdmins returns how many admins of a have accounts.
func (g *group) liveAdmins(a *account.App) (n int64) {
	for _, admin := range a.Admins {
		name := record.AppendName(nil, a.ID, admin)
		if _, e := g.find(g.table.Hash(name), name); e.Live() {
			n++
		}
	}
	return n
}

// dropApp removes the record of an app and stores the audit entry.
func (g *group) dropApp(id account.AppID, by account.AuditEntry) {
	g.changed[id] = nil
	g.audit(id, by)
	g.also(other{
		write: func(b *pebble.Batch) error {
			if g.changed[id] != nil {
				return nil // a later call of the group has made it again
			}
			return b.Delete(appKey(id), nil)
		},
		publish: func() {},
	})
}

// Record implements [account.Apps].
func (s *Store) Record(ctx context.Context, entry account.AuditEntry) error {
	return s.write(ctx, appBytes, func(g *group) error {
		g.audit(entry.App, entry)
		return nil
	})
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
			if err := account.Ended(ctx); err != nil {
				return err // a trail may be long, and hold little of one app
			}
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

// CreateToken implements [account.Tokens].
func (s *Store) CreateToken(ctx context.Context, t account.Token, by account.AuditEntry) error {
	stored := t.Clone()
	return s.write(ctx, appBytes, func(g *group) error {
		if _, ok := g.apps.decided[stored.Hash]; ok || g.apps.decidedID(stored.ID) != nil {
			return &account.Error{Code: account.Exists, Detail: "that token exists"}
		}
		g.apps.decided[stored.Hash] = stored
		g.audit(0, by)
		g.alsoToken(func(b *pebble.Batch) error { return setJSON(b, tokenKey(stored.ID), stored) })
		return nil
	})
}

// decidedID returns the token of an id, or nil.
func (r *registry) decidedID(id string) *account.Token {
	for _, t := range r.decided {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// alsoToken adds a change of a token to the group.
func (g *group) alsoToken(write func(*pebble.Batch) error) {
	g.also(other{write: write, publish: g.apps.showTokens})
}

// showTokens shows what was decided.
func (r *registry) showTokens() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = maps.Clone(r.decided)
}

func noToken() error {
	return &account.Error{Code: account.NoToken, Detail: "there is no such token"}
}

// Token implements [account.Tokens].
func (s *Store) Token(ctx context.Context, hash account.TokenHash) (*account.Token, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.apps.mu.RLock()
	defer s.apps.mu.RUnlock()
	t, ok := s.apps.tokens[hash]
	if !ok {
		return nil, noToken()
	}
	return t, nil
}

// Tokens implements [account.Tokens].
func (s *Store) Tokens(ctx context.Context) ([]*account.Token, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.apps.mu.RLock()
	defer s.apps.mu.RUnlock()
	byID := func(a, b *account.Token) int { return cmp.Compare(a.ID, b.ID) }
	return slices.SortedFunc(maps.Values(s.apps.tokens), byID), nil
}

// DeleteToken implements [account.Tokens].
func (s *Store) DeleteToken(ctx context.Context, id string, by account.AuditEntry) error {
	return s.write(ctx, appBytes, func(g *group) error {
		t := g.apps.decidedID(id)
		if t == nil {
			return noToken()
		}
		delete(g.apps.decided, t.Hash)
		g.audit(0, by)
		g.alsoToken(func(b *pebble.Batch) error { return b.Delete(tokenKey(id), nil) })
		return nil
	})
}

// loadTokens reads every token.
func (s *Store) loadTokens(*group) error {
	s.apps.decided = map[account.TokenHash]*account.Token{}
	lower, upper := spaceBounds(tokenSpace)
	err := iterate(s.db, lower, upper, func(it *pebble.Iterator) error {
		for ok := it.First(); ok; ok = it.Next() {
			t := new(account.Token)
			if err := json.Unmarshal(it.Value(), t); err != nil {
				return err
			}
			s.apps.decided[t.Hash] = t
		}
		return nil
	})
	s.apps.showTokens()
	return err
}
