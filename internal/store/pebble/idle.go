package pebble

import (
	"context"
	"runtime/debug"
	"time"
)

// Limits of the work that the store defers until there is little load. Under load, the
// store flushes large pieces, and Pebble compacts only when l0Flushes flushes overlap,
// because large pieces of work cost less per account.
const (
	idleTick     = 2 * time.Second
	idleBytes    = 256 << 10 // less journal than this in a tick is little load
	idleKeep     = 8         // ticks of little load before the kept journal is released
	keptFlushes  = 2         // sublevels of level 0 that may stay
	mostFlushes  = 6         // sublevels that may stay even if they are small
	compactBytes = 32 << 20  // tables compacted in one step; the load is checked between steps
)

// An idler does deferred work when there is little load. It flushes the rest of the
// journal, compacts the tables of flushes, and returns memory to the system. Compaction
// lets reads visit fewer tables and removes stale versions. Only the goroutine of the
// flusher uses an idler.
type idler struct {
	f *flusher

	end   uint64 // of the journal at the last tick
	ticks int    // consecutive ticks of little load

	// The values of the flusher at the end of the last compaction.
	flushed  int64 // bytes
	renewals int
}

// newIdler returns an idler that counts the load from now on.
func newIdler(f *flusher) *idler {
	end, _ := f.journal()
	return &idler{f: f, end: end}
}

// tick does the work that is due. It runs once per tick.
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
	if i.ticks++; i.ticks == idleKeep || i.ticks > idleKeep && i.f.keeps() { // a flush under little load keeps anew
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

// journal returns the end of the journal, and how many bytes of it are not flushed.
func (f *flusher) journal() (end uint64, unflushed int) {
	st := f.s.view.acquire()
	defer f.s.view.release(st)
	n := st.bytes()
	return st.flushed + uint64(n), n
}

// keeps reports whether a part of the journal is kept after its flush.
func (f *flusher) keeps() bool {
	st := f.s.view.acquire()
	defer f.s.view.release(st)
	return len(st.kept) > 0
}

// compact compacts the store. It stops early if the load returns.
func (i *idler) compact(stop <-chan struct{}) error {
	db, flushed, renewals := i.f.s.db, i.f.flushed.Load(), i.f.renewals
	if err := db.Flush(); err != nil {
		return err
	}
	spaces := []byte{journalSpace} // all of its content is flushed
	if i.worthwhile() {
		spaces = append(spaces, accountSpace, metaSpace)
	}
	if renewals != i.renewals { // otherwise the pages of the index do not overlap
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

// worthwhile reports whether enough data is unordered for a compaction. A few scattered
// IDs would force a rewrite of every table, so compaction waits for more.
func (i *idler) worthwhile() bool {
	m := i.f.s.db.Metrics()
	return m.Levels[0].Sublevels > keptFlushes && 10*m.Levels[0].TablesSize > m.Total().TablesSize || m.Levels[0].Sublevels > mostFlushes
}

// compactSpace compacts a space in steps. It reports false if it stopped early.
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

// compactRange rewrites a range of keys. It returns errStopped once stop is closed.
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
