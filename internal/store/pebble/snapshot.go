package pebble

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
)

var _ account.Snapshotter = (*Store)(nil)

// Limits of copies.
const (
	maxCopies   = 4           // in progress, including copies to disks that hang
	copyStall   = time.Minute // time without progress after which a copy ends
	stagePrefix = "copy-"     // of the names of directories inside that of the store
)

// Snapshot implements [account.Snapshotter]. It first links the files of one moment into a
// directory inside the store's own, and then copies them from there. Flushes wait only for
// the first step, so a target that is slow, full, broken or hangs delays no write. Tables
// are linked if the target is on the same file system. The copy then takes little space
// until tables are rewritten.
//
// If it fails, Snapshot removes what it has created at dir, unless the target does not
// respond.
func (s *Store) Snapshot(ctx context.Context, dir string) error {
	select {
	case s.copies <- struct{}{}:
	default:
		return &account.Error{Code: account.Unavailable, Detail: fmt.Sprintf("%d copies are under way; wait for one to end, or restart the server if their disk hangs", maxCopies)}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := guard.NewCopier(ctx, s.fs)
	done := make(chan error, 1)
	go func() {
		defer func() { <-s.copies }()
		done <- s.snapshot(ctx, c, dir)
	}()
	return c.Wait(done, copyStall)
}

// snapshot creates a copy, and removes the incomplete copy if it fails.
func (s *Store) snapshot(ctx context.Context, c *guard.Copier, dir string) error {
	staged, err := s.stage(ctx)
	if err != nil {
		return err
	}
	err = c.Tree(staged, dir)
	if err != nil {
		err = errors.Join(err, s.fs.RemoveAll(dir))
	}
	if removed := s.fs.RemoveAll(staged); removed != nil {
		s.errors.Log(removed) // the next Open removes it
	}
	return err
}

// stage links the files of one moment into a directory inside the store.
func (s *Store) stage(ctx context.Context) (dir string, err error) {
	if err := s.enter(); err != nil {
		return "", err
	}
	defer s.calls.Done()
	if err := s.flushPebble(ctx); err != nil {
		return "", err
	}
	dir = s.fs.PathJoin(s.dir, fmt.Sprintf(stagePrefix+"%06d", s.staged.Add(1)))
	err = s.failure.Shielded(func() error {
		durable, err := s.checkpoint(ctx, dir)
		if err != nil {
			return err
		}
		if err := guard.CutLogs(s.fs, dir, durable); err != nil {
			return err
		}
		return guard.CreateChecksums(s.fs, dir)
	}, 0)
	switch {
	case account.CodeOf(err) == account.Unavailable: // ctx has ended
		return "", err
	case err != nil:
		return "", cannotBegin(errors.Join(err, s.fs.RemoveAll(dir)))
	}
	return dir, nil
}

// checkpoint links the files of one moment, and returns how much of each log was durable
// before. No flush runs meanwhile. Otherwise the copy could lack the tables of a half-done
// flush, and contain the end of the journal that they replace.
func (s *Store) checkpoint(ctx context.Context, dir string) (durable map[string]int64, err error) {
	s.flusher.mu.Lock()
	defer s.flusher.mu.Unlock()
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	if err := s.db.LogData(nil, pebble.Sync); err != nil { // makes sure that there is a log
		return nil, err
	}
	durable = s.sums.LogLengths()
	return durable, s.db.Checkpoint(dir)
}

// cannotBegin converts an error of the disk of the store to the error for the caller.
func cannotBegin(err error) error {
	return &account.Error{
		Code:   account.Internal,
		Detail: "the copy cannot begin: its first step writes a few files into the data directory, and that failed; free space there, or check its disk",
		Err:    errors.New(firstLine(err)), // without the system's error, which a caller would take for an error of the target
	}
}

// flushPebble makes sure that Pebble has flushed its memtable once since the start.
// Otherwise a copy could be empty: a start that has nothing to flush opens no manifest,
// and the checkpoint of Pebble assumes that a manifest that is not open has size 0.
func (s *Store) flushPebble(ctx context.Context) error {
	if s.pebbleFlushed.Load() {
		return nil
	}
	err := s.failure.Shielded(func() error {
		done, err := s.db.AsyncFlush()
		if err != nil {
			return err
		}
		select {
		case <-done:
			s.pebbleFlushed.Store(true)
			return nil
		case <-ctx.Done():
			return account.Ended(ctx)
		}
	}, 0)
	if err != nil && account.CodeOf(err) != account.Unavailable {
		return cannotBegin(err)
	}
	return err
}
