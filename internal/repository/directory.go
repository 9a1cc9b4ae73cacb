package repository

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gofrs/flock"
)

// Names in a directory beside those of every repository.
const (
	lockFile   = "lock"
	partialDir = "partial" // files that are being written; the next writer removes what is left
)

// A directory is a backend in a directory. It follows no link out of the directory, and
// reads regular files only: a directory may come from somewhere else.
type directory struct {
	dir  string
	root *os.Root
}

func openDirectory(dir string) (*directory, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &noRepositoryError{dir}
	}
	if err != nil {
		return nil, err
	}
	return &directory{dir, root}, nil
}

func (d *directory) close() error { return d.root.Close() }

// put implements backend. The file is synced before it has its name, and its name is
// synced before put returns.
func (d *directory) put(ctx context.Context, name string, c content) error {
	partial := path.Join(partialDir, rand.Text())
	if err := d.fill(ctx, partial, c); err != nil {
		return errors.Join(err, d.remove(ctx, partial))
	}
	if err := d.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := d.root.Rename(partial, name); err != nil {
		return err
	}
	if err := d.sync(path.Dir(name)); err != nil {
		return err
	}
	return d.remove(ctx, partial) // a rename to another link of the same file does nothing
}

// fill creates a file with a content, and syncs it. It links the file of the content if
// that is possible.
func (d *directory) fill(ctx context.Context, name string, c content) error {
	if c.file != "" && os.Link(c.file, filepath.Join(d.dir, filepath.FromSlash(name))) == nil {
		return d.sync(name)
	}
	in, err := c.open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, reader(ctx, in))
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// mkdir creates a directory and its parents durably. A link in place of one is refused.
func (d *directory) mkdir(name string) error {
	if name == "." {
		return nil
	}
	info, err := d.root.Lstat(name)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("%s is no directory: it belongs to no repository of ours", filepath.Join(d.dir, name))
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := d.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := d.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.sync(path.Dir(name))
}

// sync makes a file, or the names in a directory, durable.
func (d *directory) sync(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d *directory) get(_ context.Context, name string) (io.ReadCloser, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file, so it is none of ours", filepath.Join(d.dir, name))
	}
	return d.root.Open(name)
}

func (d *directory) list(ctx context.Context, prefix string, fn func(string, int64) error) error {
	return fs.WalkDir(d.root.FS(), strings.TrimSuffix(prefix, "/"), func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // there is nothing yet, or it was removed meanwhile
		}
		if err := errors.Join(err, ctx.Err()); err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		bytes := info.Size()
		if !info.Mode().IsRegular() {
			bytes = -1 // the size of none of ours
		}
		return fn(name, bytes)
	})
}

func (d *directory) remove(_ context.Context, name string) error {
	err := d.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (d *directory) settle(_ context.Context, prefix string) error {
	return d.sync(strings.TrimSuffix(prefix, "/"))
}

// lock implements backend. The system gives the lock back when the process ends, however
// it ends. lock removes what an ended process has left half written.
func (d *directory) lock(ctx context.Context) (context.Context, func(), error) {
	lock := flock.New(filepath.Join(d.dir, lockFile), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, ErrLocked
	}
	release := func() { _ = lock.Close() }
	if err := d.sweep(ctx); err != nil {
		release()
		return nil, nil, err
	}
	return ctx, release, nil
}

// randomForm is the form of names that [rand.Text] makes.
var randomForm = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// sweep removes what an ended process has left in partialDir, and creates it. The place may be
// a directory of somebody else, so it removes nothing that has another form.
func (d *directory) sweep(ctx context.Context) error {
	entries, err := fs.ReadDir(d.root.FS(), partialDir)
	if errors.Is(err, fs.ErrNotExist) {
		return d.mkdir(partialDir)
	}
	for _, e := range entries {
		if err == nil && e.Type().IsRegular() && randomForm.MatchString(e.Name()) {
			err = d.remove(ctx, path.Join(partialDir, e.Name()))
		}
	}
	return err
}

func (d *directory) empty(context.Context) (bool, error) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	for _, e := range entries {
		if e.Name() != lockFile && e.Name() != partialDir && e.Name() != "lost+found" {
			return false, err
		}
	}
	if err != nil {
		return false, err
	}
	entries, err = fs.ReadDir(d.root.FS(), partialDir) // of somebody else, if lock has left something
	return len(entries) == 0, err
}

// bytesContent returns b as a content.
func bytesContent(b []byte) content {
	return content{bytes: int64(len(b)), open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

// A contextReader fails when its context has ended.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// reader returns r, which then ends with an error when ctx ends.
func reader(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.r.Read(p)
}
