package pebble

import (
	"context"
	"runtime/debug"
	"time"
)

// When the store puts in order what folds have left on each other.
const (
	tidyIdle  = 10 * time.Second // after the last fold
	tidyFolds = 2                // folds that may stay
	tidyParts = 16               // steps, so that the store can be closed in between
)

// A tidier rewrites accounts that lie in several folds into one, when nobody
// imports. Reads look into fewer tables then, and the disk holds no stale
// versions. Under load Pebble sees to it, more rarely. It also gives back the
// memory that the import took.
type tidier struct {
	s *Store

	// When the store was last in order.
	folds    int64
	renewals int64
}

// run tidies up again and again until stop is closed.
func (t *tidier) run(stop <-chan struct{}) {
	ticker := time.NewTicker(tidyIdle)
	defer ticker.Stop()
	seen := int64(-1)
	for {
		select {
		case <-stop:
			return
		case <-t.s.failure.Done():
			return
		case <-ticker.C:
		}
		folds := t.s.folder.folds.Load()
		if folds == seen && folds != t.folds {
			if err := t.s.failure.Shielded(func() error { return t.tidy(stop, folds) }, 0); err != nil {
				t.s.errors.Log(err)
			}
		}
		seen = folds
	}
}

// tidy rewrites the accounts, unless someone imports meanwhile.
func (t *tidier) tidy(stop <-chan struct{}, folds int64) error {
	defer debug.FreeOSMemory()
	if err := t.s.db.Flush(); err != nil {
		return err
	}
	spaces := []byte{journalSpace} // what is left of it is folded
	if t.worthwhile() {
		spaces = append(spaces, accountSpace, metaSpace)
	}
	renewals := t.s.folder.renewals.Load()
	if renewals != t.renewals { // else the pages of the index lie side by side
		spaces = append(spaces, changeSpace, idSpace)
	}
	for _, space := range spaces {
		if done, err := t.tidySpace(space, stop, folds); err != nil || !done {
			return err
		}
	}
	t.folds, t.renewals = folds, renewals
	return nil
}

// worthwhile reports whether there is enough out of order for a rewrite: a few
// ids that lie anywhere draw all the others into it.
func (t *tidier) worthwhile() bool {
	m := t.s.db.Metrics()
	return m.Levels[0].Sublevels > tidyFolds && 10*m.Levels[0].TablesSize > m.Total().TablesSize || m.Levels[0].Sublevels > l0Folds/2
}

// tidySpace rewrites a space in parts, and reports whether it was left to.
func (t *tidier) tidySpace(space byte, stop <-chan struct{}, folds int64) (bool, error) {
	parts, err := t.s.parts(space, tidyParts)
	if err != nil {
		return false, err
	}
	for i := range len(parts) - 1 {
		select {
		case <-stop:
			return false, nil
		default:
		}
		if t.s.folder.folds.Load() != folds {
			return false, nil
		}
		if err := t.compact(parts[i], parts[i+1], stop); err != nil {
			return false, err
		}
	}
	return true, nil
}

// compact rewrites a range; it does not wait for its end once stop is closed.
func (t *tidier) compact(lower, upper []byte, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := t.s.db.Compact(ctx, lower, upper, false); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
