package postgres

import (
	"context"
	"testing"
	"time"

	"rollcall/internal/account"
)

// TestLongCommit removes a space in a statement that takes longer than one of an ordinary
// call may take.
func TestLongCommit(t *testing.T) {
	if citusURL != "" {
		t.Skip("Citus has no triggers on these tables")
	}
	url := database(t)
	s := open(t, Options{URL: url + "&statement_timeout=1000"})
	defer s.Close()
	openSpace(t, s, account.Space{App: watchApp})
	const slow = `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.1); RETURN NULL; END';
		CREATE TRIGGER slow BEFORE DELETE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION slow()`
	run(t, connect(t, url), slow)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := s.Commit(ctx, account.Commit{Spaces: []account.Space{{App: watchApp, Remove: true}}}); err != nil {
		t.Error(err)
	}
	if s.retries.Load() != 0 {
		t.Errorf("%d retries", s.retries.Load())
	}
}

// TestSpacesOrder checks that a commit of several spaces counts the change after it has
// locked all of them. Otherwise two commits can wait for each other.
func TestSpacesOrder(t *testing.T) {
	if citusURL != "" {
		t.Skip("the workers of Citus know who waits")
	}
	url := database(t)
	s := open(t, Options{URL: url})
	defer s.Close()
	openSpace(t, s, account.Space{App: watchOther})
	conn := connect(t, url)
	run(t, conn, "INSERT INTO changes SELECT -1, n, 1 FROM generate_series(0, 15) AS n ON CONFLICT DO NOTHING")
	run(t, conn, "BEGIN; UPDATE spaces SET live = live")
	done := make(chan error, 1)
	go func() {
		_, err := s.Commit(t.Context(), account.Commit{Spaces: []account.Space{{App: watchApp}, {App: watchOther}}})
		done <- err
	}()
	waiting := connect(t, url)
	for value(t, waiting, "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%generation%FOR UPDATE'") == "0" {
	}
	if free := value(t, conn, "SELECT count(*)::text FROM (SELECT FROM changes WHERE kind = -1 FOR UPDATE SKIP LOCKED) AS c"); free != "16" {
		t.Errorf("%s counters are not locked, want 16", free)
	}
	run(t, conn, "ROLLBACK")
	if err := <-done; err != nil {
		t.Error(err)
	}
}
