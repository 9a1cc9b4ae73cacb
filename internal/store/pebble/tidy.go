package pebble

import (
	"context"
	"runtime/debug"
	"time"
)

// What the store does when there is little load. Under load it folds large pieces, and
// Pebble compacts when l0Folds lie on each other: both take less for an account the more
// they do at once. The rest is done when it disturbs nobody.
const (
	idleTick  = 2 * time.Second
	idleBytes = 256 << 10 // of journal in a tick are little load
	idleKeep  = 8         // ticks of little load after which what is kept is let go
	tidyFolds = 2         // folds that may stay on each other
	tidyBytes = 32 << 20  // of tables that are compacted in a step; between two the load is looked at
)

// An idler does what waits for little load: it folds the end of the journal, compacts
// what folds have left on each other, so that reads look into fewer tables and no stale
// version takes space, and gives memory back. The folder's goroutine alone uses it.
type idler struct {
	f *folder

	end   uint64 // of the journal at the last tick
	ticks int    // of little load, one after the other

	// When the store was last in order.
	folded   int64 // bytes
	renewals int
}

// newIdler returns an idler for a folder whose journal has just been looked at.
func newIdler(f *folder) *idler {
	end, _ := f.journal()
	return &idler{f: f, end: end}
}

// tick does what is to be done when another tick has passed.
func (i *idler) tick(stop <-chan struct{}) error {
	end, unfolded := i.f.journal()
	grown := end - i.end
	i.end = end
	if grown >= idleBytes {
		i.ticks = 0
		return nil
	}
	if grown == 0 && unfolded >= i.f.s.room.least {
		if err := i.f.guarded(stop); err != nil {
			return err
		}
	}
	if i.ticks++; i.ticks == idleKeep {
		defer debug.FreeOSMemory()
		if err := i.f.s.commits.fold(func(g *group) error { g.view.forget(); return nil }); err != nil {
			return err
		}
	}
	if i.folded == i.f.folded.Load() {
		return nil
	}
	return i.f.s.failure.Shielded(func() error { return i.tidy(stop) }, 0)
}

// journal returns where the journal ends, and how much of it is not folded.
func (f *folder) journal() (end uint64, unfolded int) {
	st := f.s.view.acquire()
	defer f.s.view.release(st)
	n := st.bytes()
	return st.folded + uint64(n), n
}

// tidy puts the store in order, unless the load begins again meanwhile.
func (i *idler) tidy(stop <-chan struct{}) error {
	db, folded, renewals := i.f.s.db, i.f.folded.Load(), i.f.renewals
	if err := db.Flush(); err != nil {
		return err
	}
	spaces := []byte{journalSpace} // what is left of it is folded
	if i.worthwhile() {
		spaces = append(spaces, accountSpace, metaSpace)
	}
	if renewals != i.renewals { // otherwise the pages of the index lie side by side
		spaces = append(spaces, changeSpace, idSpace)
	}
	for _, space := range spaces {
		if done, err := i.tidySpace(space, stop); err != nil || !done {
			return err
		}
	}
	i.folded, i.renewals = folded, renewals
	return nil
}

// worthwhile reports whether enough is out of order for a compaction: a few ids that lie
// anywhere draw all the others into it.
func (i *idler) worthwhile() bool {
	m := i.f.s.db.Metrics()
	return m.Levels[0].Sublevels > tidyFolds && 10*m.Levels[0].TablesSize > m.Total().TablesSize || m.Levels[0].Sublevels > l0Folds/2
}

// tidySpace compacts a space in steps, and reports whether it came to the end.
func (i *idler) tidySpace(space byte, stop <-chan struct{}) (bool, error) {
	lower, upper := spaceBounds(space)
	size, err := i.f.s.db.EstimateDiskUsage(lower, upper)
	if err != nil {
		return false, err
	}
	parts, err := i.f.s.parts(space, 1+int(size/tidyBytes))
	if err != nil {
		return false, err
	}
	for n := range len(parts) - 1 {
		if end, _ := i.f.journal(); end-i.end >= idleBytes {
			return false, nil
		}
		if err := i.compact(parts[n], parts[n+1], stop); err != nil {
			return false, err
		}
	}
	return true, nil
}

// compact rewrites a range. It returns errStopped once stop is closed.
func (i *idler) compact(lower, upper []byte, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := i.f.s.db.Compact(ctx, lower, upper, false)
	if ctx.Err() != nil {
		return errStopped
	}
	return err
}
