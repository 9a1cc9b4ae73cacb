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

// An incomplete copy has the name of the backup with this suffix and random letters.
const (
	partialSuffix       = ".partial-"
	partialSuffixLength = len(partialSuffix) + 8 // with the letters
)

// Limits for disks that may hang.
const (
	diskPatience = time.Minute     // wait for one operation
	cleanupGrace = 2 * time.Second // wait for the removal of a failed copy
	maxDiskOps   = 8               // operations that have not returned yet
)

// copyTo copies the store to the new directory dir. The copy gets its name when it is
// complete. A failed copy is removed, and the call can be retried.
//
// copyTo returns when ctx ends, even if the disk hangs.
func (s *Server) copyTo(ctx context.Context, dir string) error {
	done := make(chan error, 1)
	go func() { done <- s.createCopy(ctx, dir) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select { // it may have ended at the same time, or be cleaning up
	case err := <-done:
		return err
	case <-time.After(cleanupGrace):
		return account.Ended(ctx)
	}
}

// createCopy creates a copy beside dir and then renames it to dir.
func (s *Server) createCopy(ctx context.Context, dir string) error {
	partial := dir + partialSuffix + rand.Text()[:partialSuffixLength-len(partialSuffix)]
	err := s.onDisk(diskPatience, func() error {
		if err := checkDir(dir); err != nil {
			return err
		}
		return os.Mkdir(partial, 0o700)
	})
	if err != nil {
		return diskFault(dir, err)
	}
	if err = s.dir.Snapshot(ctx, filepath.Join(partial, backup.Store)); err == nil {
		err = s.publish(ctx, partial, dir)
	}
	if err != nil {
		_ = s.onDisk(cleanupGrace, func() error { return os.RemoveAll(partial) }) // the disk may hang
		return diskFault(dir, err)
	}
	return nil
}

// publish writes the description of a copy and renames the copy to dir.
func (s *Server) publish(ctx context.Context, partial, dir string) error {
	if _, err := backup.Describe(partial, time.Now()); err != nil {
		return err
	}
	if err := account.Ended(ctx); err != nil {
		return err
	}
	return s.onDisk(diskPatience, func() error { return durable.Rename(partial, dir) })
}

// onDisk runs fn, an operation of a disk, and waits for at most limit. After that fn goes
// on in the background, because nothing can interrupt it. It refuses fn with a conflict if
// maxDiskOps operations have not returned yet.
func (s *Server) onDisk(limit time.Duration, fn func() error) error {
	select {
	case s.diskOps <- struct{}{}:
	default:
		return &problemError{conflict, "disks do not answer to backups that were begun before; check them"}
	}
	done := make(chan error, 1)
	go func() {
		err := fn()
		<-s.diskOps // first, so that the next call is not refused
		done <- err
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
