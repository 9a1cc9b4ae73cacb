package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
)

// Bounds of the journal.
const (
	flushBytes = 32 << 20       // unflushed bytes that start a flush, also under load
	flushLeast = 1 << 20        // unflushed bytes that start a flush once nothing is written
	maxJournal = 4 * flushBytes // unflushed bytes at which commits wait
	keepBytes  = 3 * flushBytes // flushed bytes that stay in memory for reads: a million accounts
	tableBytes = 8 << 20        // names and values in a file; small files make small compactions
	retryFlush = time.Second    // delay after an error
)

// A journalLimit tracks how much of the journal is not flushed. It says when a flush is
// due and when commits must wait.
type journalLimit struct {
	bytes int           // set by the committer
	ready chan struct{} // receives a value when a flush is due
	due   int           // bytes at which a flush is due
	least int           // bytes at which a flush is due when nothing is written
	max   int           // bytes at which commits wait
}

func newJournalLimit(due int) *journalLimit {
	return &journalLimit{ready: make(chan struct{}, 1), due: due, least: due / (flushBytes / flushLeast), max: maxJournal / flushBytes * due}
}

// set sets the number of unflushed bytes.
func (b *journalLimit) set(n int) {
	b.bytes = n
	if b.bytes >= b.due {
		b.say()
	}
}

// say says that a flush is due.
func (b *journalLimit) say() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// full reports whether commits have to wait for a flush.
func (b *journalLimit) full() bool { return b.bytes >= b.max }

// tablePrefix is the start of the names of the files that a flush writes.
const tablePrefix = "fold-"

// A flusher moves the journal into the accounts and the index.
type flusher struct {
	s   *Store
	fs  vfs.FS
	dir string

	mu     sync.Mutex   // held during a flush
	n      int          // number of the next file
	nextID uint64       // the first InternalID that is not flushed
	size   idtable.Size // of the index on disk

	flushed  atomic.Int64 // bytes of journal since the start
	renewals int          // times that the whole index was written

	renewIndex bool // tests: rewrite the index in every flush
}

// run flushes the journal whenever a flush is due, and does deferred work when there is
// little load. It returns when stop is closed.
func (f *flusher) run(tick time.Duration, stop <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	idle := newIdler(f)
	for {
		var err error
		due := false
		select {
		case <-stop:
			return
		case <-f.s.failure.Done():
			return
		case <-f.s.limit.ready:
			due = true
			err = f.guarded(stop)
		case <-ticker.C:
			err = idle.tick(stop)
		}
		if err != nil && !errors.Is(err, errStopped) {
			f.s.errors.Log(err)
			pause(retryFlush, stop)
		}
		if err != nil && due { // while the journal is full, no commit says it again
			f.s.limit.say()
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

// guarded flushes the journal and returns even if the store fails meanwhile.
func (f *flusher) guarded(stop <-chan struct{}) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.s.view.acquire()
	defer f.s.view.release(st)
	if len(st.commits) == 0 {
		return nil
	}
	return f.s.failure.Shielded(func() error { return f.flush(st, stop) }, 0)
}

// flush writes the journal of st into tables, ingests them into Pebble, and drops that
// part of the journal. A crash between these steps loses nothing and applies nothing
// twice: Pebble adds m/folded and the tables in one step.
func (f *flusher) flush(st state, stop <-chan struct{}) error {
	p, err := f.write(st, stop)
	defer p.remove()
	if err != nil || len(p.paths) == 0 {
		return err
	}
	if err := f.s.db.Ingest(context.Background(), p.paths); err != nil {
		return err
	}
	f.flushed.Add(int64(st.bytes()))
	if p.renewed {
		f.renewals++
	}
	last := st.commits[len(st.commits)-1]
	f.nextID, f.size = last.NextID, p.size
	return f.s.commits.submitFlush(func(g *group) error {
		g.endFlush(last)
		return nil
	})
}

// dropJournal deletes the commits up to seq.
func dropJournal(b *pebble.Batch, seq uint64) error {
	lower, _ := spaceBounds(journalSpace)
	return b.DeleteRange(lower, journalKey(seq+1), nil)
}

// write writes the tables of a flush.
func (f *flusher) write(st state, stop <-chan struct{}) (*tables, error) {
	t := &tables{f: f, stop: stop, last: st.commits[len(st.commits)-1], compress: true}
	items, purged, err := journal.Newest(st.commits)
	if err != nil {
		return t, err
	}
	x := indexPages{table: f.s.table, nextID: f.nextID, last: t.last, ids: idtable.Pages{Form: idtable.IDs}, changes: idtable.Pages{Form: idtable.Changes}}
	// The accounts of a load are compressed when they are compacted, which happens as soon
	// as the load has ended. The pages of the index are never compacted.
	t.compress = !slices.ContainsFunc(st.commits, func(c journal.Commit) bool { return c.Load })
	err = journal.EachChange(st.commits, items, func(c journal.Change) error {
		t.add(c)
		return x.add(c)
	})
	if err != nil {
		return t, err
	}
	t.finish()
	t.compress = true
	t.index(&x, purged)
	t.set(flushedKey, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, t.last.Seq), t.last.NextID))
	t.finish()
	return t, t.err
}

