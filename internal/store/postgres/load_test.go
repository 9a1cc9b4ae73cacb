package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// TestLoadTaken loads an id that another transaction creates after the load has found that
// there is none. The load waits for it, and then overwrites the row.
func TestLoadTaken(t *testing.T) {
	const app = 1400000001
	url := database(t)
	s := open(t, Options{URL: url})
	defer func() { _ = s.Close() }()
	at := time.UnixMilli(1_770_000_000_000).UTC()
	if _, err := s.Commit(t.Context(), account.Commit{Spaces: []account.Space{{App: app, Now: at}}}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const other = `INSERT INTO accounts (internal_id, sdkappid, created_ms, updated_ms, bucket, userid, nick, face_url) VALUES (1, $1, 1, 1, $2, 'b', 'other', '')`
	if _, err := tx.Exec(t.Context(), other, int64(app), bucketOf(app, "b")); err != nil {
		t.Fatal(err)
	}
	rows := []account.Exported{}
	for i, id := range []account.UserID{"a", "b", "c"} {
		rows = append(rows, account.Exported{Account: account.Account{ID: id, InternalID: uint64(100 + i), Nick: "loaded", Created: at, Updated: at}})
	}
	loaded := make(chan error, 1)
	go func() { loaded <- s.LoadAccounts(t.Context(), app, rows, nil) }()
	for waiting := 0; waiting == 0; {
		err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'COPY%'`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-loaded:
			t.Fatalf("the load did not wait for the other transaction: %v", err)
		default:
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	as, err := s.Lookup(t.Context(), app, []account.UserID{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range as {
		if a.InternalID != uint64(100+i) || a.Nick != "loaded" {
			t.Errorf("%+v, want the loaded account", a)
		}
	}
}
