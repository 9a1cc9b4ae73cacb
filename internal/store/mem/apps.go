package mem

import (
	"context"
	"maps"
	"slices"

	"rollcall/internal/account"
)

// CreateApp implements [account.Apps].
func (s *Store) CreateApp(ctx context.Context, a account.App, by account.AuditEntry) (*account.App, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.apps[a.ID]; ok {
		return nil, &account.Error{Code: account.Exists, Detail: "an app of that SDKAppID exists"}
	}
	if s.apps == nil {
		s.apps = map[account.AppID]*account.App{}
	}
	a = a.Clone()
	a.Version = 1
	s.put(&a, by)
	return &a, nil
}

// put stores a together with its audit entry and the accounts of its admins.
func (s *Store) put(a *account.App, by account.AuditEntry) {
	s.apps[a.ID] = a
	for _, id := range a.Admins {
		s.upsert(s.dir(a.ID), account.Upsert{ID: id}, account.UpsertPolicy{Now: by.Time, TombstoneBefore: account.AnyTombstone})
	}
	s.enter(a.ID, by)
}

// enter adds an entry to the audit trail.
func (s *Store) enter(app account.AppID, by account.AuditEntry) {
	by.Seq, by.App = uint64(len(s.entries))+1, app
	s.entries = append(s.entries, by)
}

// App implements [account.Apps].
func (s *Store) App(ctx context.Context, id account.AppID) (*account.App, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app(id)
}

func (s *Store) app(id account.AppID) (*account.App, error) {
	a, ok := s.apps[id]
	if !ok {
		return nil, &account.Error{Code: account.NoApp, Detail: "no app has that SDKAppID"}
	}
	return a, nil
}

// Apps implements [account.Apps].
func (s *Store) Apps(ctx context.Context) ([]*account.App, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var as []*account.App
	for _, id := range slices.Sorted(maps.Keys(s.apps)) {
		as = append(as, s.apps[id])
	}
	return as, nil
}

// UpdateApp implements [account.Apps]. It calls fn once, with the store locked.
func (s *Store) UpdateApp(ctx context.Context, id account.AppID, fn func(account.App) (account.App, error), by account.AuditEntry) (*account.App, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.app(id)
	if err != nil {
		return nil, err
	}
	next, err := a.Next(fn)
	if err != nil {
		return nil, err
	}
	s.put(next, by)
	return next, nil
}

// DeleteApp implements [account.Apps].
func (s *Store) DeleteApp(ctx context.Context, id account.AppID, by account.AuditEntry) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.app(id)
	if err != nil {
		return err
	}
	for user := range s.dir(id).live {
		if !a.IsAdmin(user) {
			return &account.Error{Code: account.Conflict, Detail: "the app has accounts besides its admins; delete them first"}
		}
	}
	delete(s.apps, id)
	delete(s.dirs, id)
	s.enter(id, by)
	return nil
}

// Record implements [account.Apps].
func (s *Store) Record(ctx context.Context, entry account.AuditEntry) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enter(entry.App, entry)
	return nil
}

// Audit implements [account.Apps].
func (s *Store) Audit(ctx context.Context, q account.AuditQuery) ([]account.AuditEntry, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var es []account.AuditEntry
	for _, e := range slices.Backward(s.entries) {
		if q.App != 0 && e.App != q.App || q.Before != 0 && e.Seq >= q.Before {
			continue
		}
		if es = append(es, e); len(es) == q.Limit {
			break
		}
	}
	return es, nil
}
