package guard

import (
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A guardedFS fails the store when a log or a manifest cannot be written, before Pebble
// sees the error. Pebble reports most such errors to Fatalf. When it switches to a new
// log, however, it panics after it has released a lock, which ends the process. So
// guardedFS marks the store as failed where the error occurs, and the call does not
// return: nothing that depends on the write can be acknowledged.
//
// It also passes everything that is written to these files to the [Checksums] of the
// store. It ignores files outside of the directory of the store: an error of a copy ends
// the copy, not the store.
type guardedFS struct {
	vfs.FS
	dir     string // of the store
	failure *Failure
	sums    *Checksums
}

// Create implements [vfs.FS].
func (fs guardedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !fs.guards(name) {
		return fs.FS.Create(name, c)
	}
	fs.check(fs.sums.drop(fs.PathBase(name)))
	f, err := fs.FS.Create(name, c)
	return fs.wrap(name, f, err)
}

// ReuseForWrite implements [vfs.FS].
func (fs guardedFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !fs.guards(to) {
		return fs.FS.ReuseForWrite(from, to, c)
	}
	fs.check(fs.sums.drop(fs.PathBase(from)))
	f, err := fs.FS.ReuseForWrite(from, to, c)
	return fs.wrap(to, f, err)
}

// Remove implements [vfs.FS].
func (fs guardedFS) Remove(name string) error {
	if fs.guards(name) {
		if err := fs.sums.drop(fs.PathBase(name)); err != nil {
			return err
		}
	}
	return fs.FS.Remove(name)
}

// guards reports whether name is a log or a manifest of the store.
func (fs guardedFS) guards(name string) bool {
	return Guarded(fs.PathBase(name)) && fs.PathDir(name) == fs.dir
}

func (fs guardedFS) check(err error) {
	if err != nil {
		fs.failure.stop(err)
	}
}

func (fs guardedFS) wrap(name string, f vfs.File, err error) (vfs.File, error) {
	fs.check(err)
	base := fs.PathBase(name)
	return &guardedFile{File: f, fs: fs, tracked: fs.sums.track(base), manifest: isManifest(base)}, nil
}

// A guardedFile is a log or a manifest of the store.
type guardedFile struct {
	vfs.File
	fs       guardedFS
	tracked  *tracked
	manifest bool
}

// Write implements [vfs.File].
func (f *guardedFile) Write(p []byte) (int, error) {
	sum := f.tracked.written.add(p) // first: Write may change p
	n, err := f.File.Write(p)
	f.fs.check(err)
	f.tracked.written = sum
	return n, nil
}

// Sync implements [vfs.File].
func (f *guardedFile) Sync() error { return f.synced(f.File.Sync) }

// SyncData implements [vfs.File].
func (f *guardedFile) SyncData() error { return f.synced(f.File.SyncData) }

// synced syncs the file and records the durable length. The record of a manifest is saved
// at once, because Pebble removes files once its manifest no longer names them.
func (f *guardedFile) synced(sync func() error) error {
	sum := f.tracked.written
	f.fs.check(sync())
	f.fs.sums.synced(f.tracked, sum)
	if f.manifest {
		f.fs.check(f.fs.sums.Save())
	}
	return nil
}

// SyncTo implements [vfs.File].
func (f *guardedFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	f.fs.check(err)
	return full, nil
}

// Close implements [vfs.File].
func (f *guardedFile) Close() error {
	f.fs.check(f.File.Close())
	return nil
}
