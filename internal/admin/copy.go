package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/backup"
)

// cleanupGrace is for how long a backup that failed waits for its partial copy to be
// removed: the disk it went to may not answer.
const cleanupGrace = 2 * time.Second

// copyTo copies the store into a new directory at dir, or returns false if the
// store cannot be copied. The copy gets its name when it is whole. One that fails is
// removed, so that the call can be repeated.
//
// It returns when ctx ends, whether or not the disk answers.
func (s *Server) copyTo(ctx context.Context, dir string) (able bool, err error) {
	type outcome struct {
		able bool
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		partial := dir + ".partial-" + rand.Text()[:8]
		able, err := s.copyWhole(ctx, partial, dir)
		if !able || err != nil {
			err = errors.Join(diskFault(dir, err), removeWithin(cleanupGrace, partial))
		}
		done <- outcome{able, err}
	}()
	select {
	case o := <-done:
		return o.able, o.err
	case <-ctx.Done():
	}
	select { // it may have ended at the same time, or be cleaning up
	case o := <-done:
		return o.able, o.err
	case <-time.After(cleanupGrace):
		return true, account.Ended(ctx)
	}
}

// copyWhole makes a copy at partial, and renames it to dir.
func (s *Server) copyWhole(ctx context.Context, partial, dir string) (able bool, err error) {
	if err := os.Mkdir(partial, 0o700); err != nil {
		return true, err
	}
	able, err = s.dir.Snapshot(ctx, filepath.Join(partial, backup.Store))
	if !able || err != nil {
		return able, err
	}
	if _, err := backup.Describe(partial, time.Now()); err != nil {
		return true, err
	}
	if err := errors.Join(syncDir(partial), account.Ended(ctx)); err != nil {
		return true, err
	}
	return true, errors.Join(os.Rename(partial, dir), syncDir(filepath.Dir(dir)))
}

// removeWithin removes a directory, and does not wait longer than limit for that.
func removeWithin(limit time.Duration, dir string) error {
	done := make(chan error, 1)
	go func() { done <- os.RemoveAll(dir) }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return nil
	}
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
