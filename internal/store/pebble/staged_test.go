package pebble

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/account"
	"rollcall/internal/account/storetest"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/record"
)

// TestPropertyStaged compares the store with package mem. Calls share groups of the
// committer, and flushes, compactions, restarts and slow readers come in between.
func TestPropertyStaged(t *testing.T) {
	storetest.PropertyStaged(t, func(rt *rapid.T) storetest.Staged {
		o := Options{FS: vfs.NewMem(), smallLogs: true, idleTick: time.Hour}
		o.renewIndex = rapid.Bool().Draw(rt, "renew the index")
		return &staged{Store: openBare(t, o), reopened: func() *Store { return openBare(t, o) }}
	})
}

// A staged is a store that flushes only when a test says so, and in stages. It implements
// [storetest.Staged].
type staged struct {
	*Store
	reopened func() *Store // opens the store again
	flushing *state        // the state that is being flushed; nil if there is no flush
	ingested *tables       // of the flush; nil before they are ingested
	readers  []*slowReader
}

// Actions implements [storetest.Staged].
func (s *staged) Actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"flush":   s.flush,
		"tidy":    s.tidy,
		"readers": s.read,
		"reopen":  s.reopen,
	}
}

// flush makes the next stages of a flush: it captures a state, ingests its tables, and
// ends. In between, other calls may change accounts.
func (s *staged) flush(t *rapid.T) {
	for range rapid.IntRange(1, 2).Draw(t, "stages") {
		switch {
		case s.ingested != nil:
			must(t, s.commits.submitFlush(s.endFlush))
			s.ended()
		case s.flushing != nil:
			s.ingest(t)
		default:
			if st := s.view.acquire(); len(st.commits) > 0 {
				s.flushing = &st
			} else {
				s.view.release(st)
			}
		}
	}
}

func (s *staged) ingest(t *rapid.T) {
	files, err := s.flusher.write(*s.flushing, nil)
	must(t, err)
	must(t, s.db.Ingest(t.Context(), files.paths))
	files.remove()
	s.flusher.nextID, s.flusher.size = files.last.NextID, files.size
	s.ingested = files
}

func (s *staged) endFlush(g *group) error {
	g.endFlush(s.ingested.last)
	return nil
}

// ended releases the state of a flush that has ended or will never end.
func (s *staged) ended() {
	if s.flushing != nil {
		s.view.release(*s.flushing)
	}
	s.flushing, s.ingested = nil, nil
}

// Together implements [storetest.Staged]. The calls share a group of the committer, with
// the end of a flush or without.
func (s *staged) Together(t *rapid.T, calls []func()) {
	release := hold(t, s.Store)
	var ends []<-chan error
	ending := s.ingested != nil && rapid.IntRange(0, 3).Draw(t, "with the end of a flush") != 0
	if ending {
		end := make(chan error, 1)
		go func() { end <- s.commits.submitFlush(s.endFlush) }()
		eventually(t, "call of the flusher", func() bool { return len(s.commits.flushes) == 1 })
		ends = append(ends, end)
	}
	for _, call := range calls {
		ends = append(ends, enqueue(t, s.Store, func() error { call(); return nil }))
	}
	release()
	for _, end := range ends {
		must(t, <-end)
	}
	if ending {
		s.ended()
	}
}

// tidy releases the kept journal, and compacts all tables one time in two.
func (s *staged) tidy(t *rapid.T) {
	s.view.forget()
	if rapid.Bool().Draw(t, "compact") {
		must(t, s.db.Flush())
		must(t, s.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false))
	}
}

// reopen closes the store and opens it again. It does so only one time in four, because
// flushes should reach their end.
func (s *staged) reopen(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "reopen") != 0 {
		return
	}
	must(t, s.Close())
	s.Store = s.reopened()
}

// Close implements [account.Store].
func (s *staged) Close() error {
	s.ended()
	for _, r := range s.readers {
		s.view.release(r.st)
	}
	s.readers = nil
	return s.Store.Close()
}

// A slowReader has acquired a state and reads all accounts from it more than once. It must
// always find the same.
type slowReader struct {
	st      state
	apps    []account.AppID
	ids     map[account.AppID][]account.UserID
	entries map[account.AppID][]idtable.Entry
	want    []account.Account
}

// add adds an entry of the table.
func (r *slowReader) add(name []byte, e idtable.Entry) {
	id := record.NameApp(name)
	if r.ids[id] == nil {
		r.apps = append(r.apps, id)
	}
	r.ids[id] = append(r.ids[id], record.NameID(name))
	r.entries[id] = append(r.entries[id], e)
}

// read lets all slow readers read again. The older one of two ends, and another one
// begins.
func (s *staged) read(t *rapid.T) {
	for _, r := range s.readers {
		if diff := gocmp.Diff(r.want, r.read(t)); diff != "" {
			t.Fatalf("a slow reader (-first +later):\n%s", diff)
		}
	}
	if len(s.readers) == 2 {
		s.view.release(s.readers[0].st)
		s.readers = s.readers[1:]
	}
	r := &slowReader{ids: map[account.AppID][]account.UserID{}, entries: map[account.AppID][]idtable.Entry{}}
	r.st = s.view.acquireWith(func() { s.table.Each(r.add, func() {}) })
	slices.Sort(r.apps) // their order in the table differs from run to run
	s.readers = append(s.readers, r)
	r.want = r.read(t)
}

// read looks up all accounts, and lists them. Both must give the same.
func (r *slowReader) read(t *rapid.T) (all []account.Account) {
	for _, id := range r.apps {
		as := make([]account.Account, len(r.ids[id]))
		must(t, r.st.accounts(id, r.ids[id], r.entries[id], as))
		as = slices.DeleteFunc(as, func(a account.Account) bool { return a.InternalID == 0 })
		slices.SortFunc(as, func(a, b account.Account) int { return cmp.Compare(a.ID, b.ID) })
		l := &lister{ctx: t.Context(), st: r.st, limit: len(as) + 1}
		l.lower, l.upper = listBounds(id, account.ListQuery{})
		listed, err := l.list()
		must(t, err)
		if fmt.Sprint(listed) != fmt.Sprint(as) {
			t.Fatalf("a slow reader lists %v and looks up %v", listed, as)
		}
		all = append(all, as...)
	}
	return all
}
