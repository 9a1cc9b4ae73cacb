package pebble

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

// furnish fills s with accounts in every state: flushed or not, and imported, changed,
// deleted or created again before or after a flush. It returns the existing ids in order.
func furnish(t *testing.T, s *Store) []account.UserID {
	t.Helper()
	for i := range 5 {
		for k := i; k < 1000; k += 3 {
			id := account.UserID(fmt.Sprintf("%03d", k))
			must(t, one(t, s, id, long))
			if k%5 == i {
				_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: id, Nick: fmt.Sprint("nick ", i)}}, free)
				must(t, err)
			}
			if k%7 == i {
				role := account.Field{Tag: account.TagRole, Value: account.Value{Number: uint64(i), IsNumber: true}}
				_, err := s.Update(t.Context(), app, []account.Patch{{ID: id, Kicked: int64(i), Fields: []account.Field{role}}}, account.ChangePolicy{Now: now.Add(time.Hour)})
				must(t, err)
			}
			if k%11 == i {
				_, err := s.Delete(t.Context(), app, []account.UserID{id}, changing)
				must(t, err)
			}
		}
		if i%2 == 1 {
			flush(t, s)
		}
	}
	var live []account.UserID
	for k := range 1000 {
		id := account.UserID(fmt.Sprintf("%03d", k))
		if as, err := s.Lookup(t.Context(), app, []account.UserID{id}); err != nil {
			t.Fatal(err)
		} else if as[0].InternalID != 0 {
			live = append(live, id)
		}
	}
	return live
}

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// list returns all accounts that q selects. The limit of q is the size of a page.
func list(t *testing.T, s *Store, q account.ListQuery) (as []account.Account) {
	t.Helper()
	for {
		page, err := s.List(t.Context(), app, q)
		must(t, err)
		as = append(as, page.Accounts...)
		if q.After = page.Next; q.After == "" {
			return as
		}
	}
}

// TestListFlushes lists accounts of which only a part is flushed.
func TestListFlushes(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	want := furnish(t, s)
	for _, q := range []account.ListQuery{
		{Limit: 1}, {Limit: 7}, {Limit: 1000}, {Limit: 3, Prefix: "5"}, {Limit: 50, After: "500"}, {Limit: 50, Prefix: "9", After: "95"},
	} {
		in := func(id account.UserID) bool { return strings.HasPrefix(string(id), string(q.Prefix)) && id > q.After }
		want := slices.DeleteFunc(slices.Clone(want), func(id account.UserID) bool { return !in(id) })
		var got []account.UserID
		for _, a := range list(t, s, q) {
			got = append(got, a.ID)
			if as, err := s.Lookup(t.Context(), app, []account.UserID{a.ID}); err != nil || !cmp.Equal(as[0], a) {
				t.Errorf("listed %+v, looked up %+v, %v", a, as, err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", q, diff)
		}
	}
}

// TestKept reads flushed accounts whose changes are still in memory, releases that memory,
// and reads them again. The results must be the same.
func TestKept(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	ids := furnish(t, s)
	flush(t, s)
	e := s.table.Lookup(record.AppendName(nil, app, ids[0]))
	if st := s.view.current; len(st.commits) > 0 || len(st.inMemory(e.Pos)) == 0 {
		t.Fatalf("the change at %d is not in memory after a flush", e.Pos)
	}
	want, err := s.Lookup(t.Context(), app, ids)
	must(t, err)
	s.view.forget()
	if st := s.view.current; len(st.inMemory(e.Pos)) > 0 {
		t.Errorf("the change at %d is still in memory", e.Pos)
	}
	got, err := s.Lookup(t.Context(), app, ids)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("from tables alone (-kept +got):\n%s", diff)
	}
}

// TestLookupDuringChanges changes and flushes an account while a reader acquires the state.
// The reader must see the account from before.
func TestLookupDuringChanges(t *testing.T) {
	ids := []account.UserID{"a"}
	for name, change := range map[string]func(context.Context, *Store) error{
		"patch": func(ctx context.Context, s *Store) error {
			_, err := s.Upsert(ctx, app, []account.Upsert{{ID: "a", FaceURL: "new"}}, free)
			return err
		},
		"deletion": func(ctx context.Context, s *Store) error {
			_, err := s.Delete(ctx, app, ids, changing)
			return err
		},
	} {
		s := open(t, Options{FS: vfs.NewMem()})
		for _, nick := range []string{"first", "second"} {
			_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: "a", Nick: nick}}, free)
			must(t, err)
			flush(t, s)
		}
		done := make(chan error, 1)
		later := func() {
			err := change(t.Context(), s)
			if err == nil {
				err = s.flusher.guarded(nil)
			}
			done <- err
		}
		var entries []idtable.Entry
		st := s.view.acquireWith(func() {
			entries = append(entries, s.table.Lookup(record.AppendName(nil, app, "a")))
			go later()
			if s.view.mu.TryLock() { // the change does not wait for the reader
				s.view.mu.Unlock()
				must(t, <-done)
				done <- nil
			}
		})
		must(t, <-done)
		got := make([]account.Account, 1)
		if err := st.accounts(app, ids, entries, got); err != nil || got[0].Nick != "second" || got[0].FaceURL != "" {
			t.Errorf("%s: %+v, %v; want the account from before", name, got[0], err)
		}
		s.view.release(st)
		must(t, s.Close())
	}
}

