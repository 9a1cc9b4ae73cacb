package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/testutil/pgtest"
)

const (
	doubtApp  account.AppID = 1400000001
	doubtKind account.Kind  = 200
)

var doubtTime = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// A doubtful is a change whose commit is cut. prepare runs before it.
type doubtful struct {
	prepare func(*testing.T, *Store)
	change  func(context.Context, *Store) (any, error)
}

// TestDoubt cuts the connection at the commit of every change, before the server receives it
// and after the server has applied it. The results and the data must be those of a change
// that is executed once.
func TestDoubt(t *testing.T) {
	url := emptied(t)
	p := pgtest.StartProxy(t, url())
	for name, c := range doubtfuls() {
		t.Run(name, func(t *testing.T) {
			want := c.outcome(t, p.URL(url()), func() {})
			for when, cut := range map[string]pgtest.Cut{"before": {BeforeCommit: true}, "after": {AfterCommit: true}} {
				before := p.Cuts()
				got := c.outcome(t, p.URL(url()), func() { p.Plan(cut) })
				if n := p.Cuts() - before; n != 1 {
					t.Errorf("%s: %d cuts", when, n)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-without a cut +with one):\n%s", when, diff)
				}
			}
		})
	}
}

// An outcome is what a change returns and leaves behind, without internal ids and numbers.
type outcome struct {
	Results  any
	Accounts []account.Account
	Gone     []account.Gone
	Count    int64
	Kicked   map[account.UserID]int64 // in the memory of the handle
	Records  []string
}

// outcome executes c. It calls plan between the preparation and the change.
func (c doubtful) outcome(t *testing.T, url string, plan func()) (o outcome) {
	t.Helper()
	s := open(t, Options{URL: url, spread: 1, worthDividing: 1})
	defer s.Close()
	commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Admins: []account.UserID{"boss"}, Now: doubtTime}}})
	if c.prepare != nil {
		c.prepare(t, s)
	}
	plan()
	var err error
	if o.Results, err = c.change(t.Context(), s); err != nil {
		t.Fatalf("the change: %v", err)
	}
	o.read(t, s)
	return o
}

