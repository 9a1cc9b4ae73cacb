package pebble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/record"
)

// A Store is an engine in one directory, see [Open].
type Store struct {
	fs      vfs.FS // without guards, for copies and checks
	dir     string
	lg      *slog.Logger
	db      *pebble.DB
	lock    *pebble.Lock
	pebble  *pebble.Options
	view    *view
	table   *idtable.Table
	changes [kinds]atomic.Uint64 // of records, by kind
	commits *committer
	failure *guard.Failure
	space   *guard.Space
	errors  *guard.Errors // of background work
	limit   *journalLimit // of the journal
	upserts sync.Pool     // of *upsert
	flusher *flusher
	pacer   *guard.Pacer     // of compactions
	sums    *guard.Checksums // of the log and the manifest

	gate   sync.RWMutex // guards closed, and keeps calls from beginning after it is set
	closed bool
	calls  sync.WaitGroup // under way

	started atomic.Bool // everything was read
	format  int         // of the data when the store was opened, see settle

	converted *pebble.Batch // records that showConverted shows; nil in most stores

	reads         chan struct{}  // has one for each read under way
	copies        chan struct{}  // has one for each copy under way
	staged        atomic.Int64   // copies begun
	pebbleFlushed atomic.Bool    // Pebble has flushed since the start, see flushPebble
	closing       chan struct{}  // closed when Close begins, to end exports
	stop          chan struct{}  // closed to end the background work
	ended         sync.WaitGroup // goroutines of the store
}

var _ account.Engine = (*Store)(nil)

// enter begins a call, which ends with calls.Done. It returns an error if the store is
// closed.
func (s *Store) enter() error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return errClosed
	}
	s.calls.Add(1)
	return nil
}

// write runs decide in the committer, see [committer.submit]. size is roughly how many
// bytes decide will write.
func (s *Store) write(ctx context.Context, size int, decide func(*group) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.calls.Done()
	for _, err := range []error{account.Ended(ctx), s.failure.Check(), s.space.Check()} {
		if err != nil {
			return err
		}
	}
	return s.commits.submit(ctx, size, func(g *group) error {
		if g.outOfPositions() {
			return errNoPositions
		}
		return decide(g)
	})
}

// Upsert implements [account.Store].
func (s *Store) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	for i := range items {
		if err := tooLong(items[i].ID); err != nil {
			return nil, err
		}
	}
	u := s.upsert(app, items, p)
	rs := make([]account.UpsertResult, len(items))
	err := s.write(ctx, u.bytes(), func(g *group) error {
		if !g.hasSpace(app) {
			return errNoApp
		}
		// The outbox hears of the accounts before the one that fails.
		err := g.upsert(u, rs)
		return cmp.Or(err, writeOutbox(g, p.Outbox, rs))
	})
	if err != nil {
		return nil, err
	}
	s.reuse(u)
	return rs, nil
}

// Update implements [account.Store].
func (s *Store) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	patches = slices.Clone(patches)
	size := 0
	for i, patch := range patches {
		if err := tooLong(patch.ID); err != nil {
			return nil, err
		}
		patches[i].Fields = slices.Clone(patch.Fields)
		size += record.Overhead
		for _, f := range patch.Fields {
			size += record.Overhead + len(f.Value.Text)
		}
	}
	cs := make([]account.Code, len(patches))
	err := s.write(ctx, size, func(g *group) (err error) {
		if !g.hasSpace(app) {
			return errNoApp
		}
		for i, patch := range patches {
			name := record.AppendName(nil, app, patch.ID)
			if cs[i], err = g.update(s.table.Hash(name), name, patch, p.Now); err != nil {
				break // the outbox hears of the patches before this one
			}
		}
		return cmp.Or(err, writeOutbox(g, p.Outbox, cs))
	})
	if err != nil {
		return nil, err
	}
	return cs, nil
}

// Delete implements [account.Store].
func (s *Store) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	if err := tooLong(ids...); err != nil {
		return nil, err
	}
	ids = slices.Clone(ids)
	cs := make([]account.Code, len(ids))
	err := s.write(ctx, record.Overhead*len(ids), func(g *group) error {
		admins, ok := g.spaces[app]
		if !ok {
			return errNoApp
		}
		var name []byte
		for i, id := range ids {
			if slices.Contains(admins, id) {
				cs[i] = account.AdminProtected
				continue
			}
			name = record.AppendName(name[:0], app, id)
			cs[i] = g.delete(app, s.table.Hash(name), name, p.Now)
		}
		return writeOutbox(g, p.Outbox, cs)
	})
	if err != nil {
		return nil, err
	}
	return cs, nil
}

