package pebble

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/idtable"
)

// together opens a store with the account "first" and makes calls that share one group of
// the committer. It returns the store and the errors of the calls.
func together(t *testing.T, calls ...func(*Store) error) (*Store, []error) {
	t.Helper()
	s := open(t, Options{FS: vfs.NewMem()})
	t.Cleanup(func() { must(t, s.Close()) })
	must(t, one(t, s, "first", long))
	release := hold(t, s)
	ends := make([]<-chan error, len(calls))
	for i, call := range calls {
		ends[i] = enqueue(t, s, func() error { return call(s) })
	}
	release()
	errs := make([]error, len(calls))
	for i := range ends {
		errs[i] = <-ends[i]
	}
	return s, errs
}

// TestGroupOfRecords checks that each call sees the effects of earlier calls in its group.
func TestGroupOfRecords(t *testing.T) {
	commit := func(c account.Commit) func(*Store) error {
		return func(s *Store) error {
			_, err := s.Commit(context.WithoutCancel(t.Context()), c)
			return err
		}
	}
	create := account.Write{Kind: 7, Key: "k", Value: []byte("v")}
	_, errs := together(t,
		commit(account.Commit{Writes: []account.Write{create}}),
		commit(account.Commit{Writes: []account.Write{create}}),
		commit(account.Commit{Spaces: []account.Space{{App: app, Admins: []account.UserID{"boss"}, Now: now}}}),
		func(s *Store) error {
			cs, err := s.Delete(t.Context(), app, []account.UserID{"boss", "first"}, changing)
			if err == nil && (cs[0] != account.AdminProtected || cs[1] != account.OK) {
				t.Errorf("Delete = %v", cs)
			}
			return err
		},
		commit(account.Commit{Spaces: []account.Space{{App: app, Remove: true}}}),
		func(s *Store) error { return one(t, s, "late", long) },
		commit(account.Commit{Writes: []account.Write{{Kind: 7, Key: "k", If: account.AnyVersion}}}),
		commit(account.Commit{Writes: []account.Write{create}}),
	)
	want := []account.Code{account.OK, account.Stale, account.OK, account.OK, account.OK, account.NoApp, account.OK, account.OK}
	for i, err := range errs {
		if account.CodeOf(err) != want[i] {
			t.Errorf("call %d: %v, want Code %v", i, err, want[i])
		}
	}
}

// TestCommitterEnded ends the goroutine of the committer in an Outbox. The store must fail.
func TestCommitterEnded(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	p := free
	p.Outbox = func([]account.UpsertResult) []account.Write {
		runtime.Goexit()
		return nil
	}
	if _, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: "a"}}, p); err == nil || account.CodeOf(err) == account.Unavailable {
		t.Errorf("Upsert: %v, want an error with an unknown outcome", err)
	}
	for name, err := range map[string]error{"Ready": s.Ready(t.Context()), "Upsert": one(t, s, "b", long), "Close": s.Close()} {
		if account.CodeOf(err) != account.Internal || err == nil {
			t.Errorf("%s: %v, want Code internal", name, err)
		}
	}
}

// TestRecordsErrors checks that a read of records returns an [account.Error] unchanged,
// even if it is joined with other errors, and hides all other errors.
func TestRecordsErrors(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	for code, cause := range map[account.Code]error{
		account.Unavailable: errors.Join(&account.Error{Code: account.Unavailable}),
		account.Internal:    errors.New("broken"),
	} {
		_, err := readRecords(t.Context(), s, func(pebble.Reader) (int, error) { return 0, cause })
		if e, ok := err.(*account.Error); !ok || e.Code != code {
			t.Errorf("%v became %T %v, want an *account.Error of Code %v", cause, err, err, code)
		}
	}
}

// TestRecordsAtBroken breaks each read of a table in turn while records are read. None of
// the records may then be taken for one that does not exist.
func TestRecordsAtBroken(t *testing.T) {
	disk := newFaultyDisk()
	s := open(t, Options{FS: disk})
	keys := make([]string, 60)
	for i := range keys {
		keys[i] = fmt.Sprintf("%02d", i)
		value := make([]byte, 1000) // several blocks of a table
		_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(value)
		_, err := s.Commit(t.Context(), account.Commit{Writes: []account.Write{{Kind: 7, Key: keys[i], Value: value}}})
		must(t, err)
	}
	must(t, s.db.Flush())
	failed := 0
	for broken := int64(1); ; broken++ {
		must(t, s.Close())
		s = open(t, Options{FS: disk}) // with an empty cache
		var seen atomic.Int64
		disk.breakDown(func(op errorfs.Op) error {
			if op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst") && seen.Add(1) == broken {
				return errors.New("input/output error")
			}
			return nil
		})
		rs, err := s.RecordsAt(t.Context(), 7, keys)
		disk.heal()
		if seen.Load() < broken { // there are no more reads
			must(t, err)
			break
		}
		switch {
		case account.CodeOf(err) == account.Internal:
			failed++
		case err != nil:
			t.Errorf("read %d is broken: %v, want Code internal", broken, err)
		}
		for _, r := range rs {
			if r.Version == 0 {
				t.Errorf("read %d is broken: %q does not exist", broken, r.Key)
			}
		}
	}
	must(t, s.Close())
	if failed < 10 {
		t.Errorf("%d calls failed, so the test proves little", failed)
	}
}

