package pebble

import (
	"context"
	"runtime/debug"
	"time"
)

// What the store does when there is little load. Under load it flushes large pieces, and
// Pebble compacts when l0Flushes lie on each other: both take less for an account the more
// they do at once. The rest is done when it disturbs nobody.
const (
	idleTick     = 2 * time.Second
	idleBytes    = 256 << 10 // of journal in a tick are little load
	idleKeep     = 8         // ticks of little load after which what is kept is let go
	keptFlushes  = 2         // flushes that may stay on each other
	compactBytes = 32 << 20  // of tables that are compacted in a step; between two the load is looked at
)

// An idler does what waits for little load: it flushes the end of the journal, compacts
// what flushes have left on each other, so that reads look into fewer tables and no stale
// version takes space, and gives memory back. The flusher's goroutine alone uses it.
type idler struct {
	f *flusher

	end   uint64 // of the journal at the last tick
	ticks int    // of little load, one after the other

	// When the store was last in order.
	flushed  int64 // bytes
	renewals int
}

// newIdler returns an idler for a flusher whose journal has just been looked at.
func newIdler(f *flusher) *idler {
	end, _ := f.journal()
	return &idler{f: f, end: end}
}

// tick does what is to be done when another tick has passed.
func (i *idler) tick(stop <-chan struct{}) error {
	end, unflushed := i.f.journal()
	grown := end - i.end
	i.end = end
	if grown >= idleBytes {
		i.ticks = 0
		return nil
	}
	if grown == 0 && unflushed >= i.f.s.limit.least {
		if err := i.f.guarded(stop); err != nil {
			return err
		}
	}
	if i.ticks++; i.ticks == idleKeep {
		defer debug.FreeOSMemory()
		if err := i.f.s.commits.submitFlush(func(g *group) error { g.view.forget(); return nil }); err != nil {
			return err
		}
	}
	if i.flushed == i.f.flushed.Load() {
		return nil
	}
	return i.f.s.failure.Shielded(func() error { return i.compact(stop) }, 0)
}

// journal returns where the journal ends, and how much of it is not flushed.
func (f *flusher) journal() (end uint64, unflushed int) {
	st := f.s.view.acquire()
	defer f.s.view.release(st)
	n := st.bytes()
	return st.flushed + uint64(n), n
}

// compact puts the store in order, unless the load begins again meanwhile.
func (i *idler) compact(stop <-chan struct{}) error {
	db, flushed, renewals := i.f.s.db, i.f.flushed.Load(), i.f.renewals
	if err := db.Flush(); err != nil {
		return err
	}
	spaces := []byte{journalSpace} // what is left of it is flushed
	if i.worthwhile() {
		spaces = append(spaces, accountSpace, metaSpace)
	}
	if renewals != i.renewals { // otherwise the pages of the index lie side by side
		spaces = append(spaces, changeSpace, idSpace)
	}
	for _, space := range spaces {
		if done, err := i.compactSpace(space, stop); err != nil || !done {
			return err
		}
	}
	i.flushed, i.renewals = flushed, renewals
	return nil
}

// worthwhile reports whether enough is out of order for a compaction: a few ids that lie
// anywhere draw all the others into it.
func (i *idler) worthwhile() bool {
	m := i.f.s.db.Metrics()
	return m.Levels[0].Sublevels > keptFlushes && 10*m.Levels[0].TablesSize > m.Total().TablesSize || m.Levels[0].Sublevels > l0Flushes/2
}

// compactSpace compacts a space in steps, and reports whether it came to the end.
func (i *idler) compactSpace(space byte, stop <-chan struct{}) (bool, error) {
	lower, upper := spaceBounds(space)
	size, err := i.f.s.db.EstimateDiskUsage(lower, upper)
	if err != nil {
		return false, err
	}
	parts, err := i.f.s.parts(space, 1+int(size/compactBytes))
	if err != nil {
		return false, err
	}
	for n := range len(parts) - 1 {
		if end, _ := i.f.journal(); end-i.end >= idleBytes {
			return false, nil
		}
		if err := i.compactRange(parts[n], parts[n+1], stop); err != nil {
			return false, err
		}
	}
	return true, nil
}

// compact rewrites a range. It returns errStopped once stop is closed.
func (i *idler) compactRange(lower, upper []byte, stop <-chan struct{}) error {
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
