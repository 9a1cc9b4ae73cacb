package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
	"rollcall/internal/testutil/pgtest"
)

// TestTerminated ends the sessions of the server around the commit of an import.
func TestTerminated(t *testing.T) {
	for name, at := range map[string]struct {
		written bool
		want    int64 // retries
	}{"BeforeCommit": {false, 1}, "AfterCommit": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			url := database(t)
			armed := false
			s := open(t, Options{URL: url, hook: func(written bool) error {
				if armed && written == at.written {
					armed = false
					terminateAll(t, url)
				}
				return nil
			}})
			defer s.Close()
			commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}})
			before := s.retries.Load()
			armed = true
			rs, err := upsert(t.Context(), s, account.UpsertPolicy{Outbox: appendEvent[account.UpsertResult]}, "a")
			if err != nil || !rs.([]account.UpsertResult)[0].Created {
				t.Errorf("Upsert = %+v, %v", rs, err)
			}
			if got := s.retries.Load() - before; got != at.want {
				t.Errorf("%d retries, want %d", got, at.want)
			}
			armed = false
			if _, err := upsert(t.Context(), s, account.UpsertPolicy{}, "b"); err != nil { // on idle connections that are gone
				t.Errorf("the next call: %v", err)
			}
			expectCount(t, s, 2)
		})
	}
}

// terminateAll ends all other sessions of a database.
func terminateAll(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	const sql = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Error(err)
	}
}

func expectCount(t *testing.T, s *Store, want int64) {
	t.Helper()
	if n, err := s.Count(t.Context(), doubtApp); err != nil || n != want {
		t.Errorf("Count = %d, %v; want %d", n, err, want)
	}
}

// TestStatementsGone removes the prepared statements of all sessions, and changes the type
// of a column, as a migration could. Each call is repeated.
func TestStatementsGone(t *testing.T) {
	url := database(t)
	s := open(t, Options{URL: url + "&pool_max_conns=1"})
	defer s.Close()
	commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}})
	for name, sql := range map[string]string{
		"Gone":    "DEALLOCATE ALL",
		"Changed": "ALTER TABLE accounts ALTER nick TYPE varchar(1000)",
	} {
		t.Run(name, func(t *testing.T) {
			create(account.UpsertPolicy{}, "a")(t, s)
			if _, err := s.List(t.Context(), doubtApp, account.ListQuery{Limit: 1}); err != nil {
				t.Fatal(err)
			}
			before := s.retries.Load()
			conn, err := s.pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
			conn.Release()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.List(t.Context(), doubtApp, account.ListQuery{Limit: 1}); err != nil {
				t.Errorf("List: %v", err)
			}
			if _, err := upsert(t.Context(), s, account.UpsertPolicy{}, "a", account.UserID(name)); err != nil {
				t.Errorf("Upsert: %v", err)
			}
			if s.retries.Load() == before {
				t.Error("no call was repeated, so the test proves nothing")
			}
		})
	}
}

// TestSerialization imports the same ids in many transactions at once that the server cannot
// serialize.
func TestSerialization(t *testing.T) {
	s := open(t, Options{URL: database(t) + "&default_transaction_isolation=serializable", spread: 1})
	defer s.Close()
	commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 5 {
				patch := account.Patch{ID: "a", Kicked: int64(1 + 8*j + i)}
				if _, err := s.Update(t.Context(), doubtApp, []account.Patch{patch}, account.ChangePolicy{Now: doubtTime}); err != nil {
					t.Errorf("Update: %v", err)
				}
				if _, err := upsert(t.Context(), s, account.UpsertPolicy{}, "a", account.UserID(fmt.Sprint(i, j))); err != nil {
					t.Errorf("Upsert: %v", err)
				}
			}
		})
	}
	all.Wait()
	expectCount(t, s, 41)
	if s.retries.Load() == 0 {
		t.Error("no call was repeated, so the test proves nothing")
	}
}

// TestDeadlock makes an update the victim of a deadlock.
func TestDeadlock(t *testing.T) {
	url := database(t)
	s := open(t, Options{URL: url + "&deadlock_timeout=1s&lock_timeout=0"})
	defer s.Close()
	commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}})
	create(account.UpsertPolicy{}, "a", "b")(t, s)
	conn, err := pgx.Connect(t.Context(), url+"&deadlock_timeout=1min")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	execute := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	execute("BEGIN; UPDATE accounts SET nick = 'other' WHERE userid = 'b'")
	updated := make(chan error, 1)
	go func() {
		_, err := s.Update(context.Background(), doubtApp, []account.Patch{{ID: "a", Kicked: 1}, {ID: "b", Kicked: 1}}, account.ChangePolicy{Now: doubtTime})
		updated <- err
	}()
	awaitLock(t, url)
	// The session that has waited for one second first looks for a deadlock and gives up. That
	// is the update, unless this machine is very slow.
	_, err = conn.Exec(t.Context(), "UPDATE accounts SET nick = 'other' WHERE userid = 'a'")
	victim := stateOf(err) == "40P01"
	if err != nil && !victim {
		t.Fatal(err)
	}
	execute("ROLLBACK")
	if err := <-updated; err != nil {
		t.Errorf("Update: %v", err)
	}
	if s.retries.Load() == 0 && !victim {
		t.Error("the update was not repeated, so the test proves nothing")
	}
}

