package guard

import "github.com/cockroachdb/pebble/v2/vfs"

// FS returns fs as Pebble is to use it: compactions keep the pace of p, space hears
// of a full disk, and when the log or the manifest cannot be written the store has
// failed with f.
func FS(fs vfs.FS, space *Space, p *Pacer, f *Failure) vfs.FS {
	return lastWordFS{pacedFS{vfs.OnDiskFull(fs, space.ranOut), p}, f}
}