// TestKeptBytes checks that newest returns enough commits for the given number of bytes,
// and no more.
func TestKeptBytes(t *testing.T) {
	cs := []journal.Commit{{Seq: 1, Data: make([]byte, 9)}, {Seq: 2, Data: make([]byte, 5)}, {Seq: 3, Data: make([]byte, 5)}}
	for bytes, want := range map[int]int{0: 0, 5: 1, 6: 2, 10: 2, 11: 3, 99: 3} {
		if got := newest(cs, bytes); len(got) != want || want > 0 && got[want-1].Seq != 3 {
			t.Errorf("for %d bytes there are %d commits, want the last %d", bytes, len(got), want)
		}
	}
}

// TestUnfinishedFlush stops a flush between the ingestion of its tables and the removal of
// the journal, as a crash can. Accounts are changed meanwhile. No change may be lost or
// applied twice.
func TestUnfinishedFlush(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	furnish(t, s)
	amend := func(id account.UserID, nick, face string, at time.Duration) {
		t.Helper()
		_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: id, Nick: nick, FaceURL: face}}, account.UpsertPolicy{Now: now.Add(at)})
		must(t, err)
	}
	must(t, one(t, s, "amended", long))
	flush(t, s)
	amend("amended", "a", "", time.Second)
	amend("amended", "b", "", 2*time.Second)
	amend("amended", "", "face", 3*time.Second)
	st := s.view.acquire()
	files, err := s.flusher.write(st, nil)
	must(t, err)
	amend("amended", "b", "face", 4*time.Second) // changes nothing
	want := list(t, s, account.ListQuery{Limit: 1000})
	must(t, s.db.Ingest(t.Context(), files.paths))
	s.view.release(st)
	for _, when := range []string{"in the middle of a flush", "with a new snapshot in the middle of a flush"} {
		got := list(t, s, account.ListQuery{Limit: 1000})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		for _, a := range got {
			if as, err := s.Lookup(t.Context(), app, []account.UserID{a.ID}); err != nil || !cmp.Equal(as[0], a) {
				t.Errorf("%s: listed %+v, looked up %+v, %v", when, a, as, err)
			}
		}
		must(t, s.commits.submitFlush(func(g *group) error {
			g.also(func(b *pebble.Batch) error { return b.LogData(nil, nil) })
			return nil
		}))
	}
	must(t, s.Close())
	s = open(t, Options{FS: disk})
	if diff := cmp.Diff(want, list(t, s, account.ListQuery{Limit: 1000})); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	flush(t, s)
	if diff := cmp.Diff(want, list(t, s, account.ListQuery{Limit: 1000})); diff != "" {
		t.Errorf("after the next flush (-want +got):\n%s", diff)
	}
	must(t, s.Close())
}

