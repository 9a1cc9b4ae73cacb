package exporter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rollcall/internal/durable"
)

// A File is a file that gets its name when it is whole. Its mode is 0600, because accounts
// are personal data.
type File struct {
	*os.File
	name    string
	replace bool
	direct  bool // it is no regular file, such as a pipe, and is written in place
}

// Create begins the file name. It refuses one that exists, unless replace is set, and
// leaves it as it is until Commit.
func Create(name string, replace bool) (*File, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory: name a file", name)
	case !info.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		return &File{File: f, name: name, direct: true}, err
	case !replace:
		return nil, taken(name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".partial-*") // mode 0600
	if err != nil {
		return nil, err
	}
	return &File{File: f, name: name, replace: replace}, nil
}

// taken returns the error of a name that a file has.
func taken(name string) error {
	return fmt.Errorf("%s %w: choose another name, or replace it with --force", name, errExists)
}

// errExists is fs.ErrExist with a shorter text.
var errExists = existsError{}

type existsError struct{}

func (existsError) Error() string        { return "exists already" }
func (existsError) Is(target error) bool { return target == fs.ErrExist }

// Commit makes the content durable and gives the file its name, which another file can have
// got since Create.
func (f *File) Commit() error {
	if f.direct {
		return f.Close()
	}
	err := errors.Join(f.Sync(), f.Close())
	if err == nil && !f.replace {
		if _, absent := os.Lstat(f.name); absent == nil {
			err = taken(f.name)
		}
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.File.Name()))
	}
	if err := durable.Rename(f.File.Name(), f.name); err != nil {
		_ = os.Remove(f.File.Name()) // after a rename there is nothing to remove
		return err
	}
	return nil
}

// Abort removes the file. It does nothing after Commit.
func (f *File) Abort() {
	if err := f.Close(); err == nil && !f.direct {
		_ = os.Remove(f.File.Name()) // what is left has a name that says so
	}
}
