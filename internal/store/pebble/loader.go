package pebble

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

var _ account.Loader = (*Store)(nil)

// Numbers implements [account.Loader].
func (s *Store) Numbers(ctx context.Context) (account.Numbers, error) {
	got := make(chan account.Numbers, 1)
	if err := s.enter(); err != nil {
		return account.Numbers{}, err
	}
	defer s.calls.Done()
	err := s.commits.submit(ctx, 0, func(g *group) error {
		got <- account.Numbers{Commit: g.number, InternalID: g.nextID - 1}
		return nil
	})
	if err != nil {
		return account.Numbers{}, err
	}
	return <-got, nil
}

// LoadAccounts implements [account.Loader]. The goroutine of the caller encodes the rows.
func (s *Store) LoadAccounts(ctx context.Context, app account.AppID, rows []account.Exported, ws []account.Write) error {
	if err := account.ValidateLoad(rows, ws); err != nil {
		return err
	}
	l, err := s.loadOf(app, rows)
	if err != nil {
		return err
	}
	ws = cloneWrites(ws)
	return s.write(ctx, l.size+sizeOf(account.Commit{Writes: ws}), func(g *group) error {
		if !g.hasSpace(app) {
			return errNoApp
		}
		if err := g.refuseWrites(ws); err != nil {
			return err
		}
		if err := g.load(l); err != nil {
			return err
		}
		if len(ws) > 0 {
			g.writeRecords(ws)
		}
		return nil
	})
}

// LoadRecords implements [account.Loader].
func (s *Store) LoadRecords(ctx context.Context, ws []account.Write, above account.Numbers) error {
	if err := account.ValidateLoadRecords(ws); err != nil {
		return err
	}
	if above.InternalID > idtable.MaxID {
		return errLargeID
	}
	ws = cloneWrites(ws)
	return s.write(ctx, sizeOf(account.Commit{Writes: ws}), func(g *group) error {
		if err := g.refuseWrites(ws); err != nil {
			return err
		}
		g.number = max(g.number, above.Commit)
		if g.raiseID(above.InternalID) {
			g.also(func(b *pebble.Batch) error { return setLeastID(b, above.InternalID+1) })
		}
		g.writeRecords(ws)
		return nil
	})
}

// errLargeID is the error of a load with an InternalID above those that the store can keep.
var errLargeID = &account.Error{Code: account.BadParameter, Detail: "an InternalID of the accounts to load is larger than the embedded store can keep"}

// A loading is a batch of accounts and deleted ids to load, prepared for the committer. It
// shares no memory with the caller.
type loading struct {
	app    account.AppID
	rows   []restored
	hashes []uint64 // of the names
	maxID  uint64   // the largest InternalID
	size   int      // maximum bytes of the changes in the journal
}

// loadOf prepares rows.
func (s *Store) loadOf(app account.AppID, rows []account.Exported) (*loading, error) {
	l := &loading{app: app, rows: make([]restored, len(rows)), hashes: make([]uint64, len(rows))}
	size := 0
	for i := range rows {
		size += 2*record.Overhead + len(rows[i].ID) + len(rows[i].Nick) + len(rows[i].FaceURL)
	}
	buf := make([]byte, 0, size)
	for i := range rows {
		e := &rows[i]
		if err := tooLong(e.ID); err != nil {
			return nil, err
		}
		l.maxID = max(l.maxID, e.InternalID)
		r := &l.rows[i]
		start := len(buf)
		buf = record.AppendName(buf, app, e.ID)
		name := len(buf)
		buf = r.append(buf, e)
		r.change.Name, r.change.Value = buf[start:name:name], buf[name:len(buf):len(buf)]
		r.hash = s.table.Hash(r.change.Name)
		l.hashes[i] = r.hash
		l.size += journal.Overhead + len(buf) - start
	}
	if l.maxID > idtable.MaxID {
		return nil, errLargeID
	}
	return l, nil
}

// append appends the value of a row to b, and sets the entry and the kind of the change.
// The change always has Again set: the InternalID of a loaded account does not tell whether
// the index contains the ID.
func (r *restored) append(b []byte, e *account.Exported) []byte {
	if e.Gone() {
		r.entry = idtable.Entry{Gone: true, Deleted: e.Deleted.UnixMilli(), Kicked: e.Kicked}
		r.change.Kind = journal.Delete
		return record.AppendGone(b, record.Gone{Deleted: r.entry.Deleted, Kicked: e.Kicked})
	}
	r.entry = idtable.Entry{InternalID: e.InternalID, Kicked: e.Kicked}
	r.change.Kind, r.change.Again = journal.Set, true
	return record.AppendAccount(b, &e.Account)
}

// load writes the rows of l. If it returns an error, it has written none.
func (g *group) load(l *loading) error {
	g.loads = g.loads || len(l.rows) >= loadItems
	live := g.count(l.app)
	if err := g.reserveAll(l.rows, l.hashes); err != nil {
		return err
	}
	for i := range l.rows {
		r := &l.rows[i]
		_, before := g.find(r.hash, r.change.Name)
		switch {
		case r.entry.Live() && !before.Live():
			live++
		case before.Live() && !r.entry.Live():
			live--
		}
		g.write(r.ref, r.entry, &r.change)
	}
	g.counts[l.app] = live
	g.raiseID(l.maxID)
	return nil
}

// raiseID ensures that the store assigns only InternalIDs above id, and reports whether
// that was not so. The journal contains the raised number only together with an account
// that has it.
func (g *group) raiseID(id uint64) bool {
	raised := id >= g.nextID
	g.nextID = max(g.nextID, id+1)
	return raised
}

// setLeastID stores the least InternalID to assign next.
func setLeastID(b *pebble.Batch, id uint64) error {
	return b.Set(leastIDKey, binary.BigEndian.AppendUint64(nil, id), nil)
}

// loadLeastID raises the next InternalID of g to the stored one. It runs after the replay
// of the journal: a flush compares InternalIDs with the one after the last flush.
func (s *Store) loadLeastID(_ context.Context, g *group) error {
	value, err := record.Stored(s.db, leastIDKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(value) != 8 {
		return record.ErrCorrupt
	}
	g.nextID = max(g.nextID, binary.BigEndian.Uint64(value))
	return checkID(g.nextID)
}

// reserveAll creates the missing records of rows. The records have zero entries, as those
// of ids that never existed.
func (g *group) reserveAll(rows []restored, hashes []uint64) error {
	for from := 0; from < len(rows); from += lockedItems {
		if !g.reserveSome(rows, hashes, from, min(from+lockedItems, len(rows))) {
			return idtable.ErrFull
		}
	}
	return nil
}

func (g *group) reserveSome(rows []restored, hashes []uint64, from, to int) bool {
	g.table.Warm(hashes[from:to])
	g.table.Lock()
	defer g.table.Unlock()
	for i := from; i < to; i++ {
		if rows[i].ref = g.reserveOne(hashes[i], rows[i].change.Name); rows[i].ref == 0 {
			return false
		}
	}
	return true
}