// TestColumns opens a store whose tables are in the columnar format. New tables are in
// rows. The store must read and merge tables of both formats.
func TestColumns(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk, columns: true})
	furnish(t, s)
	flush(t, s)
	must(t, s.Close())
	s = open(t, Options{FS: disk})
	defer func() { must(t, s.Close()) }()
	furnish(t, s)
	flush(t, s)
	want := list(t, s, account.ListQuery{Limit: 1000})
	if rows, columns := forms(t, s); rows == 0 || columns == 0 {
		t.Fatalf("%d tables in rows and %d in columns, want both", rows, columns)
	}
	lower, upper := spaceBounds(accountSpace)
	must(t, s.db.Compact(t.Context(), lower, upper, false))
	if diff := cmp.Diff(want, list(t, s, account.ListQuery{Limit: 1000})); diff != "" {
		t.Errorf("after both formats were merged (-want +got):\n%s", diff)
	}
}

// forms returns the numbers of tables in the row format and in the columnar format.
func forms(t *testing.T, s *Store) (rows, columns int) {
	t.Helper()
	levels, err := s.db.SSTables(pebble.WithProperties())
	must(t, err)
	for _, level := range levels {
		for _, table := range level {
			if table.Properties.KeySchemaName == "" {
				rows++
			} else {
				columns++
			}
		}
	}
	return rows, columns
}

// TestUnfinishedRewrite changes accounts in every state after a flush has acquired its
// state and before it rewrites the index. The flush stops before the removal of the
// journal. So the index already contains changes that a start replays from the journal.
func TestUnfinishedRewrite(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk, renewIndex: true})
	furnish(t, s)
	st := s.view.acquire()
	for k := range 1000 {
		id := []account.UserID{account.UserID(fmt.Sprintf("%03d", k))}
		if k%2 == 0 {
			_, err := s.Update(t.Context(), app, []account.Patch{{ID: id[0], Kicked: 77}}, changing)
			must(t, err)
		}
		if k%11 == 0 {
			_, err := s.Update(t.Context(), app, []account.Patch{{ID: id[0], Kicked: account.Unkicked}}, changing)
			must(t, err)
		}
		if k%3 == 0 {
			_, err := s.Delete(t.Context(), app, id, changing)
			must(t, err)
		}
		if k%5 == 0 {
			_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: id[0], Nick: "again"}}, account.UpsertPolicy{Now: now, TombstoneBefore: now.Add(time.Hour)})
			must(t, err)
		}
		if k%7 == 0 {
			_, err := s.Delete(t.Context(), app, id, changing)
			must(t, err)
		}
	}
	files, err := s.flusher.write(st, nil)
	must(t, err)
	want := inventory(t, s)
	must(t, s.db.Ingest(t.Context(), files.paths))
	s.view.release(st)
	must(t, s.Close())
	for _, when := range []string{"after a restart", "after a flush and another restart"} {
		s = open(t, Options{FS: disk})
		if diff := cmp.Diff(want, inventory(t, s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		flush(t, s)
		must(t, s.Close())
	}
}

// TestUnkickFlushes clears watermarks before, during and after flushes, and leaves some
// flushes unfinished. No cleared watermark may return, and a later kick with an earlier
// time must count.
func TestUnkickFlushes(t *testing.T) {
	for _, renew := range []bool{false, true} {
		for _, patches := range []int{0, 1, record.MaxOperands + 2} { // the last number exceeds MaxOperands
			for steps := range 1 << 6 {
				testUnkickFlushes(t, renew, patches, steps)
			}
		}
	}
}

// testUnkickFlushes flushes after each change whose bit in steps is set. If the highest bit
// is set, the last flush remains unfinished. After clearing the watermark it patches the
// profile as often as patches says.
func testUnkickFlushes(t *testing.T, renew bool, patches, steps int) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk, renewIndex: renew})
	update := func(step int, ps ...account.Patch) {
		for i := range ps {
			ps[i].ID = "a"
			_, err := s.Update(t.Context(), app, ps[i:i+1], changing)
			must(t, err)
		}
		if step >= 0 && steps>>step&1 == 1 {
			flush(t, s)
		}
	}
	check := func(when string, want int64) {
		t.Helper()
		st, err := s.Status(t.Context(), app, []account.UserID{"a"})
		must(t, err)
		as, err := s.Lookup(t.Context(), app, []account.UserID{"a"})
		must(t, err)
		if st[0].Kicked != want || as[0].Kicked != want {
			t.Errorf("renew %v, %d patches, steps %06b, %s: watermark %d, in the account %d, want %d", renew, patches, steps, when, st[0].Kicked, as[0].Kicked, want)
		}
	}
	restart := func() {
		must(t, s.Close())
		s = open(t, Options{FS: disk, renewIndex: renew})
	}
	must(t, one(t, s, "a", long))
	update(0)
	update(1, account.Patch{Kicked: 1 << 40})
	update(2, account.Patch{Kicked: account.Unkicked})
	profile := make([]account.Patch, patches)
	for i := range profile {
		profile[i].Fields = []account.Field{{Tag: account.TagRole, Value: account.Value{Number: uint64(i), IsNumber: true}}}
	}
	update(3, profile...)
	check("cleared", account.Unkicked)
	restart()
	check("cleared, after a restart", account.Unkicked)
	update(4, account.Patch{Kicked: 7})
	if steps>>5&1 == 1 {
		st := s.view.acquire()
		update(-1, account.Patch{Kicked: account.Unkicked}, account.Patch{Kicked: 3})
		if len(st.commits) > 0 {
			files, err := s.flusher.write(st, nil)
			must(t, err)
			must(t, s.db.Ingest(t.Context(), files.paths))
		}
		s.view.release(st)
	} else {
		update(-1, account.Patch{Kicked: account.Unkicked}, account.Patch{Kicked: 3})
	}
	check("kicked earlier", 3)
	restart()
	check("kicked earlier, after a restart", 3)
	flush(t, s)
	restart()
	check("kicked earlier, after a flush", 3)
	must(t, s.Close())
}