// TestOutboxOfHalfImport imports three accounts into a table that has room for one. The
// outbox tells of that one, although the call fails.
func TestOutboxOfHalfImport(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	must(t, one(t, s, "b", long))
	must(t, s.commits.submitFlush(func(g *group) error {
		g.nextID = idtable.MaxID
		return nil
	}))
	var told []account.Code
	p := free
	p.Outbox = func(rs []account.UpsertResult) []account.Write {
		for _, r := range rs {
			told = append(told, r.Code)
		}
		return nil
	}
	items := []account.Upsert{{ID: "a"}, {ID: "b", Nick: "B"}, {ID: "c"}}
	if _, err := s.Upsert(t.Context(), app, items, p); !errors.Is(err, idtable.ErrFull) {
		t.Errorf("the import into a full table: %v", err)
	}
	if want := []account.Code{account.OK, account.Internal, account.Internal}; !slices.Equal(told, want) {
		t.Errorf("the outbox hears of %v, want %v", told, want)
	}
}

// TestGroupNumbers checks that each commit in a group has a different number.
func TestGroupNumbers(t *testing.T) {
	add := func(s *Store) error {
		_, err := s.Commit(t.Context(), account.Commit{Writes: []account.Write{{Kind: 7, Value: []byte("v"), Append: true}}})
		return err
	}
	tell := func(s *Store) error {
		p := free
		p.Outbox = func([]account.UpsertResult) []account.Write {
			return []account.Write{{Kind: 7, Value: []byte("v"), Append: true}}
		}
		_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: "a"}}, p)
		return err
	}
	s, errs := together(t, add, tell, add, tell)
	for _, err := range errs {
		must(t, err)
	}
	n := uint64(0)
	each(t, s, 7, func(r account.Record) {
		if r.Version <= n || r.Key != account.AppendedKey("", r.Version) {
			t.Errorf("the record %q of version %d follows %d", r.Key, r.Version, n)
		}
		n = r.Version
	})
	if got := s.commits.group.number; n != got {
		t.Errorf("the last record is of commit %d, want %d", n, got)
	}
}

// TestPurgeInGroup removes a space and creates it again in one group. The new space starts
// empty: without tombstones and watermarks of the old one.
func TestPurgeInGroup(t *testing.T) {
	const other = account.AppID(77)
	commit := func(c account.Commit) func(*Store) error {
		return func(s *Store) error {
			_, err := s.Commit(t.Context(), c)
			return err
		}
	}
	space := commit(account.Commit{Spaces: []account.Space{{App: other, Admins: []account.UserID{"boss"}, Now: now}}})
	upsert := func(rs *[]account.UpsertResult) func(*Store) error {
		return func(s *Store) (err error) {
			*rs, err = s.Upsert(t.Context(), other, []account.Upsert{{ID: "x"}}, account.UpsertPolicy{Now: now})
			return err
		}
	}
	var first, second []account.UpsertResult
	s, errs := together(t,
		space,
		upsert(&first),
		func(s *Store) error {
			_, err := s.Update(t.Context(), other, []account.Patch{{ID: "boss", Kicked: 9}, {ID: "x", Kicked: 8}}, changing)
			return err
		},
		func(s *Store) error {
			_, err := s.Delete(t.Context(), other, []account.UserID{"x"}, changing)
			return err
		},
		commit(account.Commit{Spaces: []account.Space{{App: other, Remove: true}}}),
		space,
		upsert(&second),
	)
	for i, err := range errs {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if second[0].Code != account.OK {
		t.Errorf("import into the new space: %+v, want OK: a new space starts empty", second[0])
	}
	st, err := s.Status(t.Context(), other, []account.UserID{"boss", "x"})
	must(t, err)
	if st[0].Kicked != 0 || st[1].Kicked != 0 {
		t.Errorf("watermarks of the new space: %+v, want 0", st)
	}
}
