package pebble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

// load checks the format and reads everything that the store keeps in memory.
func (s *Store) load(ctx context.Context, o Options, g *group) error {
	if err := s.checkFormat(o); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *group) error{
		s.loadFlushed, s.loadIndex, s.loadRecords, s.replay, s.loadLeastID,
	} {
		err := step(ctx, g)
		if ctx.Err() != nil {
			return account.Ended(ctx)
		}
		if err != nil {
			return o.failed("reading", err)
		}
	}
	return nil
}

// checkFormat refuses a newer format, and writes the current format into a new directory.
func (s *Store) checkFormat(o Options) error {
	n, err := formatOf(s.db)
	s.format = n
	switch {
	case err != nil:
		return o.failed("reading", err)
	case n > format:
		return o.errNewer()
	case n == format:
		return nil
	case n == 0 && o.readOnly:
		return errNoStore
	case n != 0 && n < oldestFormat:
		return fmt.Errorf("the data directory %s was written by an older version that was never released; use another --data", o.Dir)
	case n != 0 && n < checkedFormat && o.accept:
		return fmt.Errorf("the data directory %s was written by an older version, which kept no record that could differ; start the server on it", o.Dir)
	case n != 0:
		return nil // see settle
	}
	s.format = format
	return s.failure.Shielded(func() error { return setFormat(s.db) }, 0)
}

// setFormat writes the current format into w.
func setFormat(w pebble.Writer) error {
	return w.Set(formatKey, strconv.AppendInt(nil, format, 10), pebble.Sync)
}

// formatOf returns the format of the data in r, 0 if there is none.
func formatOf(r pebble.Reader) (int, error) {
	value, err := record.Stored(r, formatKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 1 {
		return format + 1, nil // no format that this version knows
	}
	return n, nil
}

// loadFlushed reads how much of the journal is flushed.
func (s *Store) loadFlushed(_ context.Context, g *group) error {
	g.nextID, g.nextCommit, g.base, g.flushed = 1, 1, 1, 1
	defer func() { s.flusher.nextID = g.nextID }()
	value, err := record.Stored(s.db, flushedKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(value) != 16 {
		return record.ErrCorrupt
	}
	g.nextCommit = binary.BigEndian.Uint64(value) + 1
	g.base, g.flushed = g.nextCommit, g.nextCommit // positions of loaded entries are commit numbers, which are lower
	s.view.current.flushed = g.flushed
	g.nextID = binary.BigEndian.Uint64(value[8:])
	return checkID(g.nextID)
}

func checkID(id uint64) error {
	if id == 0 || id > idtable.MaxID+1 {
		return record.ErrCorrupt
	}
	return nil
}

// parts returns keys that divide a space into at most n parts of roughly equal size.
func (s *Store) parts(space byte, n int) ([][]byte, error) {
	lower, upper := spaceBounds(space)
	levels, err := s.db.SSTables(pebble.WithKeyRangeFilter(lower, upper))
	if err != nil {
		return nil, err
	}
	var starts [][]byte // first keys of tables, which have roughly the same size
	for _, level := range levels {
		for _, table := range level {
			if key := table.Smallest.UserKey; bytes.Compare(key, lower) > 0 && bytes.Compare(key, upper) < 0 {
				starts = append(starts, bytes.Clone(key))
			}
		}
	}
	slices.SortFunc(starts, bytes.Compare)
	starts = slices.CompactFunc(starts, bytes.Equal)
	parts := [][]byte{lower}
	n = min(n, len(starts)+1)
	for i := 1; i < n; i++ {
		parts = append(parts, starts[i*len(starts)/n])
	}
	return append(parts, upper), nil
}

// replay reads the part of the journal that is not flushed.
func (s *Store) replay(ctx context.Context, g *group) error {
	_, upper := spaceBounds(journalSpace)
	return iterate(s.db, journalKey(g.nextCommit), upper, func(it *pebble.Iterator) error {
		for ok := it.First(); ok; ok = it.Next() {
			if err := account.Ended(ctx); err != nil {
				return err
			}
			if len(it.Key()) != len(journalKey(0)) {
				return record.ErrCorrupt
			}
			if seq := binary.BigEndian.Uint64(it.Key()[len(journalKey(0))-8:]); seq != g.nextCommit {
				return guard.Damage(fmt.Sprintf("commits %d to %d of its journal are missing", g.nextCommit, seq-1))
			}
			g.out = append([]byte(nil), it.Value()...)
			if err := s.replayCommit(g); err != nil {
				return fmt.Errorf("journal, commit %d: %w", g.nextCommit, err)
			}
		}
		return nil
	})
}

// replayCommit publishes the commit in g as if it had just been decided.
func (s *Store) replayCommit(g *group) error {
	c := journal.Commit{Base: g.base, Data: g.out}
	if err := c.Each(func(pos uint64, ch journal.Change) error { return g.replay(pos, ch) }); err != nil {
		return err
	}
	s.view.advance(g.commit(), nil, 0, g.publish)
	g.reset(0)
	s.limit.set(g.unflushed())
	return nil
}

// replay applies a change of the journal to the group.
func (g *group) replay(pos uint64, c journal.Change) error {
	if c.Kind == journal.Purge {
		g.purges = append(g.purges, purge{record.NameApp(c.Name), pos})
		return nil
	}
	h := g.table.Hash(c.Name)
	r, e := g.find(h, c.Name)
	if r == 0 {
		if r = g.table.Add(h, c.Name); r == 0 {
			return idtable.ErrFull
		}
	}
	next, err := entryOf(c, e)
	if err != nil {
		return err
	}
	next.Pos = pos
	*g.entry(r) = next
	g.nextID = max(g.nextID, next.InternalID+1)
	app := record.NameApp(c.Name)
	switch {
	case next.Live() && !e.Live():
		g.counts[app] = g.count(app) + 1
	case e.Live() && !next.Live():
		g.counts[app] = g.count(app) - 1
	}
	return checkID(g.nextID)
}

// entryOf returns the entry of an ID after c. before is its entry before c.
func entryOf(c journal.Change, before idtable.Entry) (idtable.Entry, error) {
	switch c.Kind {
	case journal.Set:
		return idtable.LiveEntry(c.Value)
	case journal.Delete:
		return idtable.GoneEntry(c.Value)
	}
	if !before.Live() {
		return before, nil // the index already contains a later deletion, see inIndex
	}
	var err error
	before.Kicked, err = record.OperandsKicked(before.Kicked, c.Value)
	return before, err
}

// removeLeftovers removes the files of an incomplete flush or copy.
func (o Options) removeLeftovers() error {
	if o.readOnly {
		return nil
	}
	names, err := o.FS.List(o.Dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, tablePrefix) || strings.HasPrefix(name, stagePrefix) {
			if err := o.FS.RemoveAll(o.FS.PathJoin(o.Dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
