package guard

import (
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A guardedFS keeps from Pebble that its log or its manifest could not be
// written. In most places Pebble reports such an error to Fatalf, but when it
// changes from one log to the next it panics with a lock let go of, and that
// ends the process. So the store is marked as failed here, where the error
// arises, and the call does not return: nothing that follows from the write can
// be acknowledged.
//
// It also tells the store's [Checksums] what is written to these files. Files outside
// of the store's own directory are none of its business: an error of a copy ends the
// copy, not the store.
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

// guards reports whether name is that of a log or a manifest of the store.
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

// A guardedFile is a log or a manifest.
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

// synced syncs the file and notes what is durable. For a manifest, that is recorded
// at once: Pebble removes files when its manifest does not name them any longer.
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