// Watermark implements [account.Store].
func (s *Store) Watermark(ctx context.Context, app account.AppID, id account.UserID) (int64, error) {
	if err := account.Ended(ctx); err != nil {
		return 0, err
	}
	return s.table.Lookup(record.AppendName(nil, app, id)).Kicked, nil
}

// Deleted implements [account.Rememberer].
func (s *Store) Deleted(ctx context.Context, app account.AppID, id account.UserID) (time.Time, error) {
	if err := account.Ended(ctx); err != nil {
		return time.Time{}, err
	}
	e := s.table.Lookup(record.AppendName(nil, app, id))
	if !e.Gone {
		return time.Time{}, nil
	}
	return time.UnixMilli(e.Deleted).UTC(), nil
}

// Status implements [account.Store].
func (s *Store) Status(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Status, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	rs := make([]account.Status, len(ids))
	s.table.LookupAll(app, ids, func(i int, e idtable.Entry) {
		rs[i] = account.Status{InternalID: e.InternalID, Kicked: e.Kicked}
	})
	return rs, nil
}

// Count implements [account.Store].
func (s *Store) Count(ctx context.Context, app account.AppID) (int64, error) {
	if err := account.Ended(ctx); err != nil {
		return 0, err
	}
	return s.table.Count(app), nil
}

// Lookup implements [account.Store].
func (s *Store) Lookup(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Account, error) {
	as := make([]account.Account, len(ids))
	ids = slices.Clone(ids)
	err := s.read(ctx, func() error {
		entries := make([]idtable.Entry, len(ids))
		st := s.view.acquireWith(func() {
			s.table.LookupAll(app, ids, func(i int, e idtable.Entry) { entries[i] = e })
		})
		defer s.view.release(st)
		if err := st.accounts(app, ids, entries, as); err != nil {
			return internal("the accounts cannot be read", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as, nil
}

// maxReads is how many reads may be under way. It limits how many accumulate on a disk
// that hangs.
const maxReads = 1024

// read runs fn, which may wait for the disk, in its own goroutine, and returns when ctx
// ends. fn must not use memory of the caller.
func (s *Store) read(ctx context.Context, fn func() error) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	select {
	case s.reads <- struct{}{}:
	case <-ctx.Done():
		return account.Ended(ctx)
	}
	if err := s.enter(); err != nil {
		<-s.reads
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer s.calls.Done()
		defer func() { <-s.reads }()
		done <- fn()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return account.Ended(ctx)
	}
}

// iterate calls fn with an iterator over the keys from lower to before upper.
func iterate(r pebble.Reader, lower, upper []byte, fn func(*pebble.Iterator) error) error {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	err = fn(it)
	return errors.Join(err, it.Close()) // Close returns errors of the iteration
}

// internal returns an error with Code Internal.
func internal(detail string, cause error) error {
	return &account.Error{Code: account.Internal, Detail: detail + "; see the server's log", Err: cause}
}

// Ready implements [account.Store].
func (s *Store) Ready(context.Context) error {
	if err := s.failure.Check(); err != nil {
		return err
	}
	if d := s.commits.stuck(); d > slowCommit {
		return &account.Error{
			Code:   account.Unavailable,
			Detail: "the disk does not answer; check it",
			Err:    fmt.Errorf("a commit has been under way for %v", d.Round(time.Second)),
		}
	}
	return cmp.Or(s.space.Check(), s.errors.Check())
}

// Limits of Close, which waits for the disk.
const (
	closeLimit       = 30 * time.Second // while the disk responds, however slowly
	closeLimitFailed = time.Second      // while it does not
)

// Close implements [account.Store]. If the store has failed, Close returns that error. If
// its disk hangs, Close gives up after a while. Acknowledged changes are safe in both
// cases, and the directory stays locked until the process ends.
func (s *Store) Close() error {
	if err := s.failure.Check(); err != nil {
		close(s.stop)
		return err
	}
	limit := closeLimit
	if s.commits.stuck() > slowCommit || s.errors.Check() != nil {
		limit = closeLimitFailed
	}
	if err := s.failure.Shielded(s.close, limit); err != nil {
		return internal("the data directory was not closed cleanly", err)
	}
	return nil
}

// close writes nothing. The next start replays the rest of the journal.
func (s *Store) close() error {
	s.gate.Lock()
	s.closed = true
	close(s.closing)
	s.gate.Unlock()
	s.calls.Wait()
	close(s.stop)
	s.ended.Wait()
	close(s.commits.quit)
	<-s.commits.done
	s.view.close()
	if s.converted != nil {
		_ = s.converted.Close() // it cannot fail
	}
	return errors.Join(s.db.Close(), s.sums.Close(), s.lock.Close())
}
