package admin

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/backup"
	"rollcall/internal/durable"
)

// A copy that is not whole has the name of the backup with this suffix and random
// letters.
const (
	partialSuffix       = ".partial-"
	partialSuffixLength = len(partialSuffix) + 8 // with the letters
)

// Bounds of what a backup asks of a disk that may not answer.
const (
	diskPatience = time.Minute     // for one answer
	cleanupGrace = 2 * time.Second // for the removal of a copy that failed
	maxQuestions = 8               // that are not answered yet
)

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
		able, err := s.copyWhole(ctx, dir)
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

// copyWhole makes a copy beside dir, and renames it to dir.
func (s *Server) copyWhole(ctx context.Context, dir string) (able bool, err error) {
	partial := dir + partialSuffix + rand.Text()[:partialSuffixLength-len(partialSuffix)]
	err = s.ask(diskPatience, func() error {
		if err := checkDir(dir); err != nil {
			return err
		}
		return os.Mkdir(partial, 0o700)
	})
	if err != nil {
		return true, diskFault(dir, err)
	}
	able, err = s.dir.Snapshot(ctx, filepath.Join(partial, backup.Store))
	if able && err == nil {
		err = s.publish(ctx, partial, dir)
	}
	if !able || err != nil {
		_ = s.ask(cleanupGrace, func() error { return os.RemoveAll(partial) }) // as far as the disk answers
		return able, diskFault(dir, err)
	}
	return true, nil
}

// publish describes a copy and gives it its name.
func (s *Server) publish(ctx context.Context, partial, dir string) error {
	if _, err := backup.Describe(partial, time.Now()); err != nil {
		return err
	}
	if err := account.Ended(ctx); err != nil {
		return err
	}
	return s.ask(diskPatience, func() error { return durable.Rename(partial, dir) })
}

// ask runs fn, which asks a disk, and waits for the answer no longer than limit. fn goes
// on then, since nothing can end it.
func (s *Server) ask(limit time.Duration, fn func() error) error {
	select {
	case s.questions <- struct{}{}:
	default:
		return &fault{conflict, "disks do not answer to backups that were begun before; check them"}
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-s.questions }()
		done <- fn()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return &account.Error{Code: account.Unavailable, Detail: "the disk of the backup does not answer; check it"}
	}
}
