package pebble

import (
	"context"
	"runtime/debug"
	"time"
)

// When the store puts in order what folds have left on each other.
const (
	tidyIdle  = 10 * time.Second // without a load
	tidyLoad  = 1 << 20          // bytes of journal in that time
	tidyDue   = 5 * time.Minute  // when little was written
	tidyBytes = 4 << 20          // of journal that are no longer little
	tidyFolds = 2                // folds that may stay
	tidyParts = 16               // steps, so that the store can be closed in between
)

// A tidier rewrites accounts that lie in several folds into one, when there is
// no load. Reads look into fewer tables then, and the disk holds no stale
// versions. Under load Pebble sees to it, more rarely. It also gives back the
// memory that the import took.
type tidier struct {
	s *Store

	// When the store was last in order.
	at       time.Time
	folded   int64 // bytes
	renewals int64
}

// run tidies up again and again until stop is closed.
func (t *tidier) run(stop <-chan struct{}) {
	ticker := time.NewTicker(tidyIdle)
	defer ticker.Stop()
	for seen := int64(0); ; {
		select {
		case <-stop:
			return
		case <-t.s.failure.Done():
			return
		case <-ticker.C:
		}
		folded := t.s.folder.folded.Load()
		if folded-seen < tidyLoad && t.due(folded, time.Now()) {
			if err := t.s.failure.Shielded(func() error { return t.tidy(stop, folded) }, 0); err != nil {
				t.s.errors.Log(err)
			}
		}
		seen = folded
	}
}

// due reports whether enough was folded since the store was last in order, or
// anything long ago.
func (t *tidier) due(folded int64, now time.Time) bool {
	dirty := folded - t.folded
	return dirty >= tidyBytes || dirty > 0 && now.Sub(t.at) >= tidyDue
}

// tidy rewrites the accounts, unless someone loads meanwhile. folded is how much
// was folded when it begins.
func (t *tidier) tidy(stop <-chan struct{}, folded int64) error {
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
		if done, err := t.tidySpace(space, stop, folded); err != nil || !done {
			return err
		}
	}
	t.at, t.folded, t.renewals = time.Now(), folded, renewals
	return nil
}

// worthwhile reports whether there is enough out of order for a rewrite: a few
// ids that lie anywhere draw all the others into it.
func (t *tidier) worthwhile() bool {
	m := t.s.db.Metrics()
	return m.Levels[0].Sublevels > tidyFolds && 10*m.Levels[0].TablesSize > m.Total().TablesSize || m.Levels[0].Sublevels > l0Folds/2
}

// tidySpace rewrites a space in parts, and reports whether it was left to.
func (t *tidier) tidySpace(space byte, stop <-chan struct{}, folded int64) (bool, error) {
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
		if t.s.folder.folded.Load()-folded >= tidyLoad {
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
