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

// The index is a copy of the table in Pebble, which a start reads instead of the accounts.
// Every flush adds pages to it, in the same step in which it adds the accounts:
//   - i/ contains IDs that are created for the first time.
//   - c/ contains the changes of other IDs, and new IDs with a watermark.
//
// The pages of i/ never contain an ID twice, so they can be read in any order. Those of c/
// must be read in order. When much of the index is out of date, a flush rewrites all of it
// from the table.

// An indexPages builds the index pages of a flush.
type indexPages struct {
	table   *idtable.Table
	nextID  uint64         // the first InternalID that this flush assigns
	last    journal.Commit // of the flush
	ids     idtable.Pages
	changes idtable.Pages
}

// spaceOf returns the space for pages of a form.
func spaceOf(f idtable.Form) byte {
	if f == idtable.Changes {
		return changeSpace
	}
	return idSpace
}

// add adds the change c of an ID, if it changes the entry of that ID in the table.
func (x *indexPages) add(c journal.Change) error {
	switch c.Kind {
	case journal.Set:
		e, err := idtable.LiveEntry(c.Value)
		switch given := e.InternalID >= x.nextID; {
		case err != nil:
			return err
		case given && !c.Again && e.Kicked == 0:
			x.ids.Add(c.Name, e)
		case given || e.Kicked != 0 || c.Again: // a loaded account has any InternalID
			x.changes.Add(c.Name, e)
		}
	case journal.Merge:
		kicked, err := record.OperandsKicked(0, c.Value)
		if err != nil || kicked == 0 {
			return err
		}
		// The entry may be newer than c. The newer change is in the journal, and is
		// replayed at the next start.
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

// inIndex returns the space of the index for an entry, in a flush whose last commit is
// last. It returns 0 if the entry belongs to neither space: nothing is known of the ID, or
// the journal after last contains all of it.
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

// loadParts is the number of parts per processor. It is above 1 because parts differ in
// size.
const loadParts = 8

// loadChanges reads the pages of c/.
func (s *Store) loadChanges(ctx context.Context, g *group) error {
	lower, upper := spaceBounds(changeSpace)
	size, err := s.loadPages(ctx, g, idtable.Changes, [][]byte{lower, upper}, s.table.Replace)
	s.flusher.size.Add(size)
	return err
}

// loadPages calls fn with each entry of the pages between two keys.
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
				if f == idtable.Changes {
					n.Changes++
				}
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
