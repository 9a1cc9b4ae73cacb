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
