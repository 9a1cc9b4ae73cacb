package guard

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Bounds of what compactions write while commits are made. A second's bytes take a
// quarter of a second of processor time.
const (
	paceBytes = 8 << 20                // in a second
	paceBusy  = 250 * time.Millisecond // since the last commit
	paceStep  = 1 << 20                // between two looks at the clock
)

// A Pacer slows compactions down while commits are made: a disk that is busy
// with megabytes of tables lets the log wait, and a processor that merges them the
// calls. The more folds wait for a compaction, the less it does, see Hurry.
type Pacer struct {
	start  time.Time
	last   atomic.Int64 // when the last commit was made, since start
	faster atomic.Int64 // times paceBytes

	mu      sync.Mutex
	written int
	due     time.Time // when the next step may be written
}

// NewPacer returns a Pacer for a store that has made no commit yet.
func NewPacer() *Pacer {
	p := &Pacer{start: time.Now()}
	p.faster.Store(1)
	p.last.Store(int64(-time.Hour))
	return p
}

// Committed notes that a commit was made.
func (p *Pacer) Committed() { p.last.Store(int64(time.Since(p.start))) }

// Hurry lets compactions write n times as much as is usual; less than 1 is 1.
func (p *Pacer) Hurry(n int) { p.faster.Store(int64(max(1, n))) }

// pause returns for how long a compaction that has written n bytes more must
// rest.
func (p *Pacer) pause(n int, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written += n
	if p.written < paceStep {
		return 0
	}
	took := time.Duration(float64(p.written) / paceBytes / float64(p.faster.Load()) * float64(time.Second))
	p.written = 0
	if now.Sub(p.start)-time.Duration(p.last.Load()) > paceBusy {
		p.due = now
		return 0
	}
	if p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(took)
	return p.due.Sub(now)
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

type pacedFile struct {
	vfs.File
	pacer *Pacer
}

// Write implements [vfs.File].
func (f *pacedFile) Write(b []byte) (int, error) {
	time.Sleep(f.pacer.pause(len(b), time.Now()))
	return f.File.Write(b)
}
