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

// Bounds of copies.
const (
	maxCopies   = 4           // under way, those to disks that hang among them
	copyStall   = time.Minute // without a byte written, after which a copy is given up
	stagePrefix = "copy-"     // of directories in the store's own
)

// Snapshot implements [account.Snapshotter]. It takes the files of one moment first,
// as links in a directory of the store's own file system, and copies them from there.
// Flushes wait for the first step alone, so a target that is slow, full, broken or hangs
// keeps no write waiting. Tables are linked where the target is on the same file
// system, so the copy takes little space until they are rewritten.
//
// What it made at dir is removed if it fails, unless the target does not answer.
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

// snapshot makes a copy and removes what is left of it when it fails.
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
		s.errors.Log(removed) // the next Open does
	}
	return err
}

// stage links the files of one moment into a directory of its own.
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
	case account.CodeOf(err) == account.Unavailable: // the caller has gone
		return "", err
	case err != nil:
		return "", cannotBegin(errors.Join(err, s.fs.RemoveAll(dir)))
	}
	return dir, nil
}

// checkpoint links the files of one moment, and returns how much of each log was durable
// before. No flush runs meanwhile: half of it could leave its tables out of the copy, and
// bring the end of the journal that they replace.
func (s *Store) checkpoint(ctx context.Context, dir string) (durable map[string]int64, err error) {
	s.flusher.mu.Lock()
	defer s.flusher.mu.Unlock()
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	if err := s.db.LogData(nil, pebble.Sync); err != nil { // so that there is a log
		return nil, err
	}
	durable = s.sums.LogLengths()
	return durable, s.db.Checkpoint(dir)
}

// cannotBegin returns what a caller is told of an error of the store's own disk.
func cannotBegin(err error) error {
	return &account.Error{
		Code:   account.Internal,
		Detail: "the copy cannot begin: its first step writes a few files into the data directory, and that failed; free space there, or check its disk",
		Err:    errors.New(firstLine(err)), // not the system's own, which would seem to be the target's
	}
}

// flushPebble makes sure that Pebble has flushed once since the start. A start that has
// nothing to flush opens no manifest, and Pebble's checkpoint takes the size of one that
// is not open for 0: the copy would have an empty one.
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
