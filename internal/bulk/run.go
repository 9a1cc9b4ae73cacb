package bulk

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/records"
	"rollcall/internal/source"
)

const (
	leaseTime  = 30 * time.Second // a task whose node has ended is taken over after it
	leaseRenew = 10 * time.Second

	commitTime = 10 * time.Second // of one attempt to commit a chunk
	patience   = time.Minute      // with a store that accepts nothing

	// pollEvery is how often a task that waits looks for changes by other nodes.
	pollEvery = 500 * time.Millisecond
)

// A run is the task that works on one import. Only its goroutine uses it, except for the
// fields at its end.
type run struct {
	loader
	owner   string
	seen    uint64    // number of changes of imports when imp was read
	renewed time.Time // of the lease
	pacer   pacer
	stop    <-chan struct{} // closed when the task must end: nothing more is begun
	alive   func()          // called while the task waits, so that its connection stays open

	// For other goroutines.
	wake     chan struct{} // contains one after a change on this node
	maxRows  atomic.Int64  // of a chunk
	row      atomic.Int64  // the last durable row
	began    time.Time
	firstRow atomic.Int64
	reading  atomic.Pointer[source.File] // the file of a job; nil before its first row
}

// start takes an import over, so that no other task works on it, and returns the task.
// Codes: NoImport, and Conflict if another task works on it or if it has ended.
func (s *Service) start(ctx context.Context, i *records.Import, stop <-chan struct{}) (*run, error) {
	r := &run{owner: s.node + "/" + i.ID, stop: stop, alive: func() {}, wake: make(chan struct{}, 1), began: s.now()}
	s.mu.Lock()
	if s.running[i.ID] != nil {
		s.mu.Unlock()
		return nil, errBusy
	}
	s.running[i.ID] = r
	s.mu.Unlock()
	if err := r.take(ctx, s, i); err != nil {
		s.drop(i)
		return nil, err
	}
	return r, nil
}

var errBusy error = &account.Error{Code: account.Conflict, Detail: "another request or server is working on the import; wait until that has ended"}

// take makes r the owner of an import and reads its progress, which nobody else changes
// from now on.
func (r *run) take(ctx context.Context, s *Service, i *records.Import) error {
	r.seen = s.records.ImportChanges()
	taken, err := s.records.ChangeImport(ctx, i, func(i *records.Import) error {
		switch {
		case i.Ended != "":
			return errEnded
		case s.owned(i) && !s.ours(i):
			return errBusy
		}
		i.Owner, i.Until = r.owner, account.Millis(s.now().Add(leaseTime))
		return nil
	}, nil)
	if account.CodeOf(err) == account.NoRecord {
		return errNoImport
	}
	if err != nil {
		return err
	}
	r.loader = loader{s: s, imp: taken}
	r.renewed = s.now()
	if r.progress, err = s.records.Progress(ctx, i); err != nil {
		return err
	}
	r.firstRow.Store(r.progress.Row)
	r.row.Store(r.progress.Row)
	r.maxRows.Store(s.chunkRowsAt(taken.Rate))
	return nil
}

// errStopped says that the task must stop; another one can go on with the import.
var errStopped = errors.New("the import was stopped")

// errEnded says that the import has ended, perhaps by a call of Cancel.
var errEnded = errors.New("the import has ended")

// drop removes the task of an import.
func (s *Service) drop(i *records.Import) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, i.ID)
}

// end gives the import back. If it has not ended, another task can go on with it.
func (r *run) end(ctx context.Context) {
	defer r.s.drop(r.imp)
	_, err := r.s.records.ChangeImport(ctx, r.imp, func(i *records.Import) error {
		if i.Owner != r.owner {
			return errEnded
		}
		i.Owner, i.Until = "", time.Time{}
		return nil
	}, nil)
	_ = err // the lease ends by itself
}

