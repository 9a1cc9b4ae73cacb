package pebble

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rollcall/internal/account"
)

// TestNothingAfterFailure makes the store fail while it writes a commit and another call is
// in the queue. The commit is on the disk, so the other call must not write. It would
// overwrite the journal of the commit, but not its records.
func TestNothingAfterFailure(t *testing.T) {
	disk := newCrashDisk()
	var s *Store
	armed := make(chan struct{}, 1)
	s = open(t, Options{FS: disk, hook: func(written bool) error {
		if !written || len(armed) == 0 {
			return nil
		}
		<-armed
		eventually(t, "call in the queue", func() bool { return len(s.commits.queue) > 0 })
		s.failure.Fail(errors.New("the manifest cannot be written"))
		return nil
	}})
	armed <- struct{}{}
	outcomes := make(chan error, 2)
	go func() { _, err := s.Commit(t.Context(), wholeCommit(0, "first")); outcomes <- err }()
	eventually(t, "commit under way", func() bool { return len(armed) == 0 })
	go func() { outcomes <- one(t, s, "second", long) }()
	for range 2 {
		if err := <-outcomes; account.CodeOf(err) != account.Internal {
			t.Errorf("%v, want Code internal", err)
		}
	}
	eventually(t, "empty queue", func() bool { return len(s.commits.queue) == 0 })
	again := open(t, Options{FS: disk.crash(vfs.CrashCloneCfg{})})
	defer func() { _ = again.Close() }()
	if parts := partialCommits(t, again); len(parts) > 0 {
		t.Error(parts)
	}
	if _, err := again.Record(t.Context(), kindWhole, "first/a"); err != nil {
		t.Errorf("the commit that was written: %v", err)
	}
}
