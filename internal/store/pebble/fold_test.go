package pebble

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

// furnish puts accounts of every kind into s: folded, not folded, and changed,
// deleted or made again on either side. It returns the ids that exist, in order.
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
				_, err := s.Update(t.Context(), app, []account.Patch{{ID: id, Kicked: int64(i), Fields: []account.Field{number(account.TagRole, uint64(i))}}}, now.Add(time.Hour))
				must(t, err)
			}
			if k%11 == i {
				_, err := s.Delete(t.Context(), app, []account.UserID{id}, now)
				must(t, err)
			}
		}
		if i%2 == 1 {
			fold(t, s)
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// list returns all accounts, in pages of limit.
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

// TestListFolds lists what is partly folded.
func TestListFolds(t *testing.T) {
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

// TestFoldHalf stops a fold after Pebble took its tables, before the journal was
// dropped, as a crash may: nothing is lost and nothing applied twice.
func TestFoldHalf(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	furnish(t, s)
	want := list(t, s, account.ListQuery{Limit: 1000})
	st := s.view.acquire()
	files, err := s.folder.write(st, nil)
	must(t, err)
	must(t, s.db.Ingest(t.Context(), files.paths))
	s.view.release(st)
	if diff := cmp.Diff(want, list(t, s, account.ListQuery{Limit: 1000})); diff != "" {
		t.Errorf("in the middle of a fold (-want +got):\n%s", diff)
	}
	must(t, s.Close())
	s = open(t, Options{FS: disk})
	if diff := cmp.Diff(want, list(t, s, account.ListQuery{Limit: 1000})); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	must(t, s.Close())
}

// TestSnapshot copies a store under load, verifies the copy, and opens it.
func TestSnapshot(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk, foldBytes: 4 << 10})
	admin := account.AuditEntry{Time: now, Actor: "test", Action: "app.create"}
	_, err := s.CreateApp(t.Context(), account.App{ID: app, Created: now}, admin)
	must(t, err)
	want := furnish(t, s)
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
	if c.Accounts < int64(len(want)) || c.Apps != 1 || c.Audit != 1 || c.Tombstones == 0 {
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
		t.Error("a folder that does not exist was verified")
	}
}

// TestVerifyCorrupt spoils one account.
func TestVerifyCorrupt(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, Options{FS: disk})
	must(t, one(t, s, "a", long))
	fold(t, s)
	must(t, s.Close())
	put(t, disk, appendNameKey(nil, accountSpace, appendName(nil, app, "a")), append(appendAccount(nil, &codecTests[0]), 7))
	if c, err := Verify(t.Context(), Options{Dir: "data", FS: disk}, nil); err == nil {
		t.Errorf("Verify = %+v of a store with a corrupt account", c)
	}
}
