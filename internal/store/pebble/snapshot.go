package pebble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
)

var _ account.Snapshotter = (*Store)(nil)

// Bounds of copies.
const (
	maxCopies   = 4           // under way, those to disks that hang among them
	copyStall   = time.Minute // without a byte written, after which a copy is given up
	copyBuffer  = 256 << 10   // bytes
	stagePrefix = "copy-"     // of directories in the store's own
	copyGrace   = time.Second // for the copy to clean up when its caller goes
)

// Snapshot implements [account.Snapshotter]. It takes the files of one moment first,
// as links in a directory of the store's own file system, and copies them from there.
// Folds wait for the first step alone, so a target that is slow, full, broken or hangs
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
	c := &copier{fs: s.fs, ctx: ctx}
	done := make(chan error, 1)
	go func() {
		defer func() { <-s.copies }()
		done <- s.snapshot(c, dir)
	}()
	return c.wait(done, copyStall)
}

// snapshot makes a copy and removes what is left of it when it fails.
func (s *Store) snapshot(c *copier, dir string) error {
	staged, err := s.stage(c.ctx)
	if err != nil {
		return err
	}
	c.written.Add(1) // from now on it is the target that keeps the copy waiting
	err = c.tree(staged, dir)
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
	// A fold in the middle of it could leave its tables out of the copy, and
	// bring the end of the journal that they replace.
	s.folder.mu.Lock()
	defer s.folder.mu.Unlock()
	if err := account.Ended(ctx); err != nil {
		return "", err
	}
	dir = s.fs.PathJoin(s.dir, fmt.Sprintf(stagePrefix+"%06d", s.staged.Add(1)))
	err = s.failure.Shielded(func() error {
		if err := s.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
			return err
		}
		return guard.CreateChecksums(s.fs, dir)
	}, 0)
	if err != nil {
		return "", internal("the copy cannot be made", errors.Join(err, s.fs.RemoveAll(dir)))
	}
	return dir, nil
}

// A copier copies the files of a directory. Its file system is a plain one: errors of
// the target are not errors of the store.
type copier struct {
	fs      vfs.FS
	ctx     context.Context // of the whole copy
	written atomic.Int64    // bytes and files, to tell a slow target from one that hangs
}

// wait returns the outcome of a copy, or an error when its caller goes or when nothing
// was written for the time stall. The copy then ends as soon as the disk answers.
func (c *copier) wait(done <-chan error, stall time.Duration) error {
	ticker := time.NewTicker(stall)
	defer ticker.Stop()
	for seen := int64(-1); ; {
		select {
		case err := <-done:
			return err
		case <-c.ctx.Done():
			return c.abandon(done, account.Ended(c.ctx))
		case <-ticker.C:
			if n := c.written.Load(); n != seen || n == 0 {
				seen = n
				continue
			}
			return &account.Error{Code: account.Unavailable, Detail: fmt.Sprintf("the target of the copy has taken nothing for %v; check its disk", stall)}
		}
	}
}

// abandon gives the copy a moment to clean up, and returns err.
func (c *copier) abandon(done <-chan error, err error) error {
	timer := time.NewTimer(copyGrace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	return err
}

// tree copies the files of a directory into a new one, durably.
func (c *copier) tree(from, to string) error {
	names, err := c.fs.List(from)
	if err != nil {
		return targetError(err)
	}
	if err := c.fs.MkdirAll(to, 0o700); err != nil {
		return targetError(err)
	}
	for _, name := range names {
		if err := account.Ended(c.ctx); err != nil {
			return err
		}
		if err := c.file(c.fs.PathJoin(from, name), c.fs.PathJoin(to, name)); err != nil {
			return targetError(err)
		}
	}
	return targetError(guard.SyncDir(c.fs, to))
}

// file links a file, or copies it where it cannot be linked.
func (c *copier) file(from, to string) (err error) {
	c.written.Add(1)
	if c.fs.Link(from, to) == nil {
		return nil
	}
	in, err := c.fs.Open(from, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := c.fs.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	out = vfs.NewSyncingFile(out, vfs.SyncingFileOptions{BytesPerSync: bytesPerSync})
	_, err = io.CopyBuffer(countedWriter{c, out}, struct{ io.Reader }{in}, make([]byte, copyBuffer))
	return errors.Join(err, out.Sync(), out.Close())
}

// A countedWriter counts what is written, and refuses to write when the caller of the
// copy has gone.
type countedWriter struct {
	c *copier
	io.Writer
}

func (w countedWriter) Write(p []byte) (int, error) {
	if err := account.Ended(w.c.ctx); err != nil {
		return 0, err
	}
	n, err := w.Writer.Write(p)
	w.c.written.Add(int64(n))
	return n, err
}

// targetError returns what a caller is told of an error of the target.
func targetError(err error) error {
	if err == nil || account.CodeOf(err) == account.Unavailable {
		return err
	}
	return &account.Error{Code: account.Internal, Detail: "the copy cannot be written; check the disk that it goes to", Err: err}
}
