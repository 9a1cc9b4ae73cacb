package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"rollcall/internal/backup"
	"rollcall/internal/durable"
)

// PartialSuffix ends the name of the directory in which a backup is restored. At the end
// the directory is renamed.
const PartialSuffix = ".partial"

// restoreLock is a file in a directory whose restoration is under way or was interrupted.
const restoreLock = "restoring"

// Restore writes the files of the backup id into the directory to, which must not exist or
// must be empty. The directory then is a copy of a store as package backup describes it: a
// server can use it, and the backup stays. The directory has its name only when it is
// complete and durable. An interrupted restoration leaves a directory with the suffix
// ".partial", which the next one replaces.
func (r *Repository) Restore(ctx context.Context, id, to string, p Progress) (*Backup, error) {
	return r.restoreBeside(ctx, id, to, 0, p)
}

// restoreBeside is Restore, and leaves some bytes of the disk free.
func (r *Repository) restoreBeside(ctx context.Context, id, to string, reserve int64, p Progress) (b *Backup, err error) {
	b, err = r.Backup(ctx, id)
	if errors.Is(err, errDamaged) {
		return nil, fmt.Errorf("%w; use another backup", err)
	}
	if err != nil {
		return nil, err
	}
	if b.Closed() {
		return nil, fmt.Errorf("%s: the backup %s cannot be restored: %w", r.place, id, ErrSealed)
	}
	to, err = filepath.Abs(to)
	if err != nil {
		return nil, err
	}
	if err := checkTarget(to); err != nil {
		return nil, err
	}
	if err := checkRoom(filepath.Dir(to), b.Bytes, reserve); err != nil {
		return nil, err
	}
	partial := to + PartialSuffix
	lock, err := beginRestore(partial)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(partial))
		}
		err = errors.Join(err, lock.Close())
	}()
	return b, r.restore(ctx, b, partial, to, p)
}

// checkTarget returns an error unless a directory can be restored at to.
func checkTarget(to string) error {
	entries, err := os.ReadDir(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if info, err := os.Stat(filepath.Dir(to)); err != nil || !info.IsDir() {
			return fmt.Errorf("there is no directory %s: create it, or correct the name", filepath.Dir(to))
		}
		return nil
	case err != nil:
		return fmt.Errorf("%s cannot be restored to: %w", to, err)
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty, and nothing is overwritten: name a new directory", to)
	}
	return nil
}

// checkRoom returns an error if a disk has no room for some bytes besides a reserve.
func checkRoom(dir string, bytes, reserve int64) error {
	free, err := free(dir)
	room := free - min(free, uint64(reserve))
	if err != nil || room >= uint64(bytes) {
		return nil // a disk that does not tell is tried
	}
	besides := ""
	if reserve > 0 {
		besides = fmt.Sprintf(" besides the %d that stay free for others", reserve)
	}
	return fmt.Errorf("the backup has %d bytes, and the disk of %s has room for %d%s: free some space, or name a directory on another disk", bytes, dir, room, besides)
}

// beginRestore creates the directory partial and locks it. It removes what an interrupted
// restoration has left there.
func beginRestore(partial string) (*flock.Flock, error) {
	entries, err := os.ReadDir(partial)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(partial, restoreLock)); len(entries) > 0 && err != nil {
		return nil, fmt.Errorf("%s exists, and it is not what an interrupted restoration leaves: move it away", partial)
	}
	if err := durable.Mkdir(partial); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(partial, restoreLock), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("another process restores to %s: wait for its end, or name another directory", partial)
	}
	for _, e := range entries {
		if e.Name() == restoreLock {
			continue
		}
		if err := os.RemoveAll(filepath.Join(partial, e.Name())); err != nil {
			return nil, errors.Join(err, lock.Close())
		}
	}
	return lock, nil
}

// restore writes the files of b into partial and renames it to its name.
func (r *Repository) restore(ctx context.Context, b *Backup, partial, to string, p Progress) error {
	root, err := os.OpenRoot(partial)
	if err != nil {
		return err
	}
	defer root.Close()
	done := int64(0)
	read := func(n int) {
		done += int64(n)
		if p != nil {
			p(done, b.Bytes)
		}
	}
	for _, f := range b.Files {
		if err := r.restoreFile(ctx, b, f, root, read); err != nil {
			return err
		}
	}
	if err := syncTree(partial); err != nil {
		return err
	}
	entries := make([]backup.Entry, len(b.Files))
	for i, f := range b.Files {
		entries[i] = backup.Entry{Name: f.Path, Bytes: f.Bytes, SHA256: f.SHA256}
	}
	if err := backup.Write(partial, entries, b.Created); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(partial, restoreLock)); err != nil {
		return err
	}
	return durable.Rename(partial, to)
}

// restoreFile writes one file, whose content it compares with the description.
func (r *Repository) restoreFile(ctx context.Context, b *Backup, f File, root *os.Root, read func(int)) error {
	name := filepath.FromSlash(f.Path)
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	o, _ := b.object(f)
	w := &writer{out, nil}
	if b.Recipients != "" {
		err = r.decryptObject(ctx, o, f, w, read)
	} else {
		err = r.copyObject(ctx, o, w, read)
	}
	switch {
	case w.err != nil:
		err = w.err
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case err != nil:
		err = &DamagedError{fmt.Errorf("%s: %s (%s of %s) %w; use another backup", r.place, objectName(o.Name), f.Path, b.ID, err)}
	default:
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// A DamagedError is the error of a stored file that cannot be read, or that is not as it was
// stored.
type DamagedError struct{ error }

// Unwrap returns what is wrong with the file.
func (e *DamagedError) Unwrap() error { return e.error }

// A writer keeps the error of its file, to tell it from an error of the repository.
type writer struct {
	io.Writer
	err error
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.err = err
	return n, err
}

// syncTree makes the names in dir and in every directory below durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
