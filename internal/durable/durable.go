// Package durable writes, renames and creates files and directories so that the
// change survives a loss of power. Only the user of the process has access to what
// it creates.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the content of file with b in one step: a reader, or a process after
// a crash, sees the old content or the new one. The mode of the file is 0600. If Write
// fails, the file has its old content, unless only the sync of its directory failed.
func Write(file string, b []byte) error { return system.put(file, b, system.rename) }

// Create is like [Write] for a file that does not exist. It leaves an existing file
// unchanged, also one that another process creates at the same time, and returns
// [fs.ErrExist]. In both cases the name of the file is durable.
func Create(file string, b []byte) error { return system.put(file, b, system.link) }

// Rename renames a file or a directory. The content of a directory must be durable
// already.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return system.syncDir(filepath.Dir(to))
}

// Mkdir creates a directory with mode 0700, and its missing parents. It leaves an
// existing directory unchanged.
func Mkdir(dir string) error { return system.mkdir(filepath.Clean(dir)) }

// A disk has the file operations of this package. Tests replace them to make each fail.
type disk struct {
	write        func(*os.File, []byte) (int, error)
	sync         func(*os.File) error
	rename, link func(from, to string) error
}

var system = disk{(*os.File).Write, (*os.File).Sync, os.Rename, os.Link}

// put writes b to a temporary file beside file, and calls name to give it its final
// name.
func (d disk) put(file string, b []byte, name func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return named(file, err)
	}
	defer os.Remove(f.Name()) // after a rename there is nothing to remove
	_, err = d.write(f, b)
	if err == nil {
		err = d.sync(f)
	}
	if err = errors.Join(named(file, err), f.Close()); err != nil {
		return err
	}
	if err = name(f.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return named(file, err)
	}
	return errors.Join(named(file, err), d.syncDir(filepath.Dir(file)))
}

// named returns err with the name of file instead of that of its temporary file, which
// says nothing to people.
func named(file string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: e.Op, Path: file, Err: e.Err}
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return &fs.PathError{Op: e.Op, Path: file, Err: e.Err}
	}
	return err
}

// mkdir creates dir and its missing parents. After it has created the parent it retries
// dir once only, because some file systems, such as /proc, return ENOENT where nothing
// can be created.
func (d disk) mkdir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if above := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && above != dir {
		if err := d.mkdir(above); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o700)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return isDir(dir)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: nothing can be created in %s, choose another directory", err, filepath.Dir(dir))
	case err != nil:
		return err
	}
	return d.syncDir(filepath.Dir(dir))
}

// isDir returns an error unless name is a directory, or a link to one.
func isDir(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory: choose another, or move it away", name)
	}
	return err
}

// syncDir makes the names in dir durable.
func (d disk) syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.sync(f), f.Close())
}
