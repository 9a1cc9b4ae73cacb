package pebble

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

var longURL = strings.Repeat("x", 400)

// fillLong creates more accounts than the chunks of an export contain.
func fillLong(t *testing.T, s *Store) (n int) {
	t.Helper()
	us := make([]account.Upsert, 100)
	for n = 0; n < 2*chunks*chunkBytes/len(longURL); n += len(us) {
		for i := range us {
			us[i] = account.Upsert{ID: account.UserID(fmt.Sprintf("u%07d", n+i)), Nick: "before", FaceURL: longURL}
		}
		_, err := s.Upsert(t.Context(), app, us, free)
		must(t, err)
	}
	return n
}

// TestExportFlushes exports accounts of which only a part is flushed.
func TestExportFlushes(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	furnish(t, s)
	for _, prefix := range []account.UserID{"", "5", "99"} {
		want := list(t, s, account.ListQuery{Limit: 100, Prefix: prefix})
		var got []account.Account
		for e, err := range s.Export(t.Context(), app, account.ExportQuery{Prefix: prefix}) {
			must(t, err)
			a := e.Account
			a.ID, a.Nick, a.FaceURL = account.UserID(strings.Clone(string(a.ID))), strings.Clone(a.Nick), strings.Clone(a.FaceURL)
			a.Profile = append([]account.Field(nil), a.Profile...)
			got = append(got, a)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("prefix %q (-listed +exported):\n%s", prefix, diff)
		}
	}
}

// TestExportBesideFlushes changes everything during an export, and flushes twice. The
// export has the accounts of before, and nothing waits for it.
func TestExportBesideFlushes(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	want, got := fillLong(t, s), 0
	flush(t, s)
	for e, err := range s.Export(t.Context(), app, account.ExportQuery{}) {
		must(t, err)
		if got++; got == 1 {
			for range 2 {
				for i := 0; i < want; i += 10 {
					_, err := s.Upsert(t.Context(), app, []account.Upsert{{ID: account.UserID(fmt.Sprintf("u%07d", i)), Nick: "after"}}, free)
					must(t, err)
					_, err = s.Delete(t.Context(), app, []account.UserID{account.UserID(fmt.Sprintf("u%07d", i+1))}, changing)
					must(t, err)
				}
				flush(t, s)
			}
			s.view.forget()
		}
		if e.Nick != "before" {
			t.Fatalf("%s is exported with the nick %q", e.ID, e.Nick)
		}
	}
	if got != want {
		t.Errorf("%d accounts, want %d", got, want)
	}
}

// TestExportClosed closes the store in the middle of an export whose caller is slow. Close
// does not wait for the caller, who gets an error and nothing that is wrong.
func TestExportClosed(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	want, got := fillLong(t, s), 0
	var last error
	for e, err := range s.Export(t.Context(), app, account.ExportQuery{}) {
		if got == 0 {
			must(t, s.Close())
		}
		if last = err; err != nil {
			continue
		}
		if id := account.UserID(fmt.Sprintf("u%07d", got)); e.ID != id || e.FaceURL != longURL {
			t.Fatalf("account %d is %s", got, e.ID)
		}
		got++
	}
	if account.CodeOf(last) != account.Unavailable || got == want {
		t.Errorf("%d of %d accounts, then %v; want Code unavailable", got, want, last)
	}
	for _, err := range s.Export(t.Context(), app, account.ExportQuery{}) {
		if account.CodeOf(err) != account.Unavailable {
			t.Errorf("an export of a closed store: %v, want Code unavailable", err)
		}
	}
}

// TestExportHung ends the context of an export whose disk hangs.
func TestExportHung(t *testing.T) {
	disk := newFaultyDisk()
	s := open(t, Options{FS: disk})
	fillLong(t, s)
	flush(t, s)
	must(t, s.Close())
	s = open(t, Options{FS: disk}) // with an empty cache
	asked, goOn := make(chan struct{}, 1000), make(chan struct{})
	disk.breakDown(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst") {
			select {
			case asked <- struct{}{}:
			default:
			}
			<-goOn
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	var last error
	for _, err := range s.Export(ctx, app, account.ExportQuery{}) {
		last = err
	}
	if account.CodeOf(last) != account.Unavailable {
		t.Errorf("an export whose disk hangs: %v, want Code unavailable", last)
	}
	close(goOn)
	disk.heal()
	must(t, s.Close())
}

// BenchmarkExport exports a million accounts.
func BenchmarkExport(b *testing.B) {
	const n = 1_000_000
	s := open(b, Options{Dir: b.TempDir()})
	defer func() { _ = s.Close() }()
	us := make([]account.Upsert, 1000)
	for i := 0; i < n; i += len(us) {
		for k := range us {
			us[k] = account.Upsert{ID: account.UserID(fmt.Sprintf("user-%08d", (i+k)*7919%n)), Nick: "nick", FaceURL: "https://example.com/a.png"}
		}
		if _, err := s.Upsert(b.Context(), app, us, free); err != nil {
			b.Fatal(err)
		}
	}
	for _, flushed := range []bool{false, true} {
		if flushed {
			if err := s.flusher.guarded(nil); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprint("flushed-", flushed), func(b *testing.B) {
			b.ReportAllocs()
			start, rows := time.Now(), 0
			for b.Loop() {
				for _, err := range s.Export(b.Context(), app, account.ExportQuery{}) {
					if err != nil {
						b.Fatal(err)
					}
					rows++
				}
			}
			b.ReportMetric(float64(rows)/time.Since(start).Seconds(), "rows/s")
		})
	}
}
