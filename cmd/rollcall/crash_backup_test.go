package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/repository"
	"rollcall/internal/store/open"
	"rollcall/internal/testutil/anystore"
)

// TestKillBackups kills a server while it makes, prunes and drills backups under a load of
// changes. After each time every listed backup is sound, the newest one is no older than
// the newest that was acknowledged, and it can be restored and read.
func TestKillBackups(t *testing.T) {
	anystore.NeedEmbedded(t)
	place := filepath.Join(t.TempDir(), "backups")
	args := []string{"--backup-to", place, "--backup-keep", "last=3", "--backup-schedule", "@hourly", "--backup-drill-schedule", "@hourly"}
	tr, s := newTrial(t, t.TempDir(), args...)
	tr.workers = tr.workers[:2]
	acknowledged := ""
	for round := range 6 {
		l := tr.startLoad(t, s)
		l.more(t, 20)
		took := 100 * time.Millisecond
		wanted := 1 + rand.IntN(3)
		for i := 0; i < wanted || acknowledged == ""; i++ { // the first round needs one that is whole
			start := time.Now()
			b, err := s.admin.StoreBackup(t.Context())
			if err != nil {
				continue // the schedule is making one
			}
			acknowledged, took = b.ID, time.Since(start)
		}
		ended := make(chan string)
		go func() {
			b, err := s.admin.StoreBackup(t.Context())
			if err != nil {
				ended <- ""
				return
			}
			ended <- b.ID
		}()
		time.Sleep(rand.N(took + took/4))
		_ = s.Process.Kill()
		if id := <-ended; id != "" {
			acknowledged = id
		}
		l.stop.Store(true)
		l.refused() // the calls that were under way
		_ = s.Wait()
		checkBackups(t, place, acknowledged, fmt.Sprint("round ", round))
		s = tr.start(t)
		allRight(t, tr, s) // in each round, because the calls under way at the kill are settled by it
	}
}

// checkBackups verifies every backup, and drills the newest one.
func checkBackups(t *testing.T, place, acknowledged, round string) {
	t.Helper()
	r, err := repository.Open(t.Context(), place, repository.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Verify(t.Context(), nil, nil)
	if err == nil {
		err = report.Err()
	}
	if err != nil {
		t.Errorf("%s: %v", round, err)
	}
	newest, err := r.Newest(t.Context())
	if err != nil || newest < acknowledged {
		t.Errorf("%s: the newest backup is %s, %v; %s was acknowledged", round, newest, err, acknowledged)
	}
	inspect := func(ctx context.Context, dir string) (*account.Contents, error) { return open.Verify(ctx, dir, "") }
	if _, err := r.Drill(t.Context(), repository.Drill{Scratch: filepath.Join(t.TempDir(), "scratch"), Inspect: inspect}); err != nil {
		t.Errorf("%s: %v", round, err)
	}
}
