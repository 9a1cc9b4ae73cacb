package guard

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A lastWordFS keeps from Pebble that its log or its manifest could not be
// written. In most places Pebble reports such an error to Fatalf, but when it
// changes from one log to the next it panics with a lock let go of, and that
// ends the process. So the store is marked as failed here, where the error
// arises, and the call does not return: nothing that follows from the write can
// be acknowledged.
type lastWordFS struct {
	vfs.FS
	failure *Failure
}

// Create implements [vfs.FS].
func (fs lastWordFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	return fs.wrap(name, f, err)
}

// ReuseForWrite implements [vfs.FS].
func (fs lastWordFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.ReuseForWrite(from, to, c)
	return fs.wrap(to, f, err)
}

func (fs lastWordFS) wrap(name string, f vfs.File, err error) (vfs.File, error) {
	base := fs.PathBase(name)
	if !strings.HasSuffix(base, ".log") && !strings.HasPrefix(base, "MANIFEST-") {
		return f, err
	}
	if err != nil {
		fs.failure.stop(err)
	}
	return &lastWordFile{File: f, failure: fs.failure}, nil
}

// A lastWordFile is a log or a manifest.
type lastWordFile struct {
	vfs.File
	failure *Failure
}

// Write implements [vfs.File].
func (f *lastWordFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.check(err)
	return n, nil
}

// Sync implements [vfs.File].
func (f *lastWordFile) Sync() error { return f.check(f.File.Sync()) }

// SyncData implements [vfs.File].
func (f *lastWordFile) SyncData() error { return f.check(f.File.SyncData()) }

// SyncTo implements [vfs.File].
func (f *lastWordFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.check(err)
}

// Close implements [vfs.File].
func (f *lastWordFile) Close() error { return f.check(f.File.Close()) }

func (f *lastWordFile) check(err error) error {
	if err != nil {
		f.failure.stop(err)
	}
	return nil
}
