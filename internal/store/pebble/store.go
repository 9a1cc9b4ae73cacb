package pebble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
)

// A Store is an engine in one directory, see [Open].
type Store struct {
	db      *pebble.DB
	lock    *pebble.Lock
	view    *view
	table   *table
	apps    *registry
	commits *committer
	failure *failure
	space   *guard
	errors  *limiter // of background work

	calls sync.WaitGroup // under way
	stop  chan struct{}  // ends the guard
	ended sync.WaitGroup // goroutines of the store
}

var _ account.Engine = (*Store)(nil)

// write runs decide in the committer, see [committer.submit]. size is about how
// many bytes it will write.
func (s *Store) write(ctx context.Context, size int, decide func(*group) error) error {
	s.calls.Add(1)
	defer s.calls.Done()
	for _, err := range []error{account.Ended(ctx), s.failure.check(), s.space.check()} {
		if err != nil {
			return err
		}
	}
	return s.commits.submit(ctx, size, decide)
}

// Upsert implements [account.Store].
func (s *Store) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	items = slices.Clone(items) // the caller may reuse its own when ctx has ended
	size := 0
	for _, u := range items {
		size += itemBytes + len(u.Nick) + len(u.FaceURL)
	}
	rs := make([]account.UpsertResult, len(items))
	err := s.write(ctx, size, func(g *group) (err error) {
		for i, u := range items {
			if rs[i], err = g.upsert(app, u, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rs, nil
}

// itemBytes is about what one account takes in a batch, without its profile.
const itemBytes = 64

// Update implements [account.Store].
func (s *Store) Update(ctx context.Context, app account.AppID, patches []account.Patch, now time.Time) ([]account.Code, error) {
	patches = slices.Clone(patches)
	size := 0
	for i, p := range patches {
		patches[i].Fields = slices.Clone(p.Fields)
		size += itemBytes
		for _, f := range p.Fields {
			size += itemBytes + len(f.Value.Text)
		}
	}
	cs := make([]account.Code, len(patches))
	err := s.write(ctx, size, func(g *group) (err error) {
		for i, p := range patches {
			if cs[i], err = g.update(app, p, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cs, nil
}

// Delete implements [account.Store].
func (s *Store) Delete(ctx context.Context, app account.AppID, ids []account.UserID, now time.Time) ([]account.Code, error) {
	ids = slices.Clone(ids)
	cs := make([]account.Code, len(ids))
	err := s.write(ctx, itemBytes*len(ids), func(g *group) error {
		for i, id := range ids {
			cs[i] = g.delete(app, id, now)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cs, nil
}

// Status implements [account.Store].
func (s *Store) Status(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Status, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	rs := make([]account.Status, len(ids))
	for i, id := range ids {
		e := s.table.get(key{app, id})
		rs[i] = account.Status{InternalID: e.internalID, Kicked: e.kicked}
	}
	return rs, nil
}

// Count implements [account.Store].
func (s *Store) Count(ctx context.Context, app account.AppID) (int64, error) {
	if err := account.Ended(ctx); err != nil {
		return 0, err
	}
	return s.table.size(app), nil
}

// Lookup implements [account.Store].
func (s *Store) Lookup(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Account, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	s.calls.Add(1)
	defer s.calls.Done()
	as := make([]account.Account, len(ids))
	live := 0
	for i, id := range ids {
		as[i].ID = id
		if as[i].InternalID = s.table.get(key{app, id}).internalID; as[i].InternalID != 0 {
			live++
		}
	}
	if live == 0 {
		return as, nil
	}
	snap := s.view.acquire() // after the table: it holds what the table has shown
	defer s.view.release(snap)
	var buf []byte
	for i := range as {
		if as[i].InternalID == 0 {
			continue
		}
		buf = appendIDKey(buf[:0], accountSpace, app, as[i].ID)
		var err error
		if as[i], err = read(snap, buf, as[i].ID); err != nil {
			return nil, internal("the accounts cannot be read", err)
		}
	}
	return as, nil
}

// read returns the account stored under key, which need not be there.
func read(r pebble.Reader, key []byte, id account.UserID) (account.Account, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return account.Account{ID: id}, nil
	}
	if err != nil {
		return account.Account{}, err
	}
	defer func() { _ = closer.Close() }()
	return decodeAccount(id, value)
}

// List implements [account.Store].
func (s *Store) List(ctx context.Context, app account.AppID, q account.ListQuery) (page account.ListPage, err error) {
	lower, upper := listBounds(app, q)
	err = s.scan(ctx, lower, upper, func(it *pebble.Iterator) error {
		for ok := it.First(); ok; ok = it.Next() {
			if len(page.Accounts) == q.Limit {
				page.Next = page.Accounts[q.Limit-1].ID
				break
			}
			_, id, _ := splitIDKey(it.Key())
			a, err := decodeAccount(id, it.Value())
			if err != nil {
				return err
			}
			page.Accounts = append(page.Accounts, a)
		}
		return nil
	})
	if err != nil {
		return account.ListPage{}, err
	}
	return page, nil
}

// scan calls fn with an iterator over what is durable between lower and upper.
func (s *Store) scan(ctx context.Context, lower, upper []byte, fn func(*pebble.Iterator) error) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	s.calls.Add(1)
	defer s.calls.Done()
	snap := s.view.acquire()
	defer s.view.release(snap)
	if err := iterate(snap, lower, upper, fn); err != nil {
		return internal("the data cannot be read", err)
	}
	return nil
}

// iterate calls fn with an iterator over the keys from lower to before upper.
func iterate(r pebble.Reader, lower, upper []byte, fn func(*pebble.Iterator) error) error {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	err = fn(it)
	return errors.Join(err, it.Close()) // Close returns what went wrong on the way
}

// Ready implements [account.Store].
func (s *Store) Ready(context.Context) error {
	if err := s.failure.check(); err != nil {
		return err
	}
	if d := s.commits.stuck(); d > slowCommit {
		return &account.Error{
			Code:   account.Unavailable,
			Detail: "the disk does not answer; check it",
			Err:    fmt.Errorf("a commit has been under way for %v", d.Round(time.Second)),
		}
	}
	return cmp.Or(s.space.check(), s.errors.check())
}

// Bounds of Close, which waits for the disk.
const (
	closeLimit       = 30 * time.Second // while the disk answers, however slowly
	closeLimitFailed = time.Second
)

// Close implements [account.Store]. If the store has failed or its disk hangs,
// Close gives up after a while; what was acknowledged is safe all the same, and
// the directory stays locked until the process ends.
func (s *Store) Close() error {
	s.calls.Wait()
	close(s.stop)
	close(s.commits.queue)
	limit := closeLimit
	if s.Ready(context.Background()) != nil {
		limit = closeLimitFailed
	}
	err := shielded(func() error {
		<-s.commits.done
		s.ended.Wait()
		s.view.close()
		if s.Ready(context.Background()) == nil {
			return errors.Join(s.db.Flush(), s.db.Close(), s.lock.Close())
		}
		return errors.Join(s.db.Close(), s.lock.Close())
	}, limit)
	if err != nil {
		return internal("the data directory was not closed cleanly", err)
	}
	return nil
}
