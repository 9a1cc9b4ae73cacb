package idtable

import (
	"runtime"
	"sync"
	"sync/atomic"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// A Loader adds records to an empty [Table] that nothing else uses meanwhile. Several
// Loaders may run at once, because each has its own pages. Table.Index must be called when
// all are done: no record can be found before.
type Loader struct {
	t     *Table
	pages [tableShards]*[pageBytes]byte
	used  [tableShards]int // bytes
}

// NewLoader returns a Loader of t, for one goroutine.
func NewLoader(t *Table) *Loader { return &Loader{t: t} }

// Add adds a record for a name that has none. e must have neither a watermark nor a
// tombstone. Its only error is [ErrFull].
func (l *Loader) Add(name []byte, e Entry) error {
	i := l.t.Hash(name) % tableShards
	size := (nameOffset + len(name) + unitBytes - 1) / unitBytes * unitBytes
	if l.pages[i] == nil || l.used[i]+size > pageBytes {
		if !l.turn(i) {
			return ErrFull
		}
	}
	b := l.pages[i][l.used[i]:]
	l.used[i] += size
	b[lenOffset] = byte(len(name))
	putHead(b, e)
	copy(b[nameOffset:], name)
	return nil
}

// turn starts a new page of shard i. It reports false if the shard is full.
func (l *Loader) turn(i uint64) bool {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	s := &l.t.shards[i]
	if s.used+2*pageUnits > placeMask {
		return false
	}
	p := l.t.arena.page()
	l.pages[i], l.used[i] = p, 0
	if len(s.pages) == 0 {
		l.used[i] = unitBytes // place 0 means no record
	}
	s.pages = append(s.pages, p)
	s.used = uint32(len(s.pages)) * pageUnits
	return true
}

// Index builds the slots for all loaded records and counts them as live accounts. It works
// shard by shard, so that the slots of a shard stay in the processor cache. That is
// several times faster than one record at a time. Nothing else may use the Table
// meanwhile.
func (t *Table) Index() {
	var next atomic.Int32
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			counts := map[account.AppID]int64{}
			for i := next.Add(1) - 1; i < tableShards; i = next.Add(1) - 1 {
				t.shards[i].count(counts)
				t.shards[i].fit(t, int(i))
			}
			t.mu.Lock()
			defer t.mu.Unlock()
			for app, n := range counts {
				t.counts[app] += n
			}
		})
	}
	wg.Wait()
}

// Replace stores e for an ID, adds a record if there is none, and updates the count.
// Nothing else may use the Table meanwhile. Its only error is [ErrFull].
func (t *Table) Replace(name []byte, e Entry) error {
	h := t.Hash(name)
	r, before := t.Find(h, name)
	if r == 0 {
		if r = t.Add(h, name); r == 0 {
			return ErrFull
		}
	}
	t.Put(r, e)
	switch {
	case e.Live() && !before.Live():
		t.counts[record.NameApp(name)]++
	case before.Live() && !e.Live():
		t.counts[record.NameApp(name)]--
	}
	return nil
}
