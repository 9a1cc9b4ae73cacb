// Package mem implements [account.Engine] in memory. It is the reference that
// the other engines are tested against, and the store of unit tests. All data is
// lost when the process ends.
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

// A Store is a handle of an engine in memory. The zero Store is the first handle of an
// empty engine. [Store.Handle] returns more.
type Store struct {
	once  sync.Once
	state *state

	lag     time.Duration // see Handle
	late    []event       // of other handles, oldest first
	changes map[account.Kind]uint64
}

var _ account.Engine = (*Store)(nil)

// A state is the data that all handles of an engine share. Its lock also guards the
// fields late and changes of the handles.
type state struct {
	mu      sync.Mutex
	handles []*Store
	lastID  uint64 // the newest InternalID
	spaces  map[account.AppID]*space
	number  uint64 // of the newest commit
	records map[account.Kind]map[string]account.Record
}

// A space contains the ids of an app.
type space struct {
	app    account.AppID
	admins []account.UserID
	live   map[account.UserID]account.Account
	gone   map[account.UserID]time.Time // tombstones: times of deletions
	kick   map[account.UserID]int64     // watermarks, including those of ids in gone
}

func newSpace(app account.AppID) *space {
	return &space{
		app:  app,
		live: map[account.UserID]account.Account{},
		gone: map[account.UserID]time.Time{},
		kick: map[account.UserID]int64{},
	}
}

// locked calls fn with the state, unless ctx has ended.
func (s *Store) locked(ctx context.Context, fn func(*state) error) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	s.enter()
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return fn(s.state)
}

// writing calls fn with the space of app and writes the records that it returns.
func (s *Store) writing(ctx context.Context, app account.AppID, fn func(*state, *space) ([]account.Write, error)) error {
	return s.locked(ctx, func(st *state) error {
		d, ok := st.spaces[app]
		if !ok {
			return &account.Error{Code: account.NoApp, Detail: "no app has that SDKAppID"}
		}
		ws, err := fn(st, d)
		if len(ws) > 0 {
			s.write(st, ws)
		}
		return err
	})
}

// reading calls fn with the space of app, or with an empty space if there is none.
func (s *Store) reading(ctx context.Context, app account.AppID, fn func(*space)) error {
	return s.locked(ctx, func(st *state) error {
		d, ok := st.spaces[app]
		if !ok {
			d = newSpace(app)
		}
		fn(d)
		return nil
	})
}

// Upsert implements [account.Store].
func (s *Store) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	var rs []account.UpsertResult
	err := s.writing(ctx, app, func(st *state, d *space) ([]account.Write, error) {
		for _, u := range items {
			rs = append(rs, st.upsert(d, u, p))
		}
		return account.CallOutbox(p.Outbox, rs)
	})
	if err != nil {
		return nil, err
	}
	return rs, nil
}

func (st *state) upsert(d *space, u account.Upsert, p account.UpsertPolicy) account.UpsertResult {
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
	st.lastID++
	delete(d.gone, u.ID)
	now := account.Millis(p.Now)
	d.live[u.ID] = account.Account{
		ID: u.ID, InternalID: st.lastID, Nick: u.Nick, FaceURL: u.FaceURL,
		Created: now, Updated: now, Kicked: d.kick[u.ID],
	}
	return account.UpsertResult{Code: account.OK, Created: true, InternalID: st.lastID}
}

// Watermark implements [account.Store].
func (s *Store) Watermark(ctx context.Context, app account.AppID, id account.UserID) (kicked int64, err error) {
	err = s.reading(ctx, app, func(d *space) { kicked = s.watermark(d, id) })
	return kicked, err
}

// Deleted implements [account.Rememberer].
func (s *Store) Deleted(ctx context.Context, app account.AppID, id account.UserID) (deleted time.Time, err error) {
	err = s.reading(ctx, app, func(d *space) { deleted = d.gone[id] })
	return deleted, err
}

// Status implements [account.Store].
func (s *Store) Status(ctx context.Context, app account.AppID, ids []account.UserID) (rs []account.Status, err error) {
	err = s.reading(ctx, app, func(d *space) {
		for _, id := range ids {
			rs = append(rs, account.Status{InternalID: d.live[id].InternalID, Kicked: d.kick[id]})
		}
	})
	return rs, err
}

// Lookup implements [account.Store].
func (s *Store) Lookup(ctx context.Context, app account.AppID, ids []account.UserID) (as []account.Account, err error) {
	err = s.reading(ctx, app, func(d *space) {
		for _, id := range ids {
			as = append(as, d.account(id))
		}
	})
	return as, err
}

// account returns a copy that shares nothing with d.
func (d *space) account(id account.UserID) account.Account {
	a := d.live[id]
	a.ID = id
	a.Profile = slices.Clone(a.Profile)
	return a
}

// Update implements [account.Store].
func (s *Store) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	var cs []account.Code
	err := s.writing(ctx, app, func(_ *state, d *space) ([]account.Write, error) {
		for _, patch := range patches {
			cs = append(cs, s.update(d, patch, p.Now))
		}
		return account.CallOutbox(p.Outbox, cs)
	})
	if err != nil {
		return nil, err
	}
	return cs, nil
}

func (s *Store) update(d *space, p account.Patch, now time.Time) account.Code {
	a, ok := d.live[p.ID]
	if !ok {
		return account.NoAccount
	}
	before := a.Kicked
	p.Apply(&a, now)
	d.live[p.ID] = a
	if a.Kicked != before {
		d.kick[p.ID] = a.Kicked
		s.publish(event{app: d.app, id: p.ID, before: before})
	}
	return account.OK
}

// Delete implements [account.Store].
func (s *Store) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	var cs []account.Code
	err := s.writing(ctx, app, func(_ *state, d *space) ([]account.Write, error) {
		for _, id := range ids {
			cs = append(cs, d.delete(id, p.Now))
		}
		return account.CallOutbox(p.Outbox, cs)
	})
	if err != nil {
		return nil, err
	}
	return cs, nil
}

func (d *space) delete(id account.UserID, now time.Time) account.Code {
	if slices.Contains(d.admins, id) {
		return account.AdminProtected
	}
	if _, ok := d.live[id]; !ok {
		return account.NoAccount
	}
	delete(d.live, id)
	d.gone[id] = account.Millis(now)
	return account.OK
}

// List implements [account.Store].
func (s *Store) List(ctx context.Context, app account.AppID, q account.ListQuery) (page account.ListPage, err error) {
	err = s.reading(ctx, app, func(d *space) {
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
	err = s.reading(ctx, app, func(d *space) { n = int64(len(d.live)) })
	return n, err
}

// Ready implements [account.Store].
func (s *Store) Ready(context.Context) error { return nil }

// Close implements [account.Store]. Other handles remain usable.
func (s *Store) Close() error {
	return s.locked(context.Background(), func(st *state) error {
		st.handles = slices.DeleteFunc(st.handles, func(h *Store) bool { return h == s })
		return nil
	})
}