// TestKickDeleteCreate deletes and creates an account again while a flush writes a kick of
// the old account. The index must not contain the new account yet.
func TestKickDeleteCreate(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "a", long))
	flush(t, s)
	_, err := s.Update(t.Context(), app, []account.Patch{{ID: "a", Kicked: 7}}, changing)
	must(t, err)
	st := s.view.acquire()
	_, err = s.Delete(t.Context(), app, []account.UserID{"a"}, changing)
	must(t, err)
	must(t, one(t, s, "a", long))
	want, err := s.Status(t.Context(), app, []account.UserID{"a"})
	must(t, err)
	must(t, s.flusher.flush(st, nil))
	s.view.release(st)
	must(t, s.Close())
	s = open(t, Options{FS: disk})
	defer func() { must(t, s.Close()) }()
	got, err := s.Status(t.Context(), app, []account.UserID{"a"})
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
}

// TestMergeFlushes merges an account with the operands of two flushes. Meanwhile a reader
// has the state after the account and before the operands.
func TestMergeFlushes(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	named := func(nick string, at time.Duration) {
		_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: "a", Nick: nick}}, account.UpsertPolicy{Now: now.Add(at)})
		must(t, err)
	}
	named("o", 0)
	flush(t, s)
	st := s.view.acquire()
	named("x", time.Second)
	flush(t, s)
	named("y", 2*time.Second)
	named("x", 3*time.Second)
	flush(t, s)
	lower, upper := spaceBounds(accountSpace)
	must(t, s.db.Compact(t.Context(), lower, upper, false))
	s.view.release(st)
	as, err := s.Lookup(t.Context(), app, []account.UserID{"a"})
	must(t, err)
	if want := now.Add(3 * time.Second); !as[0].Updated.Equal(want) {
		t.Errorf("Updated = %v, want %v", as[0].Updated, want)
	}
}