// read reads what a change has left behind, and checks the internal ids of its results.
func (o *outcome) read(t *testing.T, s *Store) {
	t.Helper()
	d, err := s.Dump(t.Context(), doubtApp, 1000)
	if err != nil {
		t.Fatal(err)
	}
	o.Gone = d.Gone
	internal := map[uint64]bool{}
	o.Kicked = map[account.UserID]int64{}
	for _, a := range d.Accounts {
		internal[a.InternalID] = true
		if o.Kicked[a.ID], err = s.Watermark(t.Context(), doubtApp, a.ID); err != nil {
			t.Error(err)
		}
		a.InternalID = 0
		o.Accounts = append(o.Accounts, a)
	}
	if len(internal) != len(d.Accounts) {
		t.Errorf("%d accounts have %d internal ids", len(d.Accounts), len(internal))
	}
	rs, _ := o.Results.([]account.UpsertResult)
	for i, r := range rs {
		if r.Code == account.OK && !internal[r.InternalID] {
			t.Errorf("result %d has the internal id %d, which no account has", i, r.InternalID)
		}
		rs[i].InternalID = 0
	}
	if o.Count, err = s.Count(t.Context(), doubtApp); err != nil {
		t.Error(err)
	}
	page, err := s.Records(t.Context(), account.RecordQuery{Kind: doubtKind, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Records {
		o.Records = append(o.Records, r.Key[:2]+string(r.Value))
	}
}

func commit(t *testing.T, s *Store, c account.Commit) {
	t.Helper()
	if _, err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func upsert(ctx context.Context, s *Store, p account.UpsertPolicy, ids ...account.UserID) (any, error) {
	us := make([]account.Upsert, len(ids))
	for i, id := range ids {
		us[i] = account.Upsert{ID: id, Nick: "nick of " + string(id)}
	}
	p.Now = doubtTime
	rs, err := s.Upsert(ctx, doubtApp, us, p)
	return rs, err
}

// create returns a preparation that creates accounts.
func create(p account.UpsertPolicy, ids ...account.UserID) func(*testing.T, *Store) {
	return func(t *testing.T, s *Store) {
		t.Helper()
		if _, err := upsert(t.Context(), s, p, ids...); err != nil {
			t.Fatal(err)
		}
	}
}

func appendEvent[R any]([]R) []account.Write {
	return []account.Write{{Kind: doubtKind, Key: "o/", Value: []byte("event"), Append: true}}
}

func setProgress[R any]([]R) []account.Write {
	return []account.Write{{Kind: doubtKind, Key: "p/", Value: []byte("progress"), If: account.AnyVersion}}
}

// doubtfuls returns the changes of TestDoubt.
func doubtfuls() map[string]doubtful {
	free := account.UpsertPolicy{TombstoneBefore: account.AnyTombstone}
	limited := func(n int64) account.UpsertPolicy {
		return account.UpsertPolicy{TombstoneBefore: account.AnyTombstone, Limit: n}
	}
	event, progress := free, free
	event.Outbox, progress.Outbox = appendEvent, setProgress
	limitedEvent := limited(4)
	limitedEvent.Outbox = appendEvent
	imports := func(p account.UpsertPolicy, ids ...account.UserID) func(context.Context, *Store) (any, error) {
		return func(ctx context.Context, s *Store) (any, error) { return upsert(ctx, s, p, ids...) }
	}
	cs := map[string]doubtful{
		"UpsertNew":       {nil, imports(free, "a", "b")},
		"UpsertRepeated":  {nil, imports(free, "a", "b", "a")},
		"UpsertExisting":  {create(free, "a"), imports(free, "a", "b")},
		"UpsertSame":      {create(free, "a"), imports(event, "a")},
		"UpsertEvent":     {create(free, "a"), imports(event, "a", "b")},
		"UpsertProgress":  {nil, imports(progress, "a", "b")},
		"UpsertLimit":     {create(limited(9), "a"), imports(limited(9), "a", "b", "c")},
		"UpsertFills":     {create(limited(4), "a"), imports(limited(4), "b")},
		"UpsertFull":      {create(limited(4), "a"), imports(limitedEvent, "a", "b", "c", "d")},
		"UpsertTwice":     {nil, imports(limited(3), "a", "b", "a", "c", "b")},
		"UpsertNoDivided": {nil, imports(limited(2), "a", "b", "c")},
		"UpsertTombstone": {createDeleted, imports(free, "a", "b")},
	}
	addChanges(cs)
	addCommits(cs)
	addLoads(cs)
	return cs
}

// createDeleted creates two accounts and deletes one of them.
func createDeleted(t *testing.T, s *Store) {
	t.Helper()
	create(account.UpsertPolicy{}, "a", "b", "c")(t, s)
	if _, err := s.Delete(t.Context(), doubtApp, []account.UserID{"a"}, account.ChangePolicy{Now: doubtTime.Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
}

func addChanges(cs map[string]doubtful) {
	later := account.ChangePolicy{Now: doubtTime.Add(time.Hour)}
	event := later
	event.Outbox = appendEvent
	for name, p := range map[string]account.ChangePolicy{"": later, "Event": event} {
		cs["Update"+name] = doubtful{createDeleted, func(ctx context.Context, s *Store) (any, error) {
			return s.Update(ctx, doubtApp, []account.Patch{
				{ID: "a", Kicked: 5},
				{ID: "b", Kicked: 7, Fields: []account.Field{{Tag: account.TagNick, Value: account.Value{Text: "new"}}}},
			}, p)
		}}
		cs["Delete"+name] = doubtful{createDeleted, func(ctx context.Context, s *Store) (any, error) {
			return s.Delete(ctx, doubtApp, []account.UserID{"a", "b", "b", "x", "boss"}, p)
		}}
	}
}

func addCommits(cs map[string]doubtful) {
	write := func(key, value string, version uint64) account.Write {
		return account.Write{Kind: doubtKind, Key: key, Value: []byte(value), If: version}
	}
	commits := func(change func(*Store) account.Commit) func(context.Context, *Store) (any, error) {
		return func(ctx context.Context, s *Store) (any, error) {
			c := change(s)
			n, err := s.Commit(ctx, c)
			return n > 0, err
		}
	}
	first := func(t *testing.T, s *Store) {
		t.Helper()
		commit(t, s, account.Commit{Writes: []account.Write{write("k1", "1", 0), write("k2", "1", 0)}})
	}
	version := func(s *Store) uint64 {
		r, _ := s.Record(context.Background(), doubtKind, "k1") // the commit fails without it
		return r.Version
	}
	cs["CommitCreate"] = doubtful{nil, commits(func(*Store) account.Commit {
		return account.Commit{Writes: []account.Write{write("k1", "1", 0)}}
	})}
	cs["CommitChange"] = doubtful{first, commits(func(s *Store) account.Commit {
		return account.Commit{Writes: []account.Write{
			{Kind: doubtKind, Key: "k2", If: account.AnyVersion}, write("k1", "2", version(s)), appendEvent[int](nil)[0],
		}, Spaces: []account.Space{{App: doubtApp, Admins: []account.UserID{"boss", "chief"}, Now: doubtTime}}}
	})}
	cs["CommitRemove"] = doubtful{first, commits(func(s *Store) account.Commit {
		return account.Commit{
			Writes: []account.Write{{Kind: doubtKind, Key: "k2", If: account.AnyVersion}, write("k1", "gone", version(s))},
			Spaces: []account.Space{{App: doubtApp, Remove: true}},
		}
	})}
	cs["CommitReplace"] = doubtful{createDeleted, commits(func(s *Store) account.Commit {
		d, _ := s.Dump(context.Background(), doubtApp, 100) // the commit fails without it
		d.Accounts = d.Accounts[:2]
		return account.Commit{Spaces: []account.Space{{App: doubtApp, Admins: []account.UserID{"boss"}, Now: doubtTime, Replace: d}}}
	})}
}

func addLoads(cs map[string]doubtful) {
	cs["LoadAccounts"] = doubtful{createDeleted, func(ctx context.Context, s *Store) (any, error) {
		return true, s.LoadAccounts(ctx, doubtApp, []account.Exported{
			{Account: account.Account{ID: "a", InternalID: 900_001, Created: doubtTime, Updated: doubtTime, Kicked: 3}},
			{Account: account.Account{ID: "b"}, Deleted: doubtTime},
			{Account: account.Account{ID: "n", InternalID: 900_002, Created: doubtTime, Updated: doubtTime}},
		}, append(appendEvent[int](nil), setProgress[int](nil)...))
	}}
	claim := account.Write{Kind: doubtKind, Key: "claim", Value: []byte("run")} // which must not exist
	cs["LoadAccountsIf"] = doubtful{nil, func(ctx context.Context, s *Store) (any, error) {
		return true, s.LoadAccounts(ctx, doubtApp, []account.Exported{
			{Account: account.Account{ID: "n", InternalID: 900_002, Created: doubtTime, Updated: doubtTime, Kicked: 3}},
		}, append(setProgress[int](nil), claim))
	}}
	cs["LoadRecordsIf"] = doubtful{nil, func(ctx context.Context, s *Store) (any, error) {
		return true, s.LoadRecords(ctx, append(setProgress[int](nil), claim), account.Numbers{Commit: 7})
	}}
	cs["LoadRecords"] = doubtful{nil, func(ctx context.Context, s *Store) (any, error) {
		return true, s.LoadRecords(ctx, setProgress[int](nil), account.Numbers{Commit: 7})
	}}
}
