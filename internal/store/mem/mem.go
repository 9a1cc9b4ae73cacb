// Package mem implements [account.Engine] in memory. It is the reference that
// the other engines are tested against, and the store of unit tests. It keeps
// nothing after the process ends.
package mem

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/internal/account"
)

// A Store is an engine in memory. The zero Store is empty and ready to use.
type Store struct {
	mu      sync.Mutex
	lastID  uint64 // the newest InternalID
	dirs    map[account.AppID]*dir
	apps    map[account.AppID]*account.App
	tokens  []*account.Token     // by id
	entries []account.AuditEntry // oldest first
}

var _ account.Engine = (*Store)(nil)

// A dir is what is known of an app's ids.
type dir struct {
	live map[account.UserID]account.Account
	gone map[account.UserID]time.Time // tombstones: when the id was deleted
	kick map[account.UserID]int64     // watermarks, also of ids in gone
}

// dir returns the directory of app and makes it if need be.
func (s *Store) dir(app account.AppID) *dir {
	if d, ok := s.dirs[app]; ok {
		return d
	}
	if s.dirs == nil {
		s.dirs = map[account.AppID]*dir{}
	}
	d := &dir{
		live: map[account.UserID]account.Account{},
		gone: map[account.UserID]time.Time{},
		kick: map[account.UserID]int64{},
	}
	s.dirs[app] = d
	return d
}

// writing calls fn with the directory of app, unless ctx has ended or there is no such
// app.
func (s *Store) writing(ctx context.Context, app account.AppID, fn func(*dir)) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.app(app); err != nil {
		return err
	}
	fn(s.dir(app))
	return nil
}

// locked calls fn with the directory of app, unless ctx has ended.
func (s *Store) locked(ctx context.Context, app account.AppID, fn func(*dir)) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s.dir(app))
	return nil
}

// Upsert implements [account.Store].
func (s *Store) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) (rs []account.UpsertResult, err error) {
	err = s.writing(ctx, app, func(d *dir) {
		for _, u := range items {
			rs = append(rs, s.upsert(d, u, p))
		}
	})
	return rs, err
}

func (s *Store) upsert(d *dir, u account.Upsert, p account.UpsertPolicy) account.UpsertResult {
	u.ID, u.Nick, u.FaceURL = account.UserID(strings.Clone(string(u.ID))), strings.Clone(u.Nick), strings.Clone(u.FaceURL)
	if a, ok := d.live[u.ID]; ok {
		u.Apply(&a, p.Now)
		d.live[u.ID] = a
		return account.UpsertResult{Code: account.OK, InternalID: a.InternalID}
	}
	deleted, gone := d.gone[u.ID]
	switch {
	case gone && !deleted.Before(p.TombstoneBefore):
		return account.UpsertResult{Code: account.Tombstoned}
	case p.Limit > 0 && int64(len(d.live)) >= p.Limit:
		return account.UpsertResult{Code: account.QuotaFull}
	}
	s.lastID++
	delete(d.gone, u.ID)
	now := account.Millis(p.Now)
	d.live[u.ID] = account.Account{
		ID: u.ID, InternalID: s.lastID, Nick: u.Nick, FaceURL: u.FaceURL,
		Created: now, Updated: now, Kicked: d.kick[u.ID],
	}
	return account.UpsertResult{Code: account.OK, Created: true, InternalID: s.lastID}
}

// Status implements [account.Store].
func (s *Store) Status(ctx context.Context, app account.AppID, ids []account.UserID) (rs []account.Status, err error) {
	err = s.locked(ctx, app, func(d *dir) {
		for _, id := range ids {
			rs = append(rs, account.Status{InternalID: d.live[id].InternalID, Kicked: d.kick[id]})
		}
	})
	return rs, err
}

// Lookup implements [account.Store].
func (s *Store) Lookup(ctx context.Context, app account.AppID, ids []account.UserID) (as []account.Account, err error) {
	err = s.locked(ctx, app, func(d *dir) {
		for _, id := range ids {
			as = append(as, d.account(id))
		}
	})
	return as, err
}

// account returns a copy that shares nothing with d.
func (d *dir) account(id account.UserID) account.Account {
	a := d.live[id]
	a.ID = id
	a.Profile = slices.Clone(a.Profile)
	return a
}

// Update implements [account.Store].
func (s *Store) Update(ctx context.Context, app account.AppID, patches []account.Patch, now time.Time) (cs []account.Code, err error) {
	err = s.writing(ctx, app, func(d *dir) {
		for _, p := range patches {
			cs = append(cs, d.update(p, now))
		}
	})
	return cs, err
}

func (d *dir) update(p account.Patch, now time.Time) account.Code {
	a, ok := d.live[p.ID]
	if !ok {
		return account.NoAccount
	}
	p.Apply(&a, now)
	d.live[p.ID] = a
	d.kick[p.ID] = a.Kicked
	return account.OK
}

// Delete implements [account.Store].
func (s *Store) Delete(ctx context.Context, app account.AppID, ids []account.UserID, now time.Time) (cs []account.Code, err error) {
	err = s.writing(ctx, app, func(d *dir) {
		for _, id := range ids {
			if s.apps[app].IsAdmin(id) {
				cs = append(cs, account.AdminProtected)
			} else {
				cs = append(cs, d.delete(id, now))
			}
		}
	})
	return cs, err
}

func (d *dir) delete(id account.UserID, now time.Time) account.Code {
	if _, ok := d.live[id]; !ok {
		return account.NoAccount
	}
	delete(d.live, id)
	d.gone[id] = account.Millis(now)
	return account.OK
}

// List implements [account.Store].
func (s *Store) List(ctx context.Context, app account.AppID, q account.ListQuery) (page account.ListPage, err error) {
	err = s.locked(ctx, app, func(d *dir) {
		for _, id := range slices.Sorted(maps.Keys(d.live)) {
			if id <= q.After || !strings.HasPrefix(string(id), string(q.Prefix)) {
				continue
			}
			if len(page.Accounts) == q.Limit {
				page.Next = page.Accounts[q.Limit-1].ID
				break
			}
			page.Accounts = append(page.Accounts, d.account(id))
		}
	})
	return page, err
}

// Count implements [account.Store].
func (s *Store) Count(ctx context.Context, app account.AppID) (n int64, err error) {
	err = s.locked(ctx, app, func(d *dir) { n = int64(len(d.live)) })
	return n, err
}

// Ready implements [account.Store].
func (s *Store) Ready(context.Context) error { return nil }

// Close implements [account.Store].
func (s *Store) Close() error { return nil }
