package guard

import (
	"io"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ReadOnly returns fs without its ways to change a file or a directory: each of
// them returns [os.ErrPermission]. Its Lock takes a shared lock on a file that
// exists. It creates no file, so a check by another user leaves nothing behind.
func ReadOnly(fs vfs.FS) vfs.FS { return readOnlyFS{fs} }

type readOnlyFS struct{ vfs.FS }

// Unwrap implements [vfs.FS].
func (fs readOnlyFS) Unwrap() vfs.FS { return fs.FS }

// Lock implements [vfs.FS]. A file that does not exist, or that this user cannot
// read, needs no lock: no server that this user could disturb holds it.
func (fs readOnlyFS) Lock(name string) (io.Closer, error) {
	f, err := fs.Open(name)
	if err != nil {
		return io.NopCloser(nil), nil
	}
	if fd := f.Fd(); fd != vfs.InvalidFd {
		shared := syscall.Flock_t{Type: syscall.F_RDLCK, Whence: io.SeekStart}
		if err := syscall.FcntlFlock(fd, syscall.F_SETLK, &shared); err != nil {
			_ = f.Close()
			return nil, err
		}
	}
	return f, nil
}

// Create implements [vfs.FS].
func (readOnlyFS) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, readOnly("create", name)
}

// OpenReadWrite implements [vfs.FS].
func (readOnlyFS) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return nil, readOnly("open", name)
}

// ReuseForWrite implements [vfs.FS].
func (readOnlyFS) ReuseForWrite(name, _ string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	return nil, readOnly("open", name)
}

// Link implements [vfs.FS].
func (readOnlyFS) Link(_, name string) error { return readOnly("link", name) }

// Remove implements [vfs.FS].
func (readOnlyFS) Remove(name string) error { return readOnly("remove", name) }

// RemoveAll implements [vfs.FS].
func (readOnlyFS) RemoveAll(name string) error { return readOnly("remove", name) }

// Rename implements [vfs.FS].
func (readOnlyFS) Rename(name, _ string) error { return readOnly("rename", name) }

// MkdirAll implements [vfs.FS].
func (readOnlyFS) MkdirAll(name string, _ os.FileMode) error { return readOnly("mkdir", name) }

func readOnly(op, name string) error {
	return &os.PathError{Op: op, Path: name, Err: os.ErrPermission}
}
