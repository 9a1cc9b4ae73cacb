package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/store/pebble/record"
)

// The index is what the table holds, kept in Pebble so that a start does not
// have to read the accounts. Every fold adds pages to it, in the same step in
// which it adds the accounts: to i/ the ids that it makes for the first time,
// and to c/ what has become of others. So the pages of i/ never name an id
// twice and can be read in any order, and those of c/ in theirs. When much of it
// is out of date, a fold writes all of it anew from the table.
//
// A page is entries, each with its name in parts: what it shares with the name
// before, and the rest.
//
//	uvarint  number of bytes that are shared
//	uvarint  length of the rest
//	rest     of the name, see record
//	varint   InternalID less that of the entry before; in c/ it is 0 if there is
//	         no account any more
//	         in c/ alone: varint Kicked, varint time of deletion, unix milliseconds

// indexPage is about how many bytes a page has.
const indexPage = 32 << 10

// A pages collects the pages of one space.
type pages struct {
	space   byte
	full    [][]byte
	written uint32 // pages that are no longer here
	entries int64

	page []byte // under way
	name []byte // the last in it
	id   uint64 // the last in it
}

// add adds an id.
func (p *pages) add(name []byte, e entry) {
	if p.page == nil {
		p.page = make([]byte, 0, indexPage+indexPage/8)
	}
	shared := record.SharedPrefix(p.name, name)
	p.page = binary.AppendUvarint(p.page, uint64(shared))
	p.page = binary.AppendUvarint(p.page, uint64(len(name)-shared))
	p.page = append(p.page, name[shared:]...)
	p.page = binary.AppendVarint(p.page, int64(e.internalID)-int64(p.id))
	if p.space == changeSpace {
		p.page = binary.AppendVarint(p.page, e.kicked)
		p.page = binary.AppendVarint(p.page, e.deleted)
	}
	p.name, p.id = append(p.name[:0], name...), e.internalID
	p.entries++
	if len(p.page) >= indexPage {
		p.end()
	}
}

// end ends the page under way.
func (p *pages) end() {
	if p.page != nil {
		p.full = append(p.full, p.page)
	}
	p.page, p.name, p.id = nil, p.name[:0], 0
}

// eachEntry calls fn for each entry of a page of space. The name is fn's for the
// time of the call.
func eachEntry(space byte, page []byte, fn func(name []byte, e entry) error) error {
	name := make([]byte, 0, maxName)
	id := uint64(0)
	for r := record.ReaderOf(page); r.More(); {
		shared, rest := r.Uvarint(), r.Text()
		id += uint64(r.Varint())
		e := entry{internalID: id}
		if space == changeSpace {
			e.kicked, e.deleted = r.Varint(), r.Varint()
			e.gone = !e.live()
		}
		if !r.OK() || shared > uint64(len(name)) || id > maxID || space == idSpace && id == 0 {
			return record.ErrCorrupt
		}
		if name = append(name[:shared], rest...); len(name) < record.MinName || len(name) > maxName {
			return record.ErrCorrupt
		}
		if err := fn(name, e); err != nil {
			return err
		}
	}
	return nil
}

// An indexSize tells how much of an index there is.
type indexSize struct{ pages, entries int64 }

func (p *pages) size() indexSize { return indexSize{int64(p.written) + int64(len(p.full)), p.entries} }

func (n *indexSize) add(more indexSize) {
	n.pages += more.pages
	n.entries += more.entries
}

// stale reports whether an index of so much, for so many ids, is better written
// anew: most of its entries are out of date, or it is in small pieces.
func (n indexSize) stale(ids int64) bool {
	return n.entries > 2*ids+1<<20 || n.pages > ids/128+1<<12
}

// A foldIndex makes the pages of a fold.
type foldIndex struct {
	table   *table
	nextID  uint64 // ids from it on are given in this fold
	ids     pages
	changes pages
}

