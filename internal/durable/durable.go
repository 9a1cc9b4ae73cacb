// Package durable changes files and folders so that a loss of power takes nothing
// back. What it creates is for the user of the process alone.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write puts b into file in one step: a reader, and a process after a crash, sees the
// old content or the new one. The mode of the file is 0600. If Write fails, the file
// holds what it held, unless only the sync of its folder failed.
func Write(file string, b []byte) error { return system.put(file, b, system.rename) }

// Create is as [Write] for a file that does not exist. One that exists stays as it is,
// also if another process creates it at the same time, and the error is
// [fs.ErrExist]. Either way the name of the file is durable.
func Create(file string, b []byte) error { return system.put(file, b, system.link) }

// Rename gives a file or a folder another name. What a folder holds must be durable
// already.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return system.syncDir(filepath.Dir(to))
}

// Mkdir creates a folder, with mode 0700, and every folder above it that is missing.
// A folder that exists stays as it is.
func Mkdir(dir string) error { return system.mkdir(filepath.Clean(dir)) }

// A disk does the steps of this package. Tests let each of them fail.
type disk struct {
	write        func(*os.File, []byte) (int, error)
	sync         func(*os.File) error
	rename, link func(from, to string) error
}

var system = disk{(*os.File).Write, (*os.File).Sync, os.Rename, os.Link}

// put writes b into a temporary file beside file, and lets name give it the name.
func (d disk) put(file string, b []byte, name func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // a rename has taken it
	_, err = d.write(f, b)
	if err == nil {
		err = d.sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = name(f.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(err, d.syncDir(filepath.Dir(file)))
}

// mkdir creates dir and the folders above it that are missing. Some file systems,
// as /proc, say that nothing can be created in a folder by denying that it exists:
// mkdir tries dir once more after the folder above it, and no oftener.
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
		return isFolder(dir)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: nothing can be made in %s, choose another folder", err, filepath.Dir(dir))
	case err != nil:
		return err
	}
	return d.syncDir(filepath.Dir(dir))
}

// isFolder returns an error unless name is a folder, or a link to one.
func isFolder(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder: choose another, or move it away", name)
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
