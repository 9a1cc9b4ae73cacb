package guard

import (
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Bounds of what a compaction writes while commits are made.
const (
	paceStep = 1 << 20                // bytes, after which it rests
	paceRest = 60 * time.Millisecond  // about 16 MB/s, which take a quarter of a processor
	paceBusy = 250 * time.Millisecond // since the last commit
)

// A Pacer slows compactions down while commits are made: a compaction takes a processor
// and the disk from calls, and is worth as much when it ends later.
type Pacer struct{ last atomic.Int64 } // unix milliseconds of the last commit

// Committed notes that a commit was made.
func (p *Pacer) Committed() { p.last.Store(time.Now().UnixMilli()) }

// rest returns for how long a compaction is to rest at the time now.
func (p *Pacer) rest(now time.Time) time.Duration {
	if now.UnixMilli()-p.last.Load() > paceBusy.Milliseconds() {
		return 0
	}
	return paceRest
}

// A pacedFS paces the files of compactions.
type pacedFS struct {
	vfs.FS
	pacer *Pacer
}

// compactions is how Pebble names what they write.
const compactions vfs.DiskWriteCategory = "pebble-compaction"

// Create implements [vfs.FS].
func (fs pacedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	if err != nil || c != compactions {
		return f, err
	}
	return &pacedFile{File: f, pacer: fs.pacer}, nil
}

// A pacedFile is written by one goroutine.
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
