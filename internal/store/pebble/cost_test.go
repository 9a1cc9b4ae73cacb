package pebble

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/testutil"
)

// batch returns 100 accounts, whose numbers begin with from. Their ids have 16 bytes and
// are in no order.
func batch(from int, nick string) []account.Upsert {
	us := make([]account.Upsert, 100)
	for i := range us {
		n := uint64(from+i) * 0x9e3779b97f4a7c15
		us[i] = account.Upsert{
			ID:      account.UserID(fmt.Sprintf("%016x", n)),
			Nick:    fmt.Sprintf("%s%010x", nick, n>>24),
			FaceURL: fmt.Sprintf("https://example.com/%010x", n>>20),
		}
	}
	return us
}

// TestBytesWritten limits the bytes per account that an import writes to the log, and that
// a flush writes to tables.
func TestBytesWritten(t *testing.T) {
	const n = 40_000
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	load := func(nick string) {
		for i := 0; i < n; i += 100 {
			_, err := s.Upsert(t.Context(), app, batch(i, nick), free)
			must(t, err)
		}
	}
	var log, tables float64
	written := func() (perLog, perTables float64) {
		m := s.db.Metrics()
		l, f := float64(m.WAL.BytesWritten), 0.0
		for _, level := range m.Levels {
			f += float64(level.TableBytesIngested)
		}
		perLog, perTables = (l-log)/n, (f-tables)/n
		log, tables = l, f
		return perLog, perTables
	}
	for _, tt := range []struct {
		what        string
		nick        string
		log, tables float64 // maximum bytes per account
	}{
		{"new", "a", 88, 60},
		{"changed", "b", 79, 41},
		{"unchanged", "b", 79, 41}, // as much, because an import does not read the account
	} {
		load(tt.nick)
		flush(t, s)
		if log, tables := written(); log > tt.log || tables > tt.tables {
			t.Errorf("%s: %.1f bytes of log and %.1f of tables per account, want at most %.0f and %.0f", tt.what, log, tables, tt.log, tt.tables)
		}
	}
}

// TestLoadSettles compares the size of a store that was loaded in large batches with that
// of one that was loaded in small ones, once both are compacted. Before that, the tables of
// the load are larger, because they are not compressed.
func TestLoadSettles(t *testing.T) {
	const n, flushes = 40_000, 8 // more flushes than may stay
	size := func(batch int) (before, after int64) {
		s := open(t, Options{FS: vfs.NewMem(), idleTick: time.Hour})
		defer func() { must(t, s.Close()) }()
		var r rowsReader
		for i := 0; i < n; i += batch {
			_, err := s.Upsert(t.Context(), app, r.next(i, batch, "a"), free)
			must(t, err)
			if (i+batch)%(n/flushes) == 0 {
				flush(t, s)
			}
		}
		before = s.db.Metrics().Total().TablesSize
		must(t, newIdler(s.flusher).compact(nil))
		m := s.db.Metrics()
		if m.Levels[0].TablesCount > 0 {
			t.Errorf("%d tables of flushes remain", m.Levels[0].TablesCount)
		}
		return before, m.Total().TablesSize
	}
	smallBefore, small := size(100)
	largeBefore, large := size(5000)
	t.Logf("bytes per account: %d, then %d; in large batches %d, then %d", smallBefore/n, small/n, largeBefore/n, large/n)
	if large > small+small/50 {
		t.Errorf("%d bytes after a load in large batches, %d after small ones", large, small)
	}
	if largeBefore <= smallBefore {
		t.Error("the tables of a load are compressed")
	}
}

// TestUpsertAllocs limits the allocations of an import in all goroutines. There must be far
// fewer than one per account.
func TestUpsertAllocs(t *testing.T) {
	if testutil.Race {
		t.Skip("the race detector allocates")
	}
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	at := 0
	us := make([][]account.Upsert, 0, 300)
	for i := range cap(us) {
		us = append(us, batch(100*i, "a"))
	}
	got := testing.AllocsPerRun(len(us)-1, func() {
		_, err := s.Upsert(t.Context(), app, us[at], free)
		must(t, err)
		at++
	})
	if got > 20 {
		t.Errorf("%.0f allocations for 100 new accounts, want at most 20", got)
	}
}

// TestOutOfPositions writes after the last position that the table can store.
func TestOutOfPositions(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	must(t, s.commits.submitFlush(func(g *group) error {
		g.base, g.flushed = idtable.MaxPos, idtable.MaxPos // the journal is empty
		return nil
	}))
	if err := one(t, s, "a", long); !errors.Is(err, errNoPositions) {
		t.Errorf("a write after the last position: %v, want errNoPositions", err)
	}
}
