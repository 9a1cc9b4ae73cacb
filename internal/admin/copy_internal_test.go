package admin

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
)

// TestOnDisk starts operations on a disk that hangs. Each call ends after a minute. At the
// maximum number of them, further operations are refused until one returns.
func TestOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{diskOps: make(chan struct{}, maxDiskOps)}
		hang := make(chan struct{})
		for range maxDiskOps {
			start := time.Now()
			err := s.onDisk(diskPatience, func() error {
				<-hang
				return nil
			})
			if account.CodeOf(err) != account.Unavailable || time.Since(start) != diskPatience {
				t.Errorf("after %v: %v, want Code unavailable after %v", time.Since(start), err, diskPatience)
			}
		}
		operation := func() error { return io.EOF }
		if p, ok := errors.AsType[*problemError](s.onDisk(diskPatience, operation)); !ok || p.slug != conflict {
			t.Errorf("one operation more: %+v, want a conflict", p)
		}
		close(hang)
		synctest.Wait()
		if err := s.onDisk(diskPatience, operation); !errors.Is(err, io.EOF) {
			t.Errorf("a disk that works: %v", err)
		}
	})
}

func TestNoBackup(t *testing.T) {
	for store, want := range map[string]string{"postgres": "back it up with pg_dump", "mem": "use pebble:DIR"} {
		if got := (&Server{o: Options{Store: store}}).noBackup(); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", store, got, want)
		}
	}
}