// changed tells r that its import was changed.
func (r *run) changed() {
	select {
	case r.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// measure adds the speed of r to an import that is shown.
func (r *run) measure(shown *adminapi.Import, now time.Time) {
	elapsed := now.Sub(r.began).Seconds()
	if rows := r.row.Load() - r.firstRow.Load(); rows > 0 && elapsed > 0 {
		shown.RowsPerSecond = float64(rows) / elapsed
	}
	f := r.reading.Load()
	if f == nil || f.Size == 0 {
		return
	}
	share := min(float64(f.Offset())/float64(f.Size), 1)
	shown.Percent = 100 * share
	if elapsed > 1 && share > 0 {
		shown.ETASeconds = int64(elapsed * (1 - share) / share)
	}
}

// commit commits a chunk when the pause and the rate of the import allow it. The error is
// errStopped, errEnded, or says why the import cannot go on.
func (r *run) commit(ctx context.Context, c *chunk) error {
	if err := r.allow(ctx); err != nil {
		return err
	}
	rows := c.last - c.first + 1
	if err := r.attempts(ctx, c); err != nil {
		return err
	}
	r.row.Store(r.progress.Row)
	r.pacer.took(r.s.now(), rows, r.imp.Rate)
	return nil
}

// attempts commits a chunk. It tries again as long as the store changes nothing.
func (r *run) attempts(ctx context.Context, c *chunk) error {
	for begin := r.s.now(); ; {
		attempt, cancel := context.WithTimeout(ctx, commitTime)
		err := r.load(attempt, c)
		cancel()
		if account.CodeOf(err) != account.Unavailable || r.s.now().Sub(begin) > patience {
			return err
		}
		select {
		case <-r.stop:
			return errStopped
		case <-ctx.Done():
			return err
		case <-time.After(r.s.poll):
			r.alive()
		}
		// Another node takes the import over when the lease has ended.
		switch err := r.refresh(ctx); account.CodeOf(err) {
		case account.OK, account.Unavailable, account.Unknown:
		default:
			return err
		}
	}
}

// allow waits until the import may go on, and renews its lease.
func (r *run) allow(ctx context.Context) error {
	for {
		if err := r.refresh(ctx); err != nil {
			return err
		}
		wait := r.s.poll
		if r.imp.Pause && r.imp.Job != nil {
			return errStopped // it goes on when it is resumed, and does not keep other jobs waiting
		}
		if !r.imp.Pause {
			left := r.pacer.next.Sub(r.s.now())
			if left <= 0 || r.imp.Rate <= 0 {
				return nil
			}
			wait = min(wait, left)
		}
		timer := time.NewTimer(wait)
		select {
		case <-r.stop:
			timer.Stop()
			return errStopped
		case <-ctx.Done():
			timer.Stop()
			return errStopped
		case <-r.wake:
			timer.Stop()
		case <-timer.C:
		}
		r.alive()
	}
}

// refresh reads the import if it was changed, and renews the lease if need be. It returns
// errStopped if r must stop, and errEnded if the import has ended.
func (r *run) refresh(ctx context.Context) error {
	select {
	case <-r.stop:
		return errStopped
	default:
	}
	changes, now := r.s.records.ImportChanges(), r.s.now()
	renew := now.Sub(r.renewed) > leaseRenew
	if changes == r.seen && !renew {
		return nil
	}
	r.seen = changes
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	imp, err := r.current(ctx, renew)
	if err != nil {
		return err
	}
	if renew {
		r.renewed = now
	}
	if imp.Rate != r.imp.Rate {
		r.pacer = pacer{} // it waits for the rows before at the old rate
	}
	r.imp = imp
	r.maxRows.Store(r.s.chunkRowsAt(imp.Rate))
	return nil
}

// current returns the import as it is stored, with a new lease if renew is set.
func (r *run) current(ctx context.Context, renew bool) (*records.Import, error) {
	check := func(i *records.Import) error {
		switch {
		case i.ID != r.imp.ID:
			return errGone
		case i.Ended != "":
			return errEnded
		case i.Owner != r.owner:
			return errBusy
		}
		return nil
	}
	var imp *records.Import
	var err error
	if renew {
		imp, err = r.s.records.ChangeImport(ctx, r.imp, func(i *records.Import) error {
			i.Until = account.Millis(r.s.now().Add(leaseTime))
			return check(i)
		}, nil)
	} else if imp, err = r.s.records.Import(ctx, r.imp.App, r.imp.Key); err == nil {
		err = check(imp)
	}
	if account.CodeOf(err) == account.NoRecord {
		err = errGone
	}
	return imp, err
}

var errGone error = &account.Error{Code: account.NoImport, Detail: "the import was removed meanwhile, because its app was reset or deleted; begin another one"}

// finish ends the import with a final state. why is the reason of a failure.
func (r *run) finish(ctx context.Context, state, why string) error {
	p := r.progress
	detail := fmt.Sprintf("%s, %s: rows %d, imported %d, created %d, failed %d", r.imp.Key, state, p.Row, p.Imported, p.Created, p.Failed)
	by := r.s.dir.Entry(ctx, r.imp.Actor, "import.end", r.imp.App, detail)
	done, err := r.s.records.ChangeImport(ctx, r.imp, func(i *records.Import) error {
		if i.Ended != "" {
			return errEnded
		}
		i.Ended, i.Error, i.Finished, i.Pause = state, why, account.Millis(r.s.now()), false
		i.Owner, i.Until = "", time.Time{}
		return nil
	}, &by)
	if account.CodeOf(err) == account.NoRecord {
		return errGone
	}
	if err == nil {
		r.imp = done
	}
	return err
}

// Running returns the number of imports that this process works on.
func (s *Service) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.running)
}
