package repository

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// TestRemedied adds what to do to errors of a disk, and to no others.
func TestRemedied(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ENOSPC: "free some space",
		syscall.EDQUOT: "free some space",
		syscall.EACCES: "let the user of this process write there",
		syscall.EROFS:  "choose a file system",
	} {
		err := remedied(&fs.PathError{Op: "write", Path: "x", Err: errno})
		if !errors.Is(err, errno) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := remedied(fs.ErrClosed); err != fs.ErrClosed {
		t.Errorf("%v is another error", err)
	}
}
