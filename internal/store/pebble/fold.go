package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
)

// Bounds of the journal.
const (
	foldBytes  = 32 << 20        // fold when there is so much
	foldIdle   = 2 * time.Second // or when the journal has waited so long
	maxJournal = 4 * foldBytes   // commits wait when there is so much
	tableBytes = 8 << 20         // of names and values in a file; small files make small compactions
	retryFold  = time.Second     // after an error
)

// A backlog knows how much of the journal is not folded.
type backlog struct {
	bytes int           // only the committer counts
	ready chan struct{} // told when it is time to fold
	due   int           // bytes to fold
	max   int           // bytes to wait at
}

func newBacklog(due int) *backlog {
	return &backlog{ready: make(chan struct{}, 1), max: maxJournal / foldBytes * due, due: due}
}

// add says that the journal has grown, or been folded.
func (b *backlog) add(n int) {
	b.bytes += n
	if b.bytes >= b.due {
		select {
		case b.ready <- struct{}{}:
		default:
		}
	}
}

// full reports whether commits have to wait for a fold.
func (b *backlog) full() bool { return b.bytes >= b.max }

// foldPrefix begins the names of files that a fold writes.
const foldPrefix = "fold-"

// A folder moves the journal into the spaces of accounts and deleted ids.
type folder struct {
	s   *Store
	fs  vfs.FS
	dir string

	mu sync.Mutex // held for a fold
	n  int        // of files made

	folds atomic.Int64 // that are done
}

// run folds whenever there is enough or it has waited long enough, until stop
// is closed.
func (f *folder) run(stop <-chan struct{}) {
	idle := time.NewTicker(foldIdle)
	defer idle.Stop()
	for {
		select {
		case <-stop:
			return
		case <-f.s.failure.ch:
			return
		case <-f.s.room.ready:
		case <-idle.C:
		}
		if err := f.guarded(stop); err != nil && !errors.Is(err, errStopped) {
			f.s.errors.log(err)
			pause(retryFold, stop)
		}
	}
}

func pause(d time.Duration, stop <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stop:
	}
}

// guarded folds, unless Pebble stops it.
func (f *folder) guarded(stop <-chan struct{}) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	st, err := f.begin()
	if err != nil {
		return err
	}
	defer f.s.view.release(st)
	if len(st.commits) == 0 {
		return nil
	}
	return f.s.failure.shielded(func() error { return f.fold(st, stop) }, 0)
}

// begin returns the state to fold, and tells the committer how far it goes.
func (f *folder) begin() (st state, err error) {
	err = f.s.commits.fold(func(g *group) error {
		st = f.s.view.acquire()
		if n := len(st.commits); n > 0 {
			g.folding = st.commits[n-1].end()
		}
		return nil
	})
	return st, err
}

// fold writes what st's journal says into tables, gives them to Pebble, and
// drops that part of the journal. A crash in between loses nothing and applies
// nothing twice: m/folded comes with the tables in one step.
func (f *folder) fold(st state, stop <-chan struct{}) error {
	p, err := f.write(st, stop)
	defer p.remove()
	if err != nil || len(p.paths) == 0 {
		return err
	}
	if err := f.s.db.Ingest(context.Background(), p.paths); err != nil {
		return err
	}
	f.folds.Add(1)
	f.s.pacer.folded(int(f.s.db.Metrics().Levels[0].Sublevels))
	last := st.commits[len(st.commits)-1]
	return f.s.commits.fold(func(g *group) error {
		g.also(other{
			write:   func(b *pebble.Batch) error { return dropJournal(b, last.seq) },
			publish: func() {},
		})
		f.s.view.fold(newSnapshot(f.s.db), last.end())
		g.folded = last.end()
		f.s.room.add(-st.bytes())
		return nil
	})
}

// dropJournal deletes the commits up to seq.
func dropJournal(b *pebble.Batch, seq uint64) error {
	lower, _ := spaceBounds(journalSpace)
	return b.DeleteRange(lower, journalKey(seq+1), nil)
}

// write writes the tables of a fold.
func (f *folder) write(st state, stop <-chan struct{}) (*tables, error) {
	t := &tables{f: f, stop: stop}
	items, purges, err := newestOf(st.commits)
	if err != nil {
		return t, err
	}
	for _, it := range items {
		t.add(accountSpace, it.in(st.commits))
	}
	t.finish()
	last := st.commits[len(st.commits)-1]
	t.set(foldedKey, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, last.seq), last.nextID))
	t.finish()
	t.whole = true // the range of a purge and what follows must not lie in two files
	t.purge(purges)
	for _, it := range items {
		if it.tombstone() && !it.purged(st.commits, purges) {
			t.add(goneSpace, it.in(st.commits))
		}
	}
	t.finish()
	return t, t.err
}

// A tables is the files of a fold, one after the other.
type tables struct {
	f     *folder
	stop  <-chan struct{}
	w     *sstable.Writer
	whole bool // what follows is one file
	bytes int
	paths []string
	err   error
	key   []byte
}

// add writes what c says of its id in space.
func (t *tables) add(space byte, c change) {
	if !t.ready(len(c.name) + len(c.value)) {
		return
	}
	t.key = appendNameKey(t.key[:0], space, c.name)
	switch {
	case space == accountSpace && c.kind == setKind:
		t.err = t.w.Set(t.key, c.value)
	case space == accountSpace && c.kind == mergeKind:
		t.err = t.w.Merge(t.key, c.value)
	case space == goneSpace && c.kind == deleteKind:
		t.err = t.w.Set(t.key, c.value)
	default:
		t.err = t.w.Delete(t.key)
	}
}

func (t *tables) set(key, value []byte) {
	if t.ready(len(key) + len(value)) {
		t.err = t.w.Set(key, value)
	}
}

// purge deletes all that is left of the deleted ids of apps.
func (t *tables) purge(apps map[account.AppID]uint64) {
	for _, app := range slices.Sorted(maps.Keys(apps)) {
		if t.ready(0) {
			lower := appendAppKey(nil, goneSpace, app)
			t.err = t.w.DeleteRange(lower, successor(lower))
		}
	}
}

// ready makes a file if there is none, and reports whether to go on.
func (t *tables) ready(n int) bool {
	if t.bytes += n; t.bytes > tableBytes && !t.whole {
		t.finish()
		t.bytes = n
	}
	if t.err != nil || t.w != nil {
		return t.err == nil
	}
	select {
	case <-t.stop:
		t.err = errStopped
		return false
	default:
	}
	t.open()
	return t.err == nil
}

var errStopped = errors.New("the store is being closed")

func (t *tables) open() {
	path := t.f.fs.PathJoin(t.f.dir, fmt.Sprintf(foldPrefix+"%06d.sst", t.f.n))
	t.f.n++
	file, err := t.f.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.err = err
		return
	}
	t.paths = append(t.paths, path)
	file = vfs.NewSyncingFile(file, vfs.SyncingFileOptions{BytesPerSync: bytesPerSync})
	t.w = sstable.NewWriter(objstorageprovider.NewFileWritable(file), t.f.s.writerOptions())
}

// finish ends the file under way and makes it durable.
func (t *tables) finish() {
	if t.w != nil {
		t.err = errors.Join(t.err, t.w.Close())
		t.w, t.bytes = nil, 0
	}
}

// remove removes the files; Pebble has links of its own to those that it took.
func (t *tables) remove() {
	t.finish()
	for _, path := range t.paths {
		_ = t.f.fs.Remove(path) // else the next Open does
	}
}
