package postgres

import (
	"context"
	"flag"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
	"rollcall/internal/testutil/pgtest"
)

// kills is how often the tests of failovers kill a primary.
var kills = flag.Int("pg-kills", 1, "number of kills of a primary in each test of failovers")

// openCluster migrates a cluster and opens a store with a space.
func openCluster(t *testing.T, url string) *Store {
	t.Helper()
	if _, _, err := Migrate(t.Context(), Options{URL: url}); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{URL: url})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}})
	return s
}

// TestKillPrimary kills a primary with all its processes under load, and promotes a
// synchronous standby. The store goes on by itself, and every acknowledged account is there.
func TestKillPrimary(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	c := pgtest.StartCluster(t, 2)
	s := openCluster(t, c.MultiURL())
	v := &victim{t: t, store: s}
	for range *kills {
		l := startLoad(t, s, "k"+time.Now().Format("150405.000"))
		l.await(100)
		before := c.Leader()
		c.Kill(before)
		c.Promote(c.Furthest())
		l.await(100)
		c.Rejoin(before)
		l.await(20)
		l.end()
		v.eventually("Ready is nil", func() bool { return s.Ready(t.Context()) == nil })
	}
	v.check()
}

// TestHungPrimary is TestKillPrimary with a primary that hangs: its connections stay, and it
// accepts new ones, but says nothing more.
func TestHungPrimary(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	c := pgtest.StartCluster(t, 2)
	p := pgtest.StartProxy(t, c.Node(0))
	direct, err := url.Parse(c.Node(0))
	if err != nil {
		t.Fatal(err)
	}
	through, err := url.Parse(p.URL(c.Node(0)))
	if err != nil {
		t.Fatal(err)
	}
	s := openCluster(t, strings.Replace(c.MultiURL(), direct.Host, through.Host, 1))
	v := &victim{t: t, store: s}
	l := startLoad(t, s, "h")
	l.await(100)
	p.Hang()
	c.Kill(0)
	c.Promote(c.Furthest())
	l.await(100)
	l.end()
	v.eventually("Ready is nil", func() bool { return s.Ready(t.Context()) == nil })
	v.check()
}

// TestPatroni kills the primary of a cluster that fails over by itself.
func TestPatroni(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	m := pgtest.Patroni(t)
	s := openCluster(t, m.MultiURL())
	v := &victim{t: t, store: s}
	for range *kills {
		l := startLoad(t, s, "p"+time.Now().Format("150405.000"))
		l.await(100)
		m.KillPrimary()
		l.await(100)
		l.end()
		m.Complete()
	}
	v.check()
}

// TestUnreplicated stops the only synchronous standby, and cancels the commits that wait for
// it. The server then reports success, with a warning. No change may be acknowledged before
// the standby is back, and then each has happened once.
func TestUnreplicated(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	c := pgtest.StartCluster(t, 1)
	s := openCluster(t, c.Primary())
	create(account.UpsertPolicy{}, "a", "b", "c")(t, s)
	c.Kill(1)
	changes := map[string]func(context.Context) error{
		"Upsert": func(ctx context.Context) error {
			_, err := upsert(ctx, s, account.UpsertPolicy{Outbox: appendEvent[account.UpsertResult]}, "new")
			return err
		},
		"Update": func(ctx context.Context) error {
			_, err := s.Update(ctx, doubtApp, []account.Patch{{ID: "a", Kicked: 3}}, account.ChangePolicy{Now: doubtTime})
			return err
		},
		"Delete": func(ctx context.Context) error {
			_, err := s.Delete(ctx, doubtApp, []account.UserID{"b"}, account.ChangePolicy{Now: doubtTime})
			return err
		},
		"Commit": func(ctx context.Context) error {
			_, err := s.Commit(ctx, account.Commit{Writes: []account.Write{{Kind: doubtKind, Key: "k", Value: []byte("v")}}})
			return err
		},
		"LoadAccounts": func(ctx context.Context) error {
			return s.LoadAccounts(ctx, doubtApp, []account.Exported{{Account: account.Account{ID: "l", InternalID: 1 << 40, Created: doubtTime, Updated: doubtTime}}}, nil)
		},
	}
	type result struct {
		name string
		err  error
	}
	results := make(chan result, len(changes))
	for name, change := range changes {
		go func() { results <- result{name, change(context.WithoutCancel(t.Context()))} }()
	}
	conn, err := pgx.Connect(t.Context(), c.Primary())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	v := &victim{t: t, store: s}
	v.eventually("the changes are repeated", func() bool {
		if _, err := conn.Exec(t.Context(), "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"); err != nil {
			t.Error(err)
		}
		return s.retries.Load() >= 2*int64(len(changes))
	})
	select {
	case r := <-results:
		t.Errorf("%s ended without a standby: %v", r.name, r.err)
	default:
	}
	c.Restart(1)
	for range changes {
		if r := <-results; r.err != nil {
			t.Errorf("%s: %v", r.name, r.err)
		}
	}
	v.check()
}