// inventory returns everything that a store knows about the ids of furnish.
func inventory(t *testing.T, s *Store) map[account.UserID]any {
	t.Helper()
	all := map[account.UserID]any{}
	for k := range 1000 {
		id := account.UserID(fmt.Sprintf("%03d", k))
		status, err := s.Status(t.Context(), app, []account.UserID{id})
		must(t, err)
		e := s.table.Lookup(record.AppendName(nil, app, id))
		all[id] = []any{status, e.Gone, e.Deleted}
	}
	n, err := s.Count(t.Context(), app)
	must(t, err)
	all["count"] = n
	all["list"] = list(t, s, account.ListQuery{Limit: 1000})
	return all
}

// TestPurge removes spaces whose accounts were flushed and deleted. No account or tombstone
// may return after a flush, a restart or a new space.
func TestPurge(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	ids := []account.UserID{"a", "b", "c"}
	for id := range account.AppID(8) {
		openSpace(t, s, id+1)
		_, err := s.Upsert(t.Context(), id+1, []account.Upsert{{ID: "a"}, {ID: "b"}, {ID: "c"}}, free)
		must(t, err)
		_, err = s.Delete(t.Context(), id+1, ids[:1], changing)
		must(t, err)
	}
	flush(t, s)
	for id := range account.AppID(8) {
		_, err := s.Delete(t.Context(), id+1, ids, changing)
		must(t, err)
		_, err = s.Commit(t.Context(), account.Commit{Spaces: []account.Space{{App: id + 1, Remove: true}}})
		must(t, err)
	}
	openSpace(t, s, 3)
	_, err := s.Upsert(t.Context(), 3, []account.Upsert{{ID: "b", Nick: "new"}}, account.UpsertPolicy{Now: now}) // refuses an id with a tombstone
	must(t, err)
	check := func(when string) {
		t.Helper()
		for id := range account.AppID(8) {
			want := 0
			if id+1 == 3 {
				want = 1
			}
			page, err := s.List(t.Context(), id+1, account.ListQuery{Limit: 9})
			must(t, err)
			n, err := s.Count(t.Context(), id+1)
			must(t, err)
			if len(page.Accounts) != want || n != int64(want) {
				t.Errorf("%s, app %d lists %d accounts and counts %d, want %d", when, id+1, len(page.Accounts), n, want)
			}
		}
	}
	check("before the flush")
	flush(t, s)
	check("after the flush")
	must(t, s.Close())
	s = open(t, Options{FS: disk})
	defer func() { must(t, s.Close()) }()
	check("after a restart")
	openSpace(t, s, 5)
	rs, err := s.Upsert(t.Context(), 5, []account.Upsert{{ID: "a"}, {ID: "b"}}, account.UpsertPolicy{Now: now})
	must(t, err)
	for i, r := range rs {
		if !r.Created {
			t.Errorf("%s of a new space: %+v, want it created", ids[i], r)
		}
	}
}

// TestListDeleted lists two accounts behind many deleted ids that are not flushed.
func TestListDeleted(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	var us []account.Upsert
	var ids []account.UserID
	for i := range 3 * minRecent {
		ids = append(ids, account.UserID(fmt.Sprintf("%06d", i)))
		us = append(us, account.Upsert{ID: ids[i]})
	}
	_, err := s.Upsert(t.Context(), app, us, free)
	must(t, err)
	_, err = s.Delete(t.Context(), app, ids[:len(ids)-2], changing)
	must(t, err)
	if got := list(t, s, account.ListQuery{Limit: 1}); len(got) != 2 || got[0].ID != ids[len(ids)-2] {
		t.Errorf("listed %+v, want the last two", got)
	}
}

