package guard

import (
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Limits of a compaction while commits are made.
const (
	paceStep = 1 << 20                // bytes between two pauses
	paceRest = 60 * time.Millisecond  // pause; about 16 MB/s, which uses a quarter of a processor
	paceBusy = 250 * time.Millisecond // time since the last commit for which the store counts as busy
)

// A Pacer slows compactions down while commits are made. A compaction uses a processor and
// the disk that calls need, and may as well end later.
type Pacer struct{ last atomic.Int64 } // unix milliseconds of the last commit

// Committed records the time of a commit.
func (p *Pacer) Committed() { p.last.Store(time.Now().UnixMilli()) }

// rest returns how long a compaction must pause at the time now.
func (p *Pacer) rest(now time.Time) time.Duration {
	since := now.UnixMilli() - p.last.Load()
	if since < 0 || since > paceBusy.Milliseconds() { // below 0 after the clock was set back
		return 0
	}
	return paceRest
}

// A pacedFS slows down writes to the files of compactions.
type pacedFS struct {
	vfs.FS
	pacer *Pacer
}

// compactions is the category under which Pebble writes the files of compactions.
const compactions vfs.DiskWriteCategory = "pebble-compaction"

// Create implements [vfs.FS].
func (fs pacedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	if err != nil || c != compactions {
		return f, err
	}
	return &pacedFile{File: f, pacer: fs.pacer}, nil
}

// A pacedFile is a file of a compaction. One goroutine writes it.
type pacedFile struct {
	vfs.File
	pacer   *Pacer
	written int // since the last rest
}

// Write implements [vfs.File].
func (f *pacedFile) Write(b []byte) (int, error) {
	if f.written += len(b); f.written >= paceStep {
		f.written = 0
		time.Sleep(f.pacer.rest(time.Now()))
	}
	return f.File.Write(b)
}
