package directory_test

import (
	"context"
	"strings"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
)

// A meddler is an engine that calls before, once, ahead of the next commit.
type meddler struct {
	mem.Store
	before func()
}

func (m *meddler) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if before := m.before; before != nil {
		m.before = nil
		before()
	}
	return m.Store.Commit(ctx, c)
}

// TestSnapshotOfDeletedApp deletes an app while a snapshot of it is taken. No snapshot
// remains, which nobody could delete.
func TestSnapshotOfDeletedApp(t *testing.T) {
	m := new(meddler)
	b := newTestBench(t, m)
	m.before = func() {
		if err := b.dir.DeleteApp(t.Context(), "test", appID); err != nil {
			t.Error(err)
		}
	}
	if s, err := b.dir.TakeSnapshot(t.Context(), "test", appID, "late"); account.CodeOf(err) != account.NoApp {
		t.Errorf("TakeSnapshot = %+v, %v; want Code no app", s, err)
	}
}

// TestSnapshotOfRecord takes a snapshot of an app whose record is large. The record counts.
func TestSnapshotOfRecord(t *testing.T) {
	b := newTestBench(t, new(mem.Store))
	small, err := b.dir.TakeSnapshot(t.Context(), "test", appID, "small")
	if err != nil {
		t.Fatal(err)
	}
	word := strings.Repeat("w", 100)
	_, err = b.dir.ChangeApp(t.Context(), "test", directory.AppChange{App: appID, Action: "app.change", Apply: func(a *account.App) error {
		a.Settings.Words = []string{word}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	large, err := b.dir.TakeSnapshot(t.Context(), "test", appID, "large")
	if err != nil || large.Bytes < small.Bytes+int64(len(word)) {
		t.Errorf("%d bytes with a word of %d bytes, %v; %d without it", large.Bytes, len(word), err, small.Bytes)
	}
}
