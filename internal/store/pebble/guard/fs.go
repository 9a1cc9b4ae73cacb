package guard

import (
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A Disk contains everything between Pebble and the file system of a store.
type Disk struct {
	FS      vfs.FS
	Dir     string     // of the store; files elsewhere are not guarded
	Space   *Space     // is notified of a full disk
	Pacer   *Pacer     // slows compactions down
	Failure *Failure   // ends the store when the log or the manifest cannot be written
	Sums    *Checksums // records the durable content of logs and manifests
}

// Guarded returns the file system for Pebble.
func (d Disk) Guarded() vfs.FS {
	dir := d.FS.PathDir(d.FS.PathJoin(d.Dir, "file")) // as Pebble spells it
	return guardedFS{pacedFS{d.Space.Watched(d.FS), d.Pacer}, dir, d.Failure, d.Sums}
}
