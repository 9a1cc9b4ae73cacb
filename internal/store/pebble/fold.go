package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/roster"
)

// Bounds of the journal.
const (
	foldBytes  = 32 << 20      // fold when there is so much, also under load
	foldLeast  = 1 << 20       // and when there is so much, once nothing is written any more
	maxJournal = 4 * foldBytes // commits wait when there is so much
	keepBytes  = 3 * foldBytes // stay in memory after they were folded, for reads: a million accounts
	tableBytes = 8 << 20       // of names and values in a file; small files make small compactions
	retryFold  = time.Second   // after an error
)

// A backlog knows how much of the journal is not folded.
type backlog struct {
	bytes int           // as the committer says
	ready chan struct{} // told when it is time to fold
	due   int           // bytes to fold
	least int           // bytes to fold when nothing is written
	max   int           // bytes to wait at
}

func newBacklog(due int) *backlog {
	return &backlog{ready: make(chan struct{}, 1), due: due, least: due / (foldBytes / foldLeast), max: maxJournal / foldBytes * due}
}

// set says how much is not folded.
func (b *backlog) set(n int) {
	b.bytes = n
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

// A folder moves the journal into the accounts and the index.
type folder struct {
	s   *Store
	fs  vfs.FS
	dir string

	mu     sync.Mutex  // held for a fold
	n      int         // of files made
	nextID uint64      // the next InternalID to give after what is folded
	size   roster.Size // of what is folded

	folded   atomic.Int64 // bytes of journal
	renewals int          // of the index

	renewIndex bool // tests: with every fold
}

// run folds whenever there is enough, and does the rest when there is little load, until
// stop is closed.
func (f *folder) run(tick time.Duration, stop <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	idle := newIdler(f)
	for {
		var err error
		select {
		case <-stop:
			return
		case <-f.s.failure.Done():
			return
		case <-f.s.room.ready:
			err = f.guarded(stop)
		case <-ticker.C:
			err = idle.tick(stop)
		}
		if err != nil && !errors.Is(err, errStopped) {
			f.s.errors.Log(err)
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
	st := f.s.view.acquire()
	defer f.s.view.release(st)
	if len(st.commits) == 0 {
		return nil
	}
	return f.s.failure.Shielded(func() error { return f.fold(st, stop) }, 0)
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
	f.folded.Add(int64(st.bytes()))
	if p.renewed {
		f.renewals++
	}
	last := st.commits[len(st.commits)-1]
	f.nextID, f.size = last.NextID, p.size
	return f.s.commits.fold(func(g *group) error {
		g.folded = last.End()
		g.also(func(b *pebble.Batch) error { return dropJournal(b, last.Seq) })
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
	t := &tables{f: f, stop: stop, last: st.commits[len(st.commits)-1]}
	items, purged, err := journal.Newest(st.commits)
	if err != nil {
		return t, err
	}
	x := foldIndex{table: f.s.table, nextID: f.nextID, last: t.last, ids: roster.Pages{Form: roster.IDs}, changes: roster.Pages{Form: roster.Changes}}
	err = journal.EachChange(st.commits, items, func(c journal.Change) error {
		t.add(c)
		return x.add(c)
	})
	if err != nil {
		return t, err
	}
	t.finish()
	t.index(&x, purged)
	t.set(foldedKey, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, t.last.Seq), t.last.NextID))
	t.finish()
	return t, t.err
}

// A tables is the files of a fold, one after the other.
type tables struct {
	f       *folder
	last    journal.Commit // of the fold
	stop    <-chan struct{}
	w       *sstable.Writer
	out     tableFile // of w
	bytes   int
	paths   []string
	size    roster.Size // of the index after it
	renewed bool
	err     error
	key     []byte
}

// add writes what c says of an account.
func (t *tables) add(c journal.Change) {
	if !t.ready(len(c.Name) + len(c.Value)) {
		return
	}
	t.key = appendNameKey(t.key[:0], accountSpace, c.Name)
	switch c.Kind {
	case journal.Set:
		t.err = t.w.Set(t.key, c.Value)
	case journal.Merge:
		t.err = t.w.Merge(t.key, c.Value)
	default:
		t.err = t.w.Delete(t.key)
	}
}

// index writes the pages of a fold, or the whole index if that is better. After
// a purge it has to be: what was forgotten must not come back, and ids may be
// made for the first time once more.
func (t *tables) index(x *foldIndex, purged bool) {
	t.size = t.f.size
	for _, p := range []*roster.Pages{&x.changes, &x.ids} {
		p.End()
		t.size.Add(p.Size())
	}
	if purged || t.f.renewIndex || t.size.Stale(t.f.s.table.Records()) {
		t.renewIndex()
		return
	}
	for _, p := range []*roster.Pages{&x.changes, &x.ids} {
		t.pages(p)
		t.finish()
	}
}

// renewIndex replaces the index. An id that gets a watermark meanwhile is then
// in both spaces, rather than in none: i/ comes first.
func (t *tables) renewIndex() {
	t.size, t.renewed = roster.Size{}, true
	for _, f := range []roster.Form{roster.IDs, roster.Changes} {
		space := spaceOf(f)
		t.drop([]byte{space, '/'}, pageKey(space, t.last.Seq, 0))
		p := &roster.Pages{Form: f}
		t.f.s.table.Each(func(name []byte, e roster.Entry) {
			if inIndex(e, t.last) == space {
				p.Add(name, e)
			}
		}, func() { t.pages(p) })
		p.End()
		t.pages(p)
		t.finish()
		t.size.Add(p.Size())
	}
}

// pages writes the full pages of p.
func (t *tables) pages(p *roster.Pages) {
	space := spaceOf(p.Form)
	p.Flush(func(n uint32, page []byte) { t.set(pageKey(space, t.last.Seq, n), page) })
}

// drop deletes a range of keys.
func (t *tables) drop(lower, upper []byte) {
	if t.ready(0) {
		t.err = t.w.DeleteRange(lower, upper)
	}
	t.finish()
}

func (t *tables) set(key, value []byte) {
	if t.ready(len(key) + len(value)) {
		t.err = t.w.Set(key, value)
	}
}

// ready makes a file if there is none, and reports whether to go on.
func (t *tables) ready(n int) bool {
	if t.bytes += n; t.bytes > tableBytes {
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
	t.out.begin(vfs.NewSyncingFile(file, vfs.SyncingFileOptions{BytesPerSync: bytesPerSync}))
	t.w = sstable.NewWriter(&t.out, t.f.s.writerOptions())
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
