package httpx

import (
	"syscall"
	"testing"
)

// TestOpenFilesIsTheHardLimit checks that the runtime raises the soft limit at
// start, which [MaxConns] relies on.
func TestOpenFilesIsTheHardLimit(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	got, ok := openFiles()
	if hard := uint64(limit.Max); !ok || got+1 < hard {
		t.Errorf("openFiles = %d, %v, want the hard limit %d", got, ok, hard)
	}
}
