package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
)

// Limits of copies.
const (
	copySync   = 512 << 10   // bytes between two syncs
	copyBuffer = 256 << 10   // bytes
	copyGrace  = time.Second // for a copy to clean up after its context has ended
)

// A Copier copies the files of a directory. It uses a plain file system, so errors of the
// target do not fail the store.
type Copier struct {
	fs      vfs.FS
	ctx     context.Context // of the whole copy
	written atomic.Int64    // bytes and files, to tell a slow target from one that hangs
}

// NewCopier returns a Copier in fs. The copy ends when ctx does.
func NewCopier(ctx context.Context, fs vfs.FS) *Copier { return &Copier{fs: fs, ctx: ctx} }

// Wait returns the result of a copy. It returns an error if the context of the copy ends,
// or if nothing has been written for the time stall since Tree began. The copy then stops
// as soon as the disk responds.
func (c *Copier) Wait(done <-chan error, stall time.Duration) error {
	ticker := time.NewTicker(stall / 8)
	defer ticker.Stop()
	seen, since := int64(0), time.Now()
	for {
		select {
		case err := <-done:
			return err
		case <-c.ctx.Done():
			return c.abandon(done, account.Ended(c.ctx))
		case now := <-ticker.C:
			if n := c.written.Load(); n != seen || n == 0 {
				seen, since = n, now
				continue
			}
			if now.Sub(since) < stall {
				continue
			}
			return &account.Error{Code: account.Unavailable, Detail: fmt.Sprintf("the target of the copy has accepted no data for %v; check its disk", stall)}
		}
	}
}

// abandon waits up to copyGrace for the copy to clean up, and returns err.
func (c *Copier) abandon(done <-chan error, err error) error {
	timer := time.NewTimer(copyGrace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	return err
}

// Tree copies the files of a directory into a new one, durably. Its errors are
// [account.Error]s.
func (c *Copier) Tree(from, to string) error {
	c.written.Add(1) // from now on the copy waits only for the target
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
	return targetError(SyncDir(c.fs, to))
}

// file links a file, or copies it if it cannot be linked.
func (c *Copier) file(from, to string) (err error) {
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
	out = vfs.NewSyncingFile(out, vfs.SyncingFileOptions{BytesPerSync: copySync})
	_, err = io.CopyBuffer(countedWriter{c, out}, struct{ io.Reader }{in}, make([]byte, copyBuffer))
	return errors.Join(err, out.Sync(), out.Close())
}

// A countedWriter counts written bytes, and refuses to write after the context of the copy
// has ended.
type countedWriter struct {
	c *Copier
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

// targetError converts an error of the target to the error for the caller.
func targetError(err error) error {
	if err == nil || account.CodeOf(err) == account.Unavailable {
		return err
	}
	return &account.Error{Code: account.Internal, Detail: "the copy cannot be written; check the disk that it goes to", Err: err}
}
