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

// TestLoadRaises raises the sequences by loads while another transaction raises them further.
func TestLoadRaises(t *testing.T) {
	url := database(t)
	s := openStill(t, url)
	openSpace(t, s, account.Space{App: watchApp})
	const low, high = 5_000_000, 6_000_000
	for name, load := range map[string]func() error{
		"LoadAccounts": func() error {
			e := account.Exported{Account: account.Account{ID: "a", InternalID: low, Created: watchTime, Updated: watchTime}}
			return s.LoadAccounts(t.Context(), watchApp, []account.Exported{e}, nil)
		},
		"LoadRecords": func() error {
			return s.LoadRecords(t.Context(), nil, account.Numbers{Commit: low, InternalID: low})
		},
	} {
		conn := connect(t, url)
		run(t, conn, `SELECT setval('internal_ids', 1), setval('commit_numbers', 100)`)
		other, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1)`, int64(raiseLock)); err != nil {
			t.Fatal(err)
		}
		loaded := make(chan error, 1)
		go func() { loaded <- load() }()
		for waits := false; !waits; {
			if err := other.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)`).Scan(&waits); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-loaded:
				t.Fatalf("%s has not waited: %v", name, err)
			default:
			}
		}
		if _, err := other.Exec(t.Context(), `SELECT setval('internal_ids', $1::bigint), setval('commit_numbers', $1::bigint)`, int64(high)); err != nil {
			t.Fatal(err)
		}
		if err := other.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-loaded; err != nil {
			t.Fatal(err)
		}
		if n, err := s.Numbers(t.Context()); err != nil || n.InternalID < high || n.Commit < high {
			t.Errorf("after %s the numbers are %+v, %v", name, n, err)
		}
	}
}
