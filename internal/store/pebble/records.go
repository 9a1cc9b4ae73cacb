package pebble

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/catalog"
	"rollcall/internal/store/pebble/record"
)

// Record implements [account.Records].
func (s *Store) Record(ctx context.Context, kind account.Kind, key string) (account.Record, error) {
	return readRecords(ctx, s, func(db pebble.Reader) (account.Record, error) { return catalog.Get(db, kind, key) })
}

// RecordsAt implements [account.Records].
func (s *Store) RecordsAt(ctx context.Context, kind account.Kind, keys []string) ([]account.Record, error) {
	keys = slices.Clone(keys)
	return readRecords(ctx, s, func(db pebble.Reader) ([]account.Record, error) { return catalog.At(ctx, db, kind, keys) })
}

// Records implements [account.Records].
func (s *Store) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	return readRecords(ctx, s, func(db pebble.Reader) (account.RecordPage, error) { return catalog.Page(ctx, db, q) })
}

// readRecords calls fn with a reader of the durable records and returns its result. fn may
// continue after ctx has ended. So it must not use memory of the caller.
func readRecords[T any](ctx context.Context, s *Store, fn func(pebble.Reader) (T, error)) (T, error) {
	got := make(chan T, 1)
	err := s.read(ctx, func() error {
		st := s.view.acquire()
		defer s.view.release(st)
		db := pebble.Reader(st.snap)
		if s.converted != nil {
			db = s.converted
		}
		v, err := fn(db)
		got <- v
		if err == nil {
			return nil
		}
		if known, ok := errors.AsType[*account.Error](err); ok {
			return known
		}
		return internal("the records cannot be read", err)
	})
	var none T
	if err != nil {
		return none, err
	}
	return <-got, nil
}

// Commit implements [account.Records].
func (s *Store) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if err := c.Validate(); err != nil {
		return 0, err
	}
	for _, sp := range c.Spaces {
		if err := tooLong(sp.Admins...); err != nil {
			return 0, err
		}
	}
	reps, err := s.replacements(c.Spaces)
	if err != nil {
		return 0, err
	}
	size := sizeOf(c)
	for _, rep := range reps {
		size += rep.bytes()
	}
	c.Writes, c.Spaces = cloneWrites(c.Writes), cloneSpaces(c.Spaces)
	given := make(chan uint64, 1)
	err = s.write(ctx, size, func(g *group) error {
		number, err := g.commitRecords(c, reps)
		given <- number
		return err
	})
	if err != nil {
		return 0, err
	}
	return <-given, nil
}

// cloneWrites returns a copy of ws that shares nothing with it.
func cloneWrites(ws []account.Write) []account.Write {
	ws = slices.Clone(ws)
	for i := range ws {
		ws[i].Value = bytes.Clone(ws[i].Value)
	}
	return ws
}

// sizeOf returns the approximate number of bytes that c writes.
func sizeOf(c account.Commit) (n int) {
	for _, w := range c.Writes {
		n += record.Overhead + len(w.Key) + len(w.Value)
	}
	for _, sp := range c.Spaces {
		n += record.Overhead * (1 + len(sp.Admins))
	}
	return n
}

// Changes implements [account.Records].
func (s *Store) Changes(kind account.Kind) uint64 { return s.changes[kind].Load() }

// commitRecords applies c and returns its number. If it returns an error, it has applied
// no part of c. reps contains the replacements of the spaces, by app.
func (g *group) commitRecords(c account.Commit, reps map[account.AppID]*replacement) (uint64, error) {
	if err := g.refuseWrites(c.Writes); err != nil {
		return 0, err
	}
	for _, sp := range c.Spaces {
		if err := g.refuseSpace(sp, reps[sp.App]); err != nil {
			return 0, err
		}
	}
	if err := g.reserve(c.Spaces, reps); err != nil {
		return 0, err
	}
	for _, rep := range reps {
		g.replace(rep)
	}
	if err := g.createAdmins(c.Spaces); err != nil {
		return 0, err
	}
	for _, sp := range c.Spaces {
		g.putSpace(sp)
	}
	return g.writeRecords(c.Writes), nil
}

// refuseWrites returns an error if a record does not have the version that its write expects.
func (g *group) refuseWrites(ws []account.Write) error {
	for _, w := range ws {
		if err := g.refuseWrite(w); err != nil {
			return err
		}
	}
	return nil
}

// refuseWrite returns an error if the record of w does not have the version that w expects.
func (g *group) refuseWrite(w account.Write) error {
	if w.Append || w.If == account.AnyVersion {
		return nil
	}
	db := pebble.Reader(g.db)
	if g.pending != nil {
		db = g.pending
	}
	have, err := catalog.Version(db, w.Kind, w.Key)
	switch {
	case err != nil:
		return internal("the records cannot be read", err)
	case have != w.If:
		return &account.Error{Code: account.Stale}
	}
	return nil
}

// writeRecords writes records without checking their versions. It returns the number of
// their commit.
func (g *group) writeRecords(ws []account.Write) uint64 {
	g.number++
	for _, w := range ws {
		g.kinds[w.Kind] = true
		g.note(catalog.Set(g.records(), w, g.number))
	}
	return g.number
}

// records returns the batch for the records of the group. Reads from the batch also see
// the stored records.
func (g *group) records() *pebble.Batch {
	if g.pending == nil {
		g.pending = g.db.NewIndexedBatch()
	}
	return g.pending
}

// writeOutbox writes the records that outbox returns for the results of a change.
func writeOutbox[R any](g *group, outbox func([]R) []account.Write, results []R) error {
	ws, err := account.CallOutbox(outbox, results)
	if len(ws) > 0 {
		g.writeRecords(ws)
	}
	return err
}

// loadRecords reads the spaces, and the number of the newest commit.
func (s *Store) loadRecords(_ context.Context, g *group) error {
	var errs [2]error
	if s.older() {
		g.spaces, errs[0] = catalog.LoadOlderSpaces(s.db)
		g.number, errs[1] = catalog.OlderNumber(s.db)
	} else {
		g.spaces, errs[0] = catalog.LoadSpaces(s.db)
		g.number, errs[1] = catalog.Number(s.db)
	}
	g.numbered = g.number
	return errors.Join(errs[:]...)
}