// add adds what c says of its id, if it is anything that the table holds.
func (x *foldIndex) add(c change) error {
	switch c.kind {
	case setKind:
		e, err := liveEntry(c.value)
		switch given := e.internalID >= x.nextID; {
		case err != nil:
			return err
		case given && !c.again && e.kicked == 0:
			x.ids.add(c.name, e)
		case given || e.kicked != 0:
			x.changes.add(c.name, e)
		}
	case mergeKind:
		kicked, err := record.OperandsKicked(c.value)
		if err != nil || kicked == 0 {
			return err
		}
		// It may be newer than c. What is newer stands in the journal too, which
		// says the same once more after a start.
		if e := x.table.get(c.name); e.live() {
			x.changes.add(c.name, e)
		}
	case deleteKind:
		e, err := goneEntry(c.value)
		if err != nil {
			return err
		}
		x.changes.add(c.name, e)
	}
	return nil
}

// inIndex returns the space of the index that an entry of the table belongs to
// in a fold whose last commit is last, and 0 if to none: nothing is known of the
// id, or the journal above last tells all of it after a start.
func (e entry) inIndex(last commit) byte {
	switch {
	case e.live() && e.internalID >= last.nextID, !e.live() && (!e.gone || e.pos >= last.end()):
		return 0
	case e.live() && e.kicked == 0:
		return idSpace
	}
	return changeSpace
}

// loadIndex fills the table.
func (s *Store) loadIndex(g *group) error {
	if err := s.loadIDs(g); err != nil {
		return err
	}
	s.table.index()
	return s.loadChanges(g)
}

// loadIDs reads the pages of i/ in several goroutines.
func (s *Store) loadIDs(g *group) error {
	workers := runtime.GOMAXPROCS(0)
	bounds, err := s.parts(idSpace, loadParts*workers)
	if err != nil {
		return err
	}
	sizes, errs := make([]indexSize, len(bounds)-1), make([]error, len(bounds)-1)
	var next atomic.Int32
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			l := &loader{t: s.table}
			for i := int(next.Add(1)) - 1; i < len(errs); i = int(next.Add(1)) - 1 {
				sizes[i], errs[i] = s.loadPages(g, idSpace, bounds[i:i+2], l.enter)
			}
		})
	}
	wg.Wait()
	for _, n := range sizes {
		s.folder.size.add(n)
	}
	return errors.Join(errs...)
}

// loadParts is how many parts each processor loads: they are not all equal.
const loadParts = 8

// enter puts an id that is not there yet into the table.
func (l *loader) enter(name []byte, e entry) error {
	if !l.add(name, e) {
		return errTableFull
	}
	return nil
}

// loadChanges reads the pages of c/.
func (s *Store) loadChanges(g *group) error {
	lower, upper := spaceBounds(changeSpace)
	size, err := s.loadPages(g, changeSpace, [][]byte{lower, upper}, s.change)
	s.folder.size.add(size)
	return err
}

// change puts what has become of an id into the table. Nobody reads it yet.
func (s *Store) change(name []byte, e entry) error {
	h := s.table.hash(name)
	r, before := s.table.find(h, name)
	if r == 0 {
		if r = s.table.add(h, name); r == 0 {
			return errTableFull
		}
	}
	s.table.put(r, e)
	switch {
	case e.live() && !before.live():
		s.table.counts[record.NameApp(name)]++
	case before.live() && !e.live():
		s.table.counts[record.NameApp(name)]--
	}
	return nil
}

// loadPages calls fn with the entries of the pages between two keys.
func (s *Store) loadPages(g *group, space byte, bounds [][]byte, fn func(name []byte, e entry) error) (n indexSize, err error) {
	err = iterate(s.db, bounds[0], bounds[1], func(it *pebble.Iterator) error {
		for ok := it.First(); ok; ok = it.Next() {
			seq, err := pageSeq(it.Key())
			if err != nil {
				return err
			}
			n.pages++
			err = eachEntry(space, it.Value(), func(name []byte, e entry) error {
				if e.internalID >= g.nextID {
					return record.ErrCorrupt
				}
				n.entries++
				e.pos = seq
				return fn(name, e)
			})
			if err != nil {
				return fmt.Errorf("index, fold %d: %w", seq, err)
			}
		}
		return nil
	})
	return n, err
}
