package pebble

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

// The index is what the table holds, kept in Pebble so that a start does not
// have to read the accounts. Every flush adds pages to it, in the same step in
// which it adds the accounts: to i/ the ids that it makes for the first time,
// and to c/ what has become of others, and new ids with a watermark. So the
// pages of i/ never name an id twice and can be read in any order, and those of
// c/ in theirs. When much of it is out of date, a flush writes all of it anew from
// the table.

// A indexPages makes the pages of a flush.
type indexPages struct {
	table   *idtable.Table
	nextID  uint64         // ids from it on are given in this flush
	last    journal.Commit // of the flush
	ids     idtable.Pages
	changes idtable.Pages
}

// spaceOf returns the space of pages.
func spaceOf(f idtable.Form) byte {
	if f == idtable.Changes {
		return changeSpace
	}
	return idSpace
}

// add adds what c says of its id, if it is anything that the table holds.
func (x *indexPages) add(c journal.Change) error {
	switch c.Kind {
	case journal.Set:
		e, err := idtable.LiveEntry(c.Value)
		switch given := e.InternalID >= x.nextID; {
		case err != nil:
			return err
		case given && !c.Again && e.Kicked == 0:
			x.ids.Add(c.Name, e)
		case given || e.Kicked != 0:
			x.changes.Add(c.Name, e)
		}
	case journal.Merge:
		kicked, err := record.OperandsKicked(0, c.Value)
		if err != nil || kicked == 0 {
			return err
		}
		// The table may be ahead of c. What is newer stands in the journal, which
		// says the same once more after a start.
		if e := x.table.Lookup(c.Name); e.Live() && inIndex(e, x.last) == changeSpace {
			x.changes.Add(c.Name, e)
		}
	case journal.Delete:
		e, err := idtable.GoneEntry(c.Value)
		if err != nil {
			return err
		}
		x.changes.Add(c.Name, e)
	}
	return nil
}

// inIndex returns the space of the index that an entry of the table belongs to
// in a flush whose last commit is last, and 0 if to none: nothing is known of the
// id, or the journal above last tells all of it after a start.
func inIndex(e idtable.Entry, last journal.Commit) byte {
	switch {
	case e.Live() && e.InternalID >= last.NextID, !e.Live() && (!e.Gone || e.Pos >= last.End()):
		return 0
	case e.Live() && e.Kicked == 0:
		return idSpace
	}
	return changeSpace
}

// loadIndex fills the table.
func (s *Store) loadIndex(ctx context.Context, g *group) error {
	if err := s.loadIDs(ctx, g); err != nil {
		return err
	}
	s.table.Index()
	return s.loadChanges(ctx, g)
}

// loadIDs reads the pages of i/ in several goroutines.
func (s *Store) loadIDs(ctx context.Context, g *group) error {
	workers := runtime.GOMAXPROCS(0)
	bounds, err := s.parts(idSpace, loadParts*workers)
	if err != nil {
		return err
	}
	sizes, errs := make([]idtable.Size, len(bounds)-1), make([]error, len(bounds)-1)
	var next atomic.Int32
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			l := idtable.NewLoader(s.table)
			for i := int(next.Add(1)) - 1; i < len(errs); i = int(next.Add(1)) - 1 {
				sizes[i], errs[i] = s.loadPages(ctx, g, idtable.IDs, bounds[i:i+2], l.Add)
			}
		})
	}
	wg.Wait()
	for _, n := range sizes {
		s.flusher.size.Add(n)
	}
	return errors.Join(errs...)
}

// loadParts is how many parts each processor loads: they are not all equal.
const loadParts = 8

// loadChanges reads the pages of c/.
func (s *Store) loadChanges(ctx context.Context, g *group) error {
	lower, upper := spaceBounds(changeSpace)
	size, err := s.loadPages(ctx, g, idtable.Changes, [][]byte{lower, upper}, s.table.Replace)
	s.flusher.size.Add(size)
	return err
}

// loadPages calls fn with the entries of the pages between two keys.
func (s *Store) loadPages(ctx context.Context, g *group, f idtable.Form, bounds [][]byte, fn func(name []byte, e idtable.Entry) error) (n idtable.Size, err error) {
	err = iterate(s.db, bounds[0], bounds[1], func(it *pebble.Iterator) error {
		for ok := it.First(); ok; ok = it.Next() {
			if err := account.Ended(ctx); err != nil {
				return err
			}
			seq, err := pageSeq(it.Key())
			if err != nil {
				return err
			}
			n.Pages++
			err = idtable.EachEntry(f, it.Value(), func(name []byte, e idtable.Entry) error {
				if e.InternalID >= g.nextID {
					return record.ErrCorrupt
				}
				n.Entries++
				e.Pos = seq
				return fn(name, e)
			})
			if err != nil {
				return fmt.Errorf("index, flush %d: %w", seq, err)
			}
		}
		return nil
	})
	return n, err
}