// TestSnapshot copies a store under load, verifies the copy, and opens it.
func TestSnapshot(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk, flushBytes: 4 << 10})
	want := furnish(t, s)
	_, err := s.Commit(t.Context(), account.Commit{Writes: []account.Write{{Kind: 7, Key: "k", Value: []byte("v")}}})
	must(t, err)
	done := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_ = one(t, s, account.UserID(fmt.Sprintf("later-%d", i)), long)
			}
		}
	}()
	must(t, s.Snapshot(t.Context(), "copy"))
	close(stop)
	<-done
	must(t, s.Close())
	c, err := Verify(t.Context(), Options{Dir: "copy", FS: disk}, nil)
	must(t, err)
	if c.Accounts < int64(len(want)) || c.Records[7] != 1 || c.Tombstones == 0 {
		t.Errorf("the copy has %+v, want at least %d accounts", c, len(want))
	}
	s = open(t, Options{Dir: "copy", FS: disk})
	defer func() { must(t, s.Close()) }()
	got := list(t, s, account.ListQuery{Limit: 1000, Prefix: ""})
	ids := map[account.UserID]bool{}
	for _, a := range got {
		ids[a.ID] = true
	}
	for _, id := range want {
		if !ids[id] {
			t.Errorf("%s is not in the copy", id)
		}
	}
	if int64(len(got)) != c.Accounts {
		t.Errorf("the copy lists %d accounts, verified were %d", len(got), c.Accounts)
	}
	if _, err := Verify(t.Context(), Options{Dir: "nothing", FS: disk}, nil); err == nil {
		t.Error("a directory that does not exist was verified")
	}
}

// TestVerifyCorrupt checks that Verify detects a corrupt account.
func TestVerifyCorrupt(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "a", long))
	flush(t, s)
	must(t, s.Close())
	put(t, disk, appendNameKey(nil, accountSpace, record.AppendName(nil, app, "a")), append(record.AppendAccount(nil, &account.Account{ID: "a", InternalID: 1, Created: now, Updated: now}), 7))
	if c, err := Verify(t.Context(), Options{Dir: "data", FS: disk}, nil); err == nil {
		t.Errorf("Verify = %+v of a store with a corrupt account", c)
	}
}

// TestCache reads an account twice and checks that the second read finds its block in the
// cache. Pebble reserves space in the cache for memtables, which must not use all of it.
func TestCache(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	must(t, one(t, s, "a", long))
	flush(t, s)
	s.view.forget()
	for range 2 {
		_, err := s.Lookup(t.Context(), app, []account.UserID{"a"})
		must(t, err)
	}
	if m := s.db.Metrics().BlockCache; m.Hits == 0 || m.Count == 0 {
		t.Errorf("the cache holds %d blocks and had %d hits", m.Count, m.Hits)
	}
	if most := int64(4 * memtableBytes); cacheBytes < most {
		t.Errorf("a cache of %d bytes is less than the maximum size of memtables, %d", cacheBytes, most)
	}
}

// TestIndexSize checks the size of the index after a restart and after a rewrite.
func TestIndexSize(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	furnish(t, s)
	flush(t, s)
	before := s.flusher.size
	must(t, s.Close())
	s = open(t, Options{FS: disk, renewIndex: true})
	defer func() { must(t, s.Close()) }()
	if s.flusher.size != before {
		t.Errorf("after a restart the index has %+v, before %+v", s.flusher.size, before)
	}
	must(t, one(t, s, "one more", long))
	flush(t, s)
	if n := s.flusher.size; n.Entries != 1001 || n.Entries >= before.Entries {
		t.Errorf("after a rewrite the index has %+v, before %+v, want an entry for each id", n, before)
	}
}

// TestBackPressure keeps the journal from being flushed. When it is full, writes must wait,
// and return Code Unavailable when their contexts end.
func TestBackPressure(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem(), flushBytes: 4 << 10})
	s.flusher.mu.Lock() // blocks every flush
	var err error
	n := 0
	for ; err == nil && n < 10_000; n++ {
		err = one(t, s, account.UserID(fmt.Sprintf("u%05d", n)), 100*time.Millisecond)
	}
	if account.CodeOf(err) != account.Unavailable {
		t.Fatalf("after %d writes: %v, want Code unavailable", n, err)
	}
	st := s.view.acquire()
	if got, most := st.bytes(), s.limit.max+maxGroupBytes; got < s.limit.max || got > most {
		t.Errorf("the journal has %d bytes, want %d to %d", got, s.limit.max, most)
	}
	s.view.release(st)
	s.flusher.mu.Unlock()
	must(t, one(t, s, "after", long))
	must(t, s.Close())
}