// A tables writes the files of a flush, one at a time.
type tables struct {
	f        *flusher
	last     journal.Commit // the last commit of the flush
	stop     <-chan struct{}
	compress bool // the next file
	w        *sstable.Writer
	out      tableFile // of w
	bytes    int
	paths    []string
	size     idtable.Size // of the index after the flush
	renewed  bool
	err      error
	key      []byte
}

// add writes the change c of an account.
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

// index writes the pages of the flush, or the whole index if that is cheaper. After a
// purge the whole index must be rewritten: it must not contain the purged IDs, which may
// be created again.
func (t *tables) index(x *indexPages, purged bool) {
	t.size = t.f.size
	for _, p := range []*idtable.Pages{&x.changes, &x.ids} {
		p.End()
		t.size.Add(p.Size())
	}
	if purged || t.f.renewIndex || t.size.Stale(t.f.s.table.Records()) {
		t.renewIndex()
		return
	}
	for _, p := range []*idtable.Pages{&x.changes, &x.ids} {
		t.pages(p)
		t.finish()
	}
}

// renewIndex replaces the index. It writes i/ before c/. An ID that gets a watermark
// between the two is therefore in both spaces, and not in neither.
func (t *tables) renewIndex() {
	t.size, t.renewed = idtable.Size{}, true
	for _, f := range []idtable.Form{idtable.IDs, idtable.Changes} {
		space := spaceOf(f)
		t.drop([]byte{space, '/'}, pageKey(space, t.last.Seq, 0))
		p := &idtable.Pages{Form: f}
		t.f.s.table.Each(func(name []byte, e idtable.Entry) {
			if t.err == nil && inIndex(e, t.last) == space {
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
func (t *tables) pages(p *idtable.Pages) {
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

// ready opens a file if none is open, and reports whether the flush can continue.
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
	path := t.f.fs.PathJoin(t.f.dir, fmt.Sprintf(tablePrefix+"%06d.sst", t.f.n))
	t.f.n++
	file, err := t.f.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.err = err
		return
	}
	t.paths = append(t.paths, path)
	t.out.begin(vfs.NewSyncingFile(file, vfs.SyncingFileOptions{BytesPerSync: bytesPerSync}))
	t.w = sstable.NewWriter(&t.out, t.f.s.writerOptions(t.compress))
}

// finish closes the open file and makes it durable.
func (t *tables) finish() {
	if t.w != nil {
		t.err = errors.Join(t.err, t.w.Close())
		t.w, t.bytes = nil, 0
	}
}

// remove removes the files. Pebble has its own links to the files that it has ingested.
func (t *tables) remove() {
	t.finish()
	for _, path := range t.paths {
		_ = t.f.fs.Remove(path) // if it fails, the next Open removes the file
	}
}