// TestCanceled checks that a canceled read has changed nothing, that a canceled write says
// so, and that neither costs the pool a place.
func TestCanceled(t *testing.T) {
	url := database(t)
	s := open(t, Options{URL: url + "&pool_max_conns=2&lock_timeout=0"})
	defer s.Close()
	commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}})
	create(account.UpsertPolicy{}, "a")(t, s)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for range 6 {
		if _, err := conn.Exec(t.Context(), "BEGIN; LOCK TABLE accounts", pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		for name, call := range map[string]func(context.Context) error{
			"Lookup": func(ctx context.Context) error {
				_, err := s.Lookup(ctx, doubtApp, []account.UserID{"a"})
				return err
			},
			"Update": func(ctx context.Context) error {
				_, err := s.Update(ctx, doubtApp, []account.Patch{{ID: "a", Kicked: 1}}, account.ChangePolicy{Now: doubtTime})
				return err
			},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- call(ctx) }()
			awaitLock(t, url)
			cancel()
			err := <-ended
			if account.CodeOf(err) != account.Unavailable || account.DetailOf(err) != outOfTime {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := conn.Exec(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lookup(t.Context(), doubtApp, []account.UserID{"a"}); err != nil {
			t.Errorf("the next call: %v", err)
		}
	}
}

// awaitLock waits until a session of a database waits for a lock on rows or the table of
// accounts.
func awaitLock(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url) // a transaction would see only one moment
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	const sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%userid%')"
	deadline := time.Now().Add(time.Minute)
	for waiting := false; !waiting; {
		if err := conn.QueryRow(t.Context(), sql).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("no session waits")
		}
	}
}

// TestOpenCut loses the connection while a store opens.
func TestOpenCut(t *testing.T) {
	url := database(t)
	p := pgtest.StartProxy(t, url)
	p.Plan(pgtest.Cut{BeforeCommit: true})
	s, err := Open(t.Context(), Options{URL: p.URL(url)})
	if err == nil {
		t.Fatal("the store is open", s.Close())
	}
	if text := err.Error(); !strings.HasSuffix(text, lost) || !strings.HasPrefix(text, "the database ") {
		t.Errorf("Open: %v", err)
	}
}

// TestStopped stops the server in all ways and starts it again, while calls run.
func TestStopped(t *testing.T) {
	c := pgtest.StartCluster(t, 0)
	if _, _, err := Migrate(t.Context(), Options{URL: c.Primary()}); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{URL: c.Primary()})
	defer s.Close()
	commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}})
	v := &victim{t: t, store: s}
	for name, stop := range map[string]func(){
		"Fast":      func() { signalServer(t, c, syscall.SIGINT) },
		"Immediate": func() { signalServer(t, c, syscall.SIGQUIT) },
		"Killed":    func() { c.Kill(0) },
	} {
		l := startLoad(t, s, name)
		l.await(50)
		stop()
		v.eventually("Ready fails", func() bool { return s.Ready(t.Context()) != nil })
		ctx, cancel := context.WithTimeout(t.Context(), callDeadline)
		_, err := upsert(ctx, s, account.UpsertPolicy{}, "x")
		cancel()
		if code := account.CodeOf(err); code != account.Unavailable && code != account.Unknown {
			t.Errorf("%s: %v", name, err)
		}
		c.Restart(0)
		l.await(50)
		l.end()
		v.eventually("Ready is nil", func() bool { return s.Ready(t.Context()) == nil })
	}
	v.check()
}

// signalServer stops the server of a cluster with a signal and waits for its end.
func signalServer(t *testing.T, c *pgtest.Cluster, signal syscall.Signal) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.Primary())
	if err != nil {
		t.Fatal(err)
	}
	var file, text string
	const sql = "SELECT current_setting('data_directory') || '/postmaster.pid', pg_read_file('postmaster.pid')"
	err = conn.QueryRow(t.Context(), sql).Scan(&file, &text)
	_ = conn.Close(t.Context()) // a fast stop would end it
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(text, "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