// TestFlushAfterError fails a flush while the journal is full. The flush is tried again
// although no commit can ask for it.
func TestFlushAfterError(t *testing.T) {
	disk := newFaultyDisk()
	s := open(t, Options{FS: disk, flushBytes: 4 << 10, idleTick: time.Hour})
	defer func() { must(t, s.Close()) }()
	var tries atomic.Int32
	disk.breakDown(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.Contains(op.Path, tablePrefix) {
			tries.Add(1)
			return errors.New("input/output error")
		}
		return nil
	})
	for n := 0; one(t, s, account.UserID(fmt.Sprintf("u%05d", n)), 100*time.Millisecond) == nil; n++ {
	}
	seen := tries.Load()
	eventually(t, "second try", func() bool { return tries.Load() > seen })
	disk.heal()
	must(t, one(t, s, "after", long))
}

// TestChangesBesideEndOfFlush changes an account twice in the group that ends a flush. The
// second change is older than the first, so the account is written as a whole. It must
// contain what the flush has moved into tables.
func TestChangesBesideEndOfFlush(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem(), idleTick: time.Hour})
	defer func() { must(t, s.Close()) }()
	must(t, one(t, s, "a", long))
	flush(t, s)
	patch := func(tag account.Tag) account.Patch {
		return account.Patch{ID: "a", Fields: []account.Field{{Tag: tag, Value: account.Value{Number: 1, IsNumber: true}}}}
	}
	if _, err := s.Update(t.Context(), app, []account.Patch{patch(account.TagLanguage)}, account.ChangePolicy{Now: now}); err != nil {
		t.Fatal(err)
	}
	st := s.view.acquire()
	defer s.view.release(st)
	files, err := s.flusher.write(st, nil)
	must(t, err)
	must(t, s.db.Ingest(t.Context(), files.paths))
	must(t, s.commits.submitFlush(func(g *group) error {
		g.endFlush(files.last)
		name := record.AppendName(nil, app, "a")
		for i, tag := range []account.Tag{account.TagLevel, account.TagRole} {
			if c, err := g.update(s.table.Hash(name), name, patch(tag), now.Add(time.Duration(2-i)*time.Second)); c != account.OK || err != nil {
				return fmt.Errorf("%s: %v, %w", tag, c, err)
			}
		}
		return nil
	}))
	as, err := s.Lookup(t.Context(), app, []account.UserID{"a"})
	must(t, err)
	for _, tag := range []account.Tag{account.TagLanguage, account.TagLevel, account.TagRole} {
		if got, _ := as[0].Field(tag); got.Number != 1 {
			t.Errorf("%s = %+v, want 1", tag, got)
		}
	}
}

// TestFlushWhilePatched patches a few accounts in concurrent calls during many flushes. The
// committer reads flushed accounts for the patches from a snapshot, which each flush
// replaces.
func TestFlushWhilePatched(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem(), flushBytes: 2 << 10})
	for i := range 16 {
		must(t, one(t, s, account.UserID(fmt.Sprintf("h%d", i)), long))
	}
	flush(t, s)
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for i := range 3000 {
				id := account.UserID(fmt.Sprintf("h%d", (c*7+i)%16))
				f := account.Field{Tag: account.TagRole, Value: account.Value{Number: uint64(i), IsNumber: true}}
				if _, err := s.Update(t.Context(), app, []account.Patch{{ID: id, Fields: []account.Field{f}}}, account.ChangePolicy{Now: now.Add(time.Duration(i) * time.Millisecond)}); err != nil {
					t.Errorf("caller %d, call %d: %v", c, i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	must(t, s.failure.Check())
	must(t, s.Close())
}
